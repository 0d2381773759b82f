import { eq, sql } from "drizzle-orm";
import { v7 } from "uuid";
import { backfillJob } from "../../../db/mod.ts";
import { invariant, type JobStateEvent, jobOutcome } from "../../core/mod.ts";
import { JobTooLarge } from "./errors.ts";
import { appendTransition, type JobEvent } from "./events.ts";
import { nudge } from "./nudge.ts";
import { insertParts } from "./parts.ts";
import { toProgress } from "./progress.ts";
import type { Access, Tx } from "./transaction.ts";
import type { JobProgress, NewChunk, NewJob } from "./types.ts";

/** A year of 100 symbols in archive days, or 13 months of one symbol in ten-minute chunks, fits. */
export const CHUNKS_PER_JOB_MAX = 60_000;
/** Chunks written by one statement: about 250 kB of JSON. */
const INSERT_BATCH = 2_000;

export interface CreateOutcome {
  readonly kind: "created" | "existing";
  readonly job: JobProgress;
  readonly events: readonly JobEvent[];
}

/**
 * Writes a job with its chunks and its first event in one transaction. A job of the same request key is
 * answered instead, untouched. A job without chunks has nothing to do and is `complete` from the start.
 * @throws {JobTooLarge}
 */
export async function createJob(access: Access, job: NewJob): Promise<CreateOutcome> {
  if (job.chunks.length > CHUNKS_PER_JOB_MAX) throw new JobTooLarge(job.chunks.length, CHUNKS_PER_JOB_MAX);
  const wanted = job.status ?? "pending";
  invariant(
    wanted === "pending" || job.chunks.length === 0,
    `a ${wanted} job never runs, so it has no chunks`,
  );
  const planning = job.parts?.some(({ seriesId }) => seriesId === undefined) ?? false;
  const outcome = jobOutcome("idle", eventOf(wanted, job.chunks.length > 0 || planning));
  invariant(outcome.kind === "moves", "a job that is written down leaves the state idle");
  const status = outcome.to;
  return access.db.transaction(async (tx): Promise<CreateOutcome> => {
    const inserted = await tx
      .insert(backfillJob)
      .values({
        id: v7(),
        request: job.request,
        requestKey: job.requestKey,
        dataset: job.dataset,
        status,
        priority: job.priority ?? 0,
        maxParallel: job.maxParallel,
        chunksTotal: job.chunks.length,
        planning,
        finishedAt: status === "pending" ? null : sql`now()`,
        deadlineAt:
          job.deadlineSeconds === undefined
            ? null
            : sql`clock_timestamp() + ${job.deadlineSeconds} * interval '1 second'`,
      })
      .onConflictDoNothing({ target: backfillJob.requestKey })
      .returning();
    const row = inserted[0];
    if (row === undefined) {
      const rows = await tx.select().from(backfillJob).where(eq(backfillJob.requestKey, job.requestKey));
      invariant(rows[0] !== undefined, "a request key that conflicts belongs to a job");
      return { kind: "existing", job: toProgress(rows[0]), events: [] };
    }
    await insertChunks(tx, row.id, 0, job.chunks);
    await insertParts(tx, row.id, job.chunks, job.parts);
    const created = toProgress(row);
    const events = await appendTransition(tx, {
      jobId: row.id,
      from: "idle",
      to: status,
      progressPct: created.progressPct,
    });
    await nudge(access, tx, { work: true, job_id: row.id });
    return { kind: "created", job: created, events };
  });
}

function eventOf(wanted: NonNullable<NewJob["status"]>, hasWork: boolean): JobStateEvent {
  switch (wanted) {
    case "pending":
      return hasWork ? "plan" : "plan_empty";
    case "skipped":
      return "skip";
    case "disabled":
      return "disable";
  }
}

/** Writes chunks numbered from `firstNo` on; their job counts them already. */
export async function insertChunks(
  tx: Tx,
  jobId: string,
  firstNo: number,
  chunks: readonly NewChunk[],
): Promise<void> {
  for (let from = 0; from < chunks.length; from += INSERT_BATCH)
    await insertBatch(tx, jobId, firstNo + from, chunks.slice(from, from + INSERT_BATCH));
}

async function insertBatch(
  tx: Tx,
  jobId: string,
  firstNo: number,
  chunks: readonly NewChunk[],
): Promise<void> {
  const rows = chunks.map((chunk, index) => ({
    no: firstNo + index,
    series_id: chunk.seriesId,
    timeframe: chunk.timeframe ?? null,
    lo: chunk.range.lo,
    hi: chunk.range.hi,
    source: chunk.source,
    rank: chunk.rank,
  }));
  await tx.execute(sql`
    insert into backfill_chunk (job_id, no, series_id, timeframe, lo, hi, source, rank)
    select ${jobId}::uuid, no, series_id, timeframe, lo, hi, source, rank
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as t(no int, series_id int, timeframe text, lo bigint, hi bigint, source text, rank int)`);
}
