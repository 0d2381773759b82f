import { type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillJob } from "../../../db/mod.ts";
import { symbolName } from "../../core/mod.ts";
import { hasWaiting } from "./called-off.ts";
import { applyEvent, type JobRow } from "./progress.ts";
import { StartOver } from "./start-over.ts";
import type { Tx } from "./transaction.ts";
import type { Settled, SymbolRef } from "./types.ts";

const Symbols = v.array(v.object({ symbol: v.string() }));
const BroughtBack = v.tuple([
  v.object({ failed: v.number(), cancelled: v.number(), refused: v.number(), left: v.number() }),
]);

/**
 * Brings back what a job has failed at or was called off, of `symbols` or of all of it; the job's row is locked and its state
 * allows it. What it has committed stays. Answers why not, when there is nothing of that kind.
 */
export async function retryJob(
  tx: Tx,
  row: JobRow,
  symbols: readonly SymbolRef[] | undefined,
  moves: boolean,
): Promise<Settled | string> {
  const wanted = symbols?.map(symbolName);
  if (wanted !== undefined) {
    const known = await retryableSymbols(tx, row.id);
    const strange = wanted.filter((symbol) => !known.has(symbol));
    if (strange.length > 0) return `nothing of ${strange.join(", ")} has failed or was called off`;
  }
  const back = await bringBack(tx, row.id, wanted);
  if (back.left > 0) throw new StartOver();
  const nothing = back.failed + back.cancelled + back.refused === 0;
  if (nothing && !(moves && (await hasWaiting(tx, row.id))))
    return "nothing of it has failed or was called off";
  return applyEvent(tx, row, "retry", {
    chunksFailed: sql`${backfillJob.chunksFailed} - ${back.failed}`,
    chunksCancelled: sql`${backfillJob.chunksCancelled} - ${back.cancelled}`,
    error: null,
    // A deadline that has passed would end the job again before it begins.
    deadlineAt: sql`case when ${backfillJob.deadlineAt} > clock_timestamp() then ${backfillJob.deadlineAt} end`,
    ...(back.refused > 0 ? { planning: true, planUntil: null } : {}),
    ...(moves ? { intent: "run" as const } : {}),
  });
}

/** Waits for whoever has locked what a job has failed at or was called off, before its row is locked. Callers take turns. */
export async function awaitEnded(tx: Tx, jobId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${jobId}, 0))`);
  await tx.execute(sql`
    select count(*) from (select id from backfill_chunk
      where job_id = ${jobId}::uuid and status in ('failed', 'cancelled') order by id for update) as locked`);
}

/** Symbols of a job that were refused or never looked up, or have chunks that failed or were called off. */
async function retryableSymbols(tx: Tx, jobId: string): Promise<ReadonlySet<string>> {
  const rows = await tx.execute(sql`
    select s.venue || ':' || s.symbol as symbol from series s
    where exists (select from backfill_chunk c
      where c.job_id = ${jobId}::uuid and c.series_id = s.id and c.status in ('failed', 'cancelled'))
    union select venue || ':' || symbol from backfill_part where job_id = ${jobId}::uuid and state <> 'planned'`);
  return new Set(v.parse(Symbols, [...rows]).map(({ symbol }) => symbol));
}

/**
 * Makes failed and called-off chunks pending again, with all of their attempts (a trigger counts the failed ones of their parts), and
 * has symbols looked up that were refused, or not planned before the job was stopped. Lease tokens go on growing, so that who
 * held such a chunk before stays shut out.
 *
 * `left` counts chunks that somebody else has locked: a claim or a commit that chose a chunk while it waited, and locked it before it
 * saw that it is called off by now. It keeps that lock while it waits for the job's row, which is ours.
 */
async function bringBack(tx: Tx, jobId: string, symbols: readonly string[] | undefined) {
  const chosen: SQL =
    symbols === undefined
      ? sql`true`
      : sql`venue || ':' || symbol in (select jsonb_array_elements_text(${JSON.stringify(symbols)}::text::jsonb))`;
  const rows = await tx.execute(sql`
    with ended as materialized (
      select id from backfill_chunk
      where job_id = ${jobId}::uuid and status in ('failed', 'cancelled')
        and series_id in (select id from series where ${chosen})
    ), was as materialized (
      select id, status as former from backfill_chunk where id in (select id from ended) for update skip locked
    ), back as (
      update backfill_chunk c set status = 'pending', attempt = 0, error = null, run_after = now()
      from was where c.id = was.id returning c.series_id, c.timeframe, was.former
    ), counted as (
      select series_id, timeframe, count(*)::int as cancelled from back where former = 'cancelled'
      group by series_id, timeframe
    ), parts as (
      update backfill_part p set chunks_cancelled = p.chunks_cancelled - counted.cancelled
      from counted
      where p.job_id = ${jobId}::uuid and p.series_id = counted.series_id
        and p.timeframe is not distinct from counted.timeframe
    ), refused as (
      update backfill_part set state = 'waiting', attempt = 0, error = null
      where job_id = ${jobId}::uuid and state in ('refused', 'waiting') and ${chosen} returning 1
    )
    select (count(*) filter (where former = 'failed'))::int as failed,
      (count(*) filter (where former = 'cancelled'))::int as cancelled, (select count(*)::int from refused) as refused,
      (select count(*) from ended)::int - (select count(*) from was)::int as left
    from back`);
  return v.parse(BroughtBack, [...rows])[0];
}
