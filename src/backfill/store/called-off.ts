import { and, eq, type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillChunk } from "../../../db/mod.ts";
import { Coverage, type MinuteRange } from "../../core/mod.ts";
import type { Access, Tx } from "./transaction.ts";

const Counted = v.tuple([v.object({ count: v.number() })]);

/** Calls off chunks that this transaction has given back; their job counts them already. */
export async function callOff(tx: Tx, chunkIds: readonly number[]): Promise<void> {
  if (chunkIds.length > 0)
    await markCalledOff(tx, sql`id = any(${sql.param(`{${chunkIds.join(",")}}`)}::bigint[])`, undefined);
}

/** Locks every chunk of a job that waits: a claim that holds one is waited for, which itself needs the job's row at most. */
export async function lockPending(tx: Tx, jobId: string): Promise<void> {
  await tx.execute(sql`
    select count(*) from (select id from backfill_chunk
      where job_id = ${jobId}::uuid and status = 'pending' order by id for update) as locked`);
}

/**
 * Calls off every chunk of a job that waits and that nobody else has locked, and answers how many. `error` is kept with each. The
 * job's row is locked.
 */
export function callOffPending(tx: Tx, jobId: string, error: string | undefined): Promise<number> {
  return markCalledOff(
    tx,
    sql`id in (select id from backfill_chunk
      where job_id = ${jobId}::uuid and status = 'pending' for update skip locked)`,
    error,
  );
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

/** True when a job has chunks that wait, which this transaction can see. */
export async function hasPending(tx: Tx, jobId: string): Promise<boolean> {
  const rows = await tx.execute(
    sql`select 1 from backfill_chunk where job_id = ${jobId}::uuid and status = 'pending' limit 1`,
  );
  return [...rows].length > 0;
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
        sql`${backfillChunk.status} = 'cancelled' and ${backfillChunk.timeframe} is null`,
        sql`${backfillChunk.lo} < ${range.hi} and ${backfillChunk.hi} > ${range.lo}`,
      ),
    );
  return [...Coverage.of(rows).within(range).ranges];
}
