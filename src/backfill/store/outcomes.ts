import { sql } from "drizzle-orm";
import { backfillChunk } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import { holds } from "./claims.ts";
import { addCoverage, replaceCoverage } from "./coverage.ts";
import { type CounterChange, changeCounters } from "./progress.ts";
import { type Access, NUDGE_CHANNEL, type Tx } from "./transaction.ts";
import type {
  ChunkLease,
  ChunkResult,
  CommitOutcome,
  FailOutcome,
  GivenBackOutcome,
  NewSegment,
  Settled,
} from "./types.ts";

/**
 * Ends a chunk in one transaction: the fence, its segments with their minutes, the job's counters, status
 * and events. After a lost acknowledgement ask `readChunk`.
 * @throws {CoverageConflict} never in a sound system; nothing was written then.
 */
export async function commitChunk(
  access: Access,
  lease: ChunkLease,
  result: ChunkResult,
): Promise<CommitOutcome> {
  return access.db.transaction(async (tx): Promise<CommitOutcome> => {
    const rows = await tx
      .update(backfillChunk)
      .set({
        status: "done",
        leaseOwner: null,
        leaseUntil: null,
        error: null,
        records: result.recordsFetched,
      })
      .where(holds(lease))
      .returning({
        jobId: backfillChunk.jobId,
        seriesId: backfillChunk.seriesId,
        lo: backfillChunk.lo,
        hi: backfillChunk.hi,
      });
    const chunk = rows[0];
    if (chunk === undefined) return { kind: "lost" };
    const segments = result.segments ?? [];
    for (const { range } of segments)
      invariant(
        chunk.lo <= range.lo && range.hi <= chunk.hi,
        `segment [${range.lo}, ${range.hi}) does not lie inside its chunk [${chunk.lo}, ${chunk.hi})`,
      );
    const segmentIds =
      segments.length === 0 ? [] : await replaceCoverage(tx, chunk.seriesId, segments, lease.chunkId);
    const settled = await changeCounters(tx, chunk.jobId, {
      leased: -1,
      done: 1,
      fetched: result.recordsFetched,
      inserted: result.recordsInserted ?? result.recordsFetched,
    });
    await nudge(access, tx, { job_id: chunk.jobId, series_id: chunk.seriesId, segment_ids: segmentIds });
    return { kind: "committed", segmentIds, ...settled };
  });
}

/**
 * Writes a segment of the live feed (or a correction) for minutes that nobody owns.
 * @throws {CoverageConflict} when somebody does: the caller passed minutes that are not its own.
 */
export async function commitLive(access: Access, seriesId: number, segment: NewSegment): Promise<number> {
  return access.db.transaction(async (tx) => {
    const id = await addCoverage(tx, seriesId, segment);
    await nudge(access, tx, { series_id: seriesId, segment_ids: [id] });
    return id;
  });
}

/** Puts a chunk off for `delayMs` after a failure; the attempt is spent. */
export async function retryLater(
  access: Access,
  lease: ChunkLease,
  { error, delayMs }: { readonly error: string; readonly delayMs: number },
): Promise<GivenBackOutcome> {
  const settled = await leave(
    access,
    lease,
    { leased: -1 },
    {
      status: "pending",
      error,
      runAfter: sql`clock_timestamp() + ${Math.max(0, delayMs)} * interval '1 millisecond'`,
    },
  );
  return settled === undefined ? { kind: "lost" } : { kind: "given_back", ...settled };
}

/** Gives a chunk back as if it had not been claimed: a clean stop spends no attempt. */
export async function release(access: Access, lease: ChunkLease): Promise<GivenBackOutcome> {
  const settled = await leave(
    access,
    lease,
    { leased: -1 },
    {
      status: "pending",
      attempt: sql`${backfillChunk.attempt} - 1`,
      runAfter: sql`now()`,
    },
  );
  return settled === undefined ? { kind: "lost" } : { kind: "given_back", ...settled };
}

/** Gives a chunk up for good; the rest of the job goes on. */
export async function failChunk(
  access: Access,
  lease: ChunkLease,
  { error }: { readonly error: string },
): Promise<FailOutcome> {
  const settled = await leave(access, lease, { leased: -1, failed: 1, error }, { status: "failed", error });
  return settled === undefined ? { kind: "lost" } : { kind: "failed", ...settled };
}

type ChunkChange = Parameters<ReturnType<typeof updateChunk>["set"]>[0];

function updateChunk(tx: Tx) {
  return tx.update(backfillChunk);
}

async function leave(
  { db }: Access,
  lease: ChunkLease,
  change: CounterChange,
  row: ChunkChange,
): Promise<Settled | undefined> {
  return db.transaction(async (tx) => {
    const rows = await updateChunk(tx)
      .set({ ...row, leaseOwner: null, leaseUntil: null })
      .where(holds(lease))
      .returning({ jobId: backfillChunk.jobId });
    const chunk = rows[0];
    return chunk === undefined ? undefined : changeCounters(tx, chunk.jobId, change);
  });
}

/** Wakes listeners in other processes; the embedded database has none. */
async function nudge({ kind }: Access, tx: Tx, what: Readonly<Record<string, unknown>>): Promise<void> {
  if (kind === "postgres") await tx.execute(sql`select pg_notify(${NUDGE_CHANNEL}, ${JSON.stringify(what)})`);
}
