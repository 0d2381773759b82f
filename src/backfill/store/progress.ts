import { eq, sql } from "drizzle-orm";
import { backfillJob } from "../../../db/mod.ts";
import { chunkEndEvent, invariant, isEndedState, type JobStateEvent, jobOutcome } from "../../core/mod.ts";
import { appendTransition, type JobEvent } from "./events.ts";
import { hasCompletePart } from "./parts.ts";
import type { Tx } from "./transaction.ts";
import type { JobProgress, Settled } from "./types.ts";

/** How one operation changes the counters of a job. */
export interface CounterChange {
  readonly leased?: number;
  readonly done?: number;
  readonly failed?: number;
  /** Chunks given back. In a job that has ended they are called off, and the caller marks them so. */
  readonly back?: number;
  readonly fetched?: number;
  readonly inserted?: number;
  readonly updated?: number;
  readonly unchanged?: number;
  readonly error?: string | undefined;
}

/** A job's row as the rest of the program sees it. */
export function toProgress(row: JobRow): JobProgress {
  const ended = row.chunksDone + row.chunksFailed;
  return {
    id: row.id,
    request: row.request,
    dataset: row.dataset,
    status: row.status,
    intent: row.intent,
    priority: row.priority,
    maxParallel: row.maxParallel,
    chunksTotal: row.chunksTotal,
    chunksDone: row.chunksDone,
    chunksFailed: row.chunksFailed,
    chunksCancelled: row.chunksCancelled,
    leased: row.leased,
    recordsFetched: row.recordsFetched,
    recordsInserted: row.recordsInserted,
    recordsUpdated: row.recordsUpdated,
    recordsUnchanged: row.recordsUnchanged,
    planning: row.planning,
    progressPct:
      row.chunksTotal === 0 ? (row.planning ? 0 : 100) : Math.floor((1_000 * ended) / row.chunksTotal) / 10,
    error: row.error ?? undefined,
    createdAt: row.createdAt,
    startedAt: row.startedAt ?? undefined,
    finishedAt: row.finishedAt ?? undefined,
    deadlineAt: row.deadlineAt ?? undefined,
    version: row.version,
  };
}

/** Statuses that a job does not leave by itself. */
const ENDED = sql.raw(`('complete', 'cancelled', 'error')`);

/**
 * Applies a change to a job's counters, and what the change means for its state: a claim begins it, its last chunk ends it.
 * Locks the job's row until the transaction ends. Of a job that has ended the error stays, which says why it did.
 */
export async function changeCounters(tx: Tx, jobId: string, change: CounterChange): Promise<Settled> {
  const ended = sql`${backfillJob.status} in ${ENDED}`;
  const rows = await tx
    .update(backfillJob)
    .set({
      leased: sql`${backfillJob.leased} + ${change.leased ?? 0}`,
      chunksDone: sql`${backfillJob.chunksDone} + ${change.done ?? 0}`,
      chunksFailed: sql`${backfillJob.chunksFailed} + ${change.failed ?? 0}`,
      chunksCancelled: sql`${backfillJob.chunksCancelled} + case when ${ended} then ${change.back ?? 0}::int else 0 end`,
      recordsFetched: sql`${backfillJob.recordsFetched} + ${change.fetched ?? 0}`,
      recordsInserted: sql`${backfillJob.recordsInserted} + ${change.inserted ?? 0}`,
      recordsUpdated: sql`${backfillJob.recordsUpdated} + ${change.updated ?? 0}`,
      recordsUnchanged: sql`${backfillJob.recordsUnchanged} + ${change.unchanged ?? 0}`,
      ...((change.leased ?? 0) > 0 ? { servedAt: sql`clock_timestamp()` } : {}),
      version: sql`${backfillJob.version} + 1`,
      ...(change.error === undefined
        ? {}
        : { error: sql`case when ${ended} then ${backfillJob.error} else ${change.error}::text end` }),
    })
    .where(eq(backfillJob.id, jobId))
    .returning();
  const row = rows[0];
  invariant(row !== undefined, `job ${jobId} of a chunk does not exist`);
  return applyEvent(tx, row, await eventOf(tx, change, row));
}

async function eventOf(
  tx: Tx,
  { leased = 0, done = 0, failed = 0 }: CounterChange,
  row: JobRow,
): Promise<JobStateEvent> {
  if (leased > 0) return "claim";
  return done + failed > 0 ? endEvent(tx, row) : "chunk_back";
}

/** What the end of a chunk, or of a symbol's planning, means for the job: none of it is over while symbols wait to be planned. */
async function endEvent(tx: Tx, row: JobRow): Promise<JobStateEvent> {
  if (row.planning) return "chunk_ended";
  const event = chunkEndEvent(row);
  return event === "all_failed" && (await hasCompletePart(tx, row.id)) ? "last_chunk_done" : event;
}

/** A symbol of a job was planned, or refused: its chunks are counted, and without work left the job ends. Its row is locked. */
export async function settlePlanning(
  tx: Tx,
  row: JobRow,
  {
    chunks,
    planning,
    error,
  }: { readonly chunks: number; readonly planning: boolean; readonly error?: string },
): Promise<Settled> {
  const rows = await updateJob(tx)
    .set({
      chunksTotal: sql`${backfillJob.chunksTotal} + ${chunks}`,
      planning,
      version: sql`${backfillJob.version} + 1`,
      ...(error === undefined ? {} : { error }),
    })
    .where(eq(backfillJob.id, row.id))
    .returning();
  const planned = rows[0];
  invariant(planned !== undefined, `job ${row.id} vanished while its row was locked`);
  return applyEvent(tx, planned, await endEvent(tx, planned));
}

/** True when a chunk that is given back to this job is not wanted any more. */
export function callsOff({ job }: Settled): boolean {
  return isEndedState(job.status);
}

export type JobRow = typeof backfillJob.$inferSelect;
export type JobChange = Omit<Parameters<ReturnType<typeof updateJob>["set"]>[0], "status" | "version">;

function updateJob(tx: Tx) {
  return tx.update(backfillJob);
}

/**
 * Lets an event happen to a job whose row this transaction has locked: `change` is written, and if the state moves, so is
 * exactly one transition. The caller has asked the machine when the event comes from outside; here a refusal is a bug.
 */
export async function applyEvent(
  tx: Tx,
  row: JobRow,
  event: JobStateEvent,
  change: JobChange = {},
): Promise<Settled> {
  const outcome = jobOutcome(row.status, event);
  invariant(
    outcome.kind !== "refused",
    `job ${row.id} is ${row.status} and met ${event}, which cannot happen to it`,
  );
  const to = outcome.kind === "moves" ? outcome.to : undefined;
  if (to === undefined && Object.keys(change).length === 0) return { job: toProgress(row), events: [] };
  const rows = await updateJob(tx)
    .set({
      ...change,
      ...(to === undefined
        ? {}
        : { status: to, finishedAt: isEndedState(to) ? sql`clock_timestamp()` : null }),
      ...(to === "in_progress" ? { startedAt: sql`coalesce(${backfillJob.startedAt}, now())` } : {}),
      version: sql`${backfillJob.version} + 1`,
    })
    .where(eq(backfillJob.id, row.id))
    .returning();
  const moved = rows[0];
  invariant(moved !== undefined, `job ${row.id} vanished while its row was locked`);
  const job = toProgress(moved);
  if (to === undefined) return { job, events: [] };
  const events: readonly JobEvent[] = await appendTransition(tx, {
    jobId: row.id,
    from: row.status,
    to,
    progressPct: job.progressPct,
    error: to === "error" ? job.error : undefined,
  });
  return { job, events };
}
