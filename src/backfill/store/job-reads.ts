import { asc, desc, eq, inArray, sql } from "drizzle-orm";
import { validate } from "uuid";
import { backfillChunk, backfillJob, segment } from "../../../db/mod.ts";
import { invariant, type MinuteRange } from "../../core/mod.ts";
import { toProgress } from "./progress.ts";
import type { Access } from "./transaction.ts";
import { type ChunkRow, type JobProgress, type PendingWork, RECENT_MAX } from "./types.ts";

/** Undefined for an id that no job has, whatever its form. */
export async function readJob({ db }: Access, id: string): Promise<JobProgress | undefined> {
  if (!validate(id)) return undefined;
  const rows = await db.select().from(backfillJob).where(eq(backfillJob.id, id));
  return rows[0] === undefined ? undefined : toProgress(rows[0]);
}

/** The newest jobs first; at most 1,000. */
export async function readRecentJobs({ db }: Access, limit: number): Promise<JobProgress[]> {
  const rows = await db
    .select()
    .from(backfillJob)
    .orderBy(desc(backfillJob.createdAt), desc(backfillJob.id))
    .limit(Math.min(limit, RECENT_MAX));
  return rows.map(toProgress);
}

export async function readPendingWork({ db }: Access): Promise<PendingWork> {
  const open = inArray(backfillJob.status, ["pending", "in_progress"]);
  const [totals] = await db
    .select({
      jobs: sql<number>`count(*)`.mapWith(Number),
      chunks:
        sql<number>`coalesce(sum(${backfillJob.chunksTotal} - ${backfillJob.chunksDone} - ${backfillJob.chunksFailed} - ${backfillJob.chunksCancelled}), 0)`.mapWith(
          Number,
        ),
      leased: sql<number>`coalesce(sum(${backfillJob.leased}), 0)`.mapWith(Number),
      dueMs: sql<number | null>`ceil(extract(epoch from least(
        (select min(due.run_after) from backfill_job j
          cross join lateral (select c.run_after from backfill_chunk c
            where c.job_id = j.id and c.status = 'pending' order by c.run_after limit 1) as due
          where j.status in ('pending', 'in_progress') and j.intent = 'run' and j.leased < j.max_parallel),
        (select min(lease_until) from backfill_chunk where status = 'leased')
      ) - now()) * 1000)::bigint`,
    })
    .from(backfillJob)
    .where(sql`${open} and ${backfillJob.intent} = 'run'`);
  invariant(totals !== undefined, "an aggregate answers one row");
  const nextDueMs = totals.dueMs === null ? undefined : Math.max(0, Number(totals.dueMs));
  return { jobs: totals.jobs, chunks: totals.chunks, leased: totals.leased, nextDueMs };
}

/** Minutes of `range` that trade jobs under way have planned and not fetched yet; sorted, disjoint. */
export async function readOpenRanges(
  { db }: Access,
  seriesId: number,
  range: MinuteRange,
): Promise<MinuteRange[]> {
  const asked = sql`int8range(${range.lo}, ${Math.max(range.lo, range.hi)})`;
  const planned = db
    .select({
      piece:
        sql<string>`unnest(range_agg(int8range(${backfillChunk.lo}, ${backfillChunk.hi}) * ${asked}))`.as(
          "piece",
        ),
    })
    .from(backfillChunk)
    .innerJoin(backfillJob, eq(backfillJob.id, backfillChunk.jobId))
    .where(
      sql`${backfillChunk.seriesId} = ${seriesId} and ${backfillChunk.status} in ('pending', 'leased')
        and ${backfillChunk.lo} < ${range.hi} and ${backfillChunk.hi} > ${range.lo}
        and ${backfillJob.dataset} = 'trades' and ${backfillJob.intent} <> 'cancel'
        and ${backfillJob.status} in ('pending', 'in_progress', 'paused')`,
    )
    .as("planned");
  return db
    .select({
      lo: sql<number>`lower(${planned.piece})`.mapWith(Number),
      hi: sql<number>`upper(${planned.piece})`.mapWith(Number),
    })
    .from(planned)
    .orderBy(planned.piece);
}

/** A chunk as it stands; `done` with the token of a lease means that this lease's commit went through. */
export async function readChunk({ db }: Access, id: number): Promise<ChunkRow | undefined> {
  const rows = await db.select().from(backfillChunk).where(eq(backfillChunk.id, id));
  const row = rows[0];
  if (row === undefined) return undefined;
  const segments = await db
    .select({ id: segment.id })
    .from(segment)
    .where(eq(segment.chunkId, id))
    .orderBy(asc(segment.id));
  return {
    id: row.id,
    jobId: row.jobId,
    no: row.no,
    seriesId: row.seriesId,
    range: { lo: row.lo, hi: row.hi },
    status: row.status,
    attempt: row.attempt,
    leaseToken: row.leaseToken,
    leaseUntil: row.leaseUntil ?? undefined,
    runAfter: row.runAfter,
    records: row.records,
    error: row.error ?? undefined,
    segmentIds: segments.map(({ id: segmentId }) => segmentId),
  };
}
