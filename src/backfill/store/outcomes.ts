import { sql } from "drizzle-orm";
import { backfillChunk } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import { callOff } from "./called-off.ts";
import { writeCandles } from "./candles.ts";
import { holds } from "./claims.ts";
import { addCoverage, coveredMinutes, replaceCoverage } from "./coverage.ts";
import { nudge } from "./nudge.ts";
import { type CounterChange, callsOff, changeCounters } from "./progress.ts";
import { quickCommit } from "./quick-commit.ts";
import type { Access, Tx } from "./transaction.ts";
import type {
  CandleCounts,
  ChunkLease,
  ChunkResult,
  ClaimOptions,
  CommitOutcome,
  FailOutcome,
  GivenBackOutcome,
  NewSegment,
  Settled,
} from "./types.ts";

/**
 * Ends a chunk in one transaction: the fence, its segments with their minutes, the job's counters, status
 * and events. After a lost acknowledgement ask `readChunk`. Only the quick way takes the `next` chunk along.
 * @throws {CoverageConflict} never in a sound system; nothing was written then.
 */
export async function commitChunk(
  access: Access,
  lease: ChunkLease,
  result: ChunkResult,
  next?: ClaimOptions,
): Promise<CommitOutcome> {
  coveredMinutes(result.segments ?? []);
  const quick = result.candles === undefined ? await quickCommit(access, lease, result, next) : undefined;
  if (quick !== undefined) return quick;
  return access.db.transaction(async (tx): Promise<CommitOutcome> => {
    const rows = await tx
      .update(backfillChunk)
      .set({
        status: "done",
        leaseOwner: null,
        leaseUntil: null,
        error: null,
        records: result.recordsFetched,
        // Candles are counted where they are written.
        inserted: result.candles === undefined ? (result.recordsInserted ?? result.recordsFetched) : 0,
      })
      .where(holds(lease))
      .returning({
        jobId: backfillChunk.jobId,
        seriesId: backfillChunk.seriesId,
        timeframe: backfillChunk.timeframe,
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
    const counts = await countRecords(tx, lease.chunkId, chunk, result);
    const settled = await changeCounters(tx, chunk.jobId, {
      leased: -1,
      done: 1,
      fetched: result.recordsFetched,
      ...counts,
    });
    // Mere counters are looked at once a second anyway, and who notifies waits for all others who do.
    if (segmentIds.length > 0 || settled.events.length > 0)
      await nudge(access, tx, { job_id: chunk.jobId, series_id: chunk.seriesId, segment_ids: segmentIds });
    return { kind: "committed", segmentIds, ...settled };
  });
}

/** What became of the records of a chunk; candles are written here, and their chunk keeps the counts. */
async function countRecords(
  tx: Tx,
  chunkId: number,
  { seriesId, timeframe }: { readonly seriesId: number; readonly timeframe: string | null },
  { candles, recordsFetched, recordsInserted = recordsFetched }: ChunkResult,
): Promise<Partial<CandleCounts>> {
  if (candles === undefined) return { inserted: recordsInserted };
  invariant(timeframe !== null, `chunk ${chunkId} brings candles, but it has no timeframe`);
  return writeCandles(tx, { chunkId, seriesId, timeframe }, candles);
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

export interface RetryLater {
  readonly error: string;
  readonly delayMs: number;
  /** The failure says nothing of the chunk (the venue shut us out): its attempt is not spent. Default false. */
  readonly keepsAttempt?: boolean | undefined;
}

/** Puts a chunk off for `delayMs` after a failure. */
export async function retryLater(
  access: Access,
  lease: ChunkLease,
  { error, delayMs, keepsAttempt = false }: RetryLater,
): Promise<GivenBackOutcome> {
  const settled = await leave(
    access,
    lease,
    { leased: -1, back: 1 },
    {
      status: "pending",
      error,
      ...(keepsAttempt ? { attempt: sql`${backfillChunk.attempt} - 1` } : {}),
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
    { leased: -1, back: 1 },
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
    if (chunk === undefined) return undefined;
    const settled = await changeCounters(tx, chunk.jobId, change);
    // Nobody fetches for a job that has ended, so what comes back to it is called off.
    if (change.back !== undefined && callsOff(settled)) await callOff(tx, [lease.chunkId]);
    return settled;
  });
}
