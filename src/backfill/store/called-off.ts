import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillChunk, backfillJob } from "../../../db/mod.ts";
import { Coverage, type MinuteRange } from "../../core/mod.ts";
import { toProgress } from "./progress.ts";
import type { Access, Tx } from "./transaction.ts";
import type { JobProgress } from "./types.ts";

/**
 * Chunks that one transaction calls off: about 25 ms on the embedded database, whose other work waits meanwhile. 60,000 in
 * one took 3 s there, and 9 s under load.
 */
const CALL_OFF_BATCH = 500;
/** What each chunk says that a deadline called off. */
const PAST_DEADLINE = "called off: the deadline of its job passed before it was fetched";

const Ids = v.array(v.object({ id: v.string() }));
const Counted = v.tuple([v.object({ count: v.number() })]);

/** Calls off chunks that this transaction has given back; their job counts them already. */
export async function callOff(tx: Tx, chunkIds: readonly number[]): Promise<void> {
  if (chunkIds.length > 0)
    await markCalledOff(tx, sql`id = any(${sql.param(`{${chunkIds.join(",")}}`)}::bigint[])`, undefined);
}

/**
 * Calls off what still waits of a job that has ended, a batch a transaction, at most `batches` of them. The job's status has said from the moment
 * it ended that none of it is to run; this makes the rows and the counters say so too. Answers the job as the last batch left it;
 * undefined when nothing waited.
 */
export async function callOffWaiting(
  access: Access,
  jobId: string,
  batches: number,
): Promise<JobProgress | undefined> {
  let last: JobProgress | undefined;
  for (let batch = 0; batch < batches; batch++) {
    const job = await access.db.transaction((tx) => callOffBatch(tx, jobId));
    if (job === undefined) break;
    last = job;
  }
  return last;
}

async function callOffBatch(tx: Tx, jobId: string): Promise<JobProgress | undefined> {
  // Two that lock chunks of one job could wait for each other in a circle.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${jobId}, 0))`);
  // Chunks before their job, as everywhere: a quick claim holds a chunk while it waits for the job. Without an order: a database that
  // has no statistics yet would sort all that waits for each batch.
  const rows = await tx.execute(sql`
    select id::text as id from backfill_chunk where job_id = ${jobId}::uuid and status = 'pending'
      and exists (select from backfill_job where id = ${jobId}::uuid and finished_at is not null)
    limit ${CALL_OFF_BATCH}::int for update`);
  const ids = v.parse(Ids, [...rows]).map(({ id }) => id);
  if (ids.length === 0) return undefined;
  const [job] = await tx
    .select({ status: backfillJob.status })
    .from(backfillJob)
    .where(and(eq(backfillJob.id, jobId), isNotNull(backfillJob.finishedAt)))
    .for("no key update");
  // A retry has brought the job back meanwhile.
  if (job === undefined) return undefined;
  const count = await markCalledOff(
    tx,
    sql`id = any(${sql.param(`{${ids.join(",")}}`)}::bigint[])`,
    job.status === "error" ? PAST_DEADLINE : undefined,
  );
  const [counted] = await tx
    .update(backfillJob)
    .set({
      chunksCancelled: sql`${backfillJob.chunksCancelled} + ${count}`,
      version: sql`${backfillJob.version} + 1`,
    })
    .where(eq(backfillJob.id, jobId))
    .returning();
  return counted && toProgress(counted);
}

/** True when chunks of a job wait; those of an ended job are about to be called off. */
export async function hasWaiting(tx: Tx, jobId: string): Promise<boolean> {
  const rows = await tx.execute(
    sql`select 1 from backfill_chunk where job_id = ${jobId}::uuid and status = 'pending' limit 1`,
  );
  return [...rows].length > 0;
}

/** An ended job that has chunks which wait: it was stopped a moment ago, or by a process that died. */
export async function jobToCallOff({ db }: Pick<Access, "db">): Promise<string | undefined> {
  // From job to job along the index of what waits: there are few such jobs, and many chunks.
  const rows = await db.execute(sql`
    with recursive waiting as (
      (select job_id from backfill_chunk where status = 'pending' order by job_id limit 1)
      union all
      select (select job_id from backfill_chunk where status = 'pending' and job_id > waiting.job_id order by job_id limit 1)
      from waiting where waiting.job_id is not null
    )
    select j.id from waiting join backfill_job j on j.id = waiting.job_id where j.finished_at is not null limit 1`);
  return v.parse(Ids, [...rows])[0]?.id;
}

async function markCalledOff(tx: Tx, which: SQL, error: string | undefined): Promise<number> {
  const why: SQL = error === undefined ? sql`error` : sql`coalesce(error, ${error}::text)`;
  const rows = await tx.execute(sql`
    with gone as (
      update backfill_chunk set status = 'cancelled', error = ${why} where ${which}
      returning job_id, series_id, timeframe
    ), counted as (
      select job_id, series_id, timeframe, count(*)::int as n from gone group by job_id, series_id, timeframe
    ), parts as (
      update backfill_part p set chunks_cancelled = p.chunks_cancelled + n from counted
      where p.job_id = counted.job_id and p.series_id = counted.series_id
        and p.timeframe is not distinct from counted.timeframe
    )
    select coalesce(sum(n), 0)::int as count from counted`);
  return v.parse(Counted, [...rows])[0].count;
}

/**
 * Minutes of `range` in trade chunks that somebody called off and nobody has brought back: sorted, disjoint. They are missing
 * on purpose.
 */
export async function readCalledOffRanges(
  { db }: Access,
  seriesId: number,
  range: MinuteRange,
): Promise<MinuteRange[]> {
  const rows = await db
    .select({ lo: backfillChunk.lo, hi: backfillChunk.hi })
    .from(backfillChunk)
    .where(
      and(
        eq(backfillChunk.seriesId, seriesId),
        // A stopped job's chunks are called off a few at a time.
        sql`(${backfillChunk.status} = 'cancelled' or ${backfillChunk.status} = 'pending' and exists (
          select from ${backfillJob} where ${backfillJob.id} = ${backfillChunk.jobId} and ${backfillJob.finishedAt} is not null))
          and ${backfillChunk.timeframe} is null`,
        sql`${backfillChunk.lo} < ${range.hi} and ${backfillChunk.hi} > ${range.lo}`,
      ),
    );
  return [...Coverage.of(rows).within(range).ranges];
}
