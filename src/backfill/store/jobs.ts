import { eq, sql } from "drizzle-orm";
import { v7 } from "uuid";
import { backfillJob, type JobStatus } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import { JobTooLarge } from "./errors.ts";
import { appendTransition, type JobEvent } from "./events.ts";
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
export async function createJob({ db }: Access, job: NewJob): Promise<CreateOutcome> {
  if (job.chunks.length > CHUNKS_PER_JOB_MAX) throw new JobTooLarge(job.chunks.length, CHUNKS_PER_JOB_MAX);
  const wanted = job.status ?? "pending";
  invariant(
    wanted === "pending" || job.chunks.length === 0,
    `a ${wanted} job never runs, so it has no chunks`,
  );
  const status: JobStatus = wanted === "pending" && job.chunks.length === 0 ? "complete" : wanted;
  return db.transaction(async (tx): Promise<CreateOutcome> => {
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
        finishedAt: status === "pending" ? null : sql`now()`,
      })
      .onConflictDoNothing({ target: backfillJob.requestKey })
      .returning();
    const row = inserted[0];
    if (row === undefined) {
      const rows = await tx.select().from(backfillJob).where(eq(backfillJob.requestKey, job.requestKey));
      invariant(rows[0] !== undefined, "a request key that conflicts belongs to a job");
      return { kind: "existing", job: toProgress(rows[0]), events: [] };
    }
    for (let from = 0; from < job.chunks.length; from += INSERT_BATCH)
      await insertChunks(tx, row.id, from, job.chunks.slice(from, from + INSERT_BATCH));
    const created = toProgress(row);
    const events = await appendTransition(tx, {
      jobId: row.id,
      from: "idle",
      to: status,
      progressPct: created.progressPct,
    });
    return { kind: "created", job: created, events };
  });
}

async function insertChunks(
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
