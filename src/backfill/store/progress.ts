import { eq, sql } from "drizzle-orm";
import { backfillJob, type JobStatus } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import { appendTransition, type JobEvent } from "./events.ts";
import type { Tx } from "./transaction.ts";
import type { JobProgress, Settled } from "./types.ts";

/** How one operation changes the counters of a job. */
export interface CounterChange {
  readonly leased?: number;
  readonly done?: number;
  readonly failed?: number;
  readonly fetched?: number;
  readonly inserted?: number;
  readonly error?: string | undefined;
}

/** A job's row as the rest of the program sees it. */
export function toProgress(row: typeof backfillJob.$inferSelect): JobProgress {
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
    leased: row.leased,
    recordsFetched: row.recordsFetched,
    recordsInserted: row.recordsInserted,
    progressPct: row.chunksTotal === 0 ? 100 : Math.floor((1_000 * ended) / row.chunksTotal) / 10,
    error: row.error ?? undefined,
    createdAt: row.createdAt,
    startedAt: row.startedAt ?? undefined,
    finishedAt: row.finishedAt ?? undefined,
    version: row.version,
  };
}

/**
 * Applies a change to a job's counters and ends the job when its last chunk has ended: `error` if every
 * chunk failed, else `complete` (with `chunksFailed` above zero if some did). Locks the job's row until the
 * transaction ends.
 */
export async function changeCounters(tx: Tx, jobId: string, change: CounterChange): Promise<Settled> {
  const rows = await tx
    .update(backfillJob)
    .set({
      leased: sql`${backfillJob.leased} + ${change.leased ?? 0}`,
      chunksDone: sql`${backfillJob.chunksDone} + ${change.done ?? 0}`,
      chunksFailed: sql`${backfillJob.chunksFailed} + ${change.failed ?? 0}`,
      recordsFetched: sql`${backfillJob.recordsFetched} + ${change.fetched ?? 0}`,
      recordsInserted: sql`${backfillJob.recordsInserted} + ${change.inserted ?? 0}`,
      version: sql`${backfillJob.version} + 1`,
      ...(change.error === undefined ? {} : { error: change.error }),
    })
    .where(eq(backfillJob.id, jobId))
    .returning();
  const row = rows[0];
  invariant(row !== undefined, `job ${jobId} of a chunk does not exist`);
  const mayEnd = row.status === "pending" || row.status === "in_progress" || row.status === "paused";
  if (!mayEnd || row.chunksDone + row.chunksFailed < row.chunksTotal)
    return { job: toProgress(row), events: [] };
  return moveJob(tx, row, row.chunksDone === 0 ? "error" : "complete");
}

/** Moves a job, whose row this transaction has locked, to another status and writes the event. */
export async function moveJob(tx: Tx, row: typeof backfillJob.$inferSelect, to: JobStatus): Promise<Settled> {
  const ends = to === "complete" || to === "error" || to === "cancelled";
  const rows = await tx
    .update(backfillJob)
    .set({
      status: to,
      version: sql`${backfillJob.version} + 1`,
      ...(to === "in_progress" ? { startedAt: sql`coalesce(${backfillJob.startedAt}, now())` } : {}),
      ...(ends ? { finishedAt: sql`clock_timestamp()` } : {}),
    })
    .where(eq(backfillJob.id, row.id))
    .returning();
  const moved = rows[0];
  invariant(moved !== undefined, `job ${row.id} vanished while its row was locked`);
  const job = toProgress(moved);
  const events: readonly JobEvent[] = await appendTransition(tx, {
    jobId: row.id,
    from: row.status,
    to,
    progressPct: job.progressPct,
    error: to === "error" ? job.error : undefined,
  });
  return { job, events };
}
