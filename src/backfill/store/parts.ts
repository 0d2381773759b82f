import { sql } from "drizzle-orm";
import { validate } from "uuid";
import * as v from "valibot";
import { JOB_STATUSES, type JobStatus, PART_STATES, type PartState } from "../../../db/mod.ts";
import { isEndedState } from "../../core/mod.ts";
import type { Access, Tx } from "./transaction.ts";
import { type JobDetail, type NewChunk, type NewPart, type PartSummary, RECENT_MAX } from "./types.ts";

/** Leased chunks by part: few, and they have an index. */
const LEASED = sql`select job_id, series_id, timeframe, count(*)::int as count from backfill_chunk
  where status = 'leased' group by job_id, series_id, timeframe`;

const Summaries = v.array(
  v.object({
    job_id: v.string(),
    completed: v.number(),
    venue: v.nullable(v.string()),
    symbol: v.nullable(v.string()),
    timeframe: v.nullable(v.string()),
  }),
);
const Detail = v.object({
  series_id: v.nullable(v.number()),
  venue: v.string(),
  symbol: v.string(),
  timeframe: v.nullable(v.string()),
  state: v.picklist(PART_STATES),
  job_status: v.picklist(JOB_STATUSES),
  total: v.number(),
  done: v.number(),
  failed: v.number(),
  cancelled: v.number(),
  leased: v.number(),
  fetched: v.number(),
  inserted: v.number(),
  updated: v.number(),
  unchanged: v.number(),
  error: v.nullable(v.string()),
});
type Detail = v.InferOutput<typeof Detail>;
const Answer = v.tuple([v.object({ details: v.array(Detail) })]);

/** Writes the parts of a new job, counted from its chunks; without `parts` they are what the chunks name. */
export async function insertParts(
  tx: Tx,
  jobId: string,
  chunks: readonly NewChunk[],
  parts: readonly NewPart[] | undefined,
): Promise<void> {
  if (parts === undefined) {
    await tx.execute(sql`
      insert into backfill_part (job_id, no, venue, symbol, timeframe, series_id, state, chunks_total)
      select ${jobId}::uuid, row_number() over (order by min(c.no)) - 1, s.venue, s.symbol, c.timeframe, s.id, 'planned', count(*)
      from backfill_chunk c join series s on s.id = c.series_id where c.job_id = ${jobId}::uuid
      group by s.id, s.venue, s.symbol, c.timeframe`);
    return;
  }
  const counts = new Map<string, number>();
  const key = (seriesId: number, timeframe: string | undefined) => `${seriesId}/${timeframe ?? ""}`;
  for (const { seriesId, timeframe } of chunks)
    counts.set(key(seriesId, timeframe), (counts.get(key(seriesId, timeframe)) ?? 0) + 1);
  const rows = parts.map(({ venue, symbol, timeframe, seriesId }, no) => ({
    no,
    venue,
    symbol,
    timeframe,
    series_id: seriesId,
    state: (seriesId === undefined ? "waiting" : "planned") satisfies PartState,
    total: seriesId === undefined ? 0 : (counts.get(key(seriesId, timeframe)) ?? 0),
  }));
  await tx.execute(sql`
    insert into backfill_part (job_id, no, venue, symbol, timeframe, series_id, state, chunks_total)
    select ${jobId}::uuid, no, venue, symbol, timeframe, series_id, state, total
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as t(no int, venue text, symbol text, timeframe text, series_id int, state text, total int)`);
}

/** True when a part of the job had nothing to fetch: then the job has not failed as a whole, whatever its chunks did. */
export async function hasCompletePart(tx: Tx, jobId: string): Promise<boolean> {
  const rows = await tx.execute(sql`
    select from backfill_part where job_id = ${jobId}::uuid and state = 'planned' and chunks_total = 0 limit 1`);
  return rows.length > 0;
}

/** How the parts of a job fare, in the order of its request. Reads counters, not chunks. */
export async function readJobDetails({ db }: Pick<Access, "db">, id: string): Promise<JobDetail[]> {
  if (!validate(id)) return [];
  // One JSON text for all: half the time of a row each.
  const rows = await db.execute(sql`
    with leased as materialized (${LEASED})
    select coalesce(json_agg(json_build_object('series_id', p.series_id, 'venue', p.venue, 'symbol', p.symbol,
      'timeframe', p.timeframe, 'state', p.state, 'job_status', j.status, 'total', p.chunks_total,
      'done', p.chunks_done, 'failed', p.chunks_failed, 'cancelled', p.chunks_cancelled,
      'leased', coalesce(leased.count, 0), 'fetched', p.records_fetched, 'inserted', p.records_inserted,
      'updated', p.records_updated, 'unchanged', p.records_unchanged, 'error', p.error) order by p.no), '[]'::json) as details
    from backfill_part p join backfill_job j on j.id = p.job_id
      left join leased on leased.job_id = p.job_id and leased.series_id = p.series_id
        and leased.timeframe is not distinct from p.timeframe
    where p.job_id = ${id}::uuid`);
  return v.parse(Answer, [...rows])[0].details.map(toDetail);
}

/** What a list shows of the parts of the newest jobs, by job; a job without parts is absent. */
export async function readRecentParts(
  { db }: Pick<Access, "db">,
  limit: number,
): Promise<Map<string, PartSummary>> {
  const rows = await db.execute(sql`
    with recent as materialized (
      select id from backfill_job order by created_at desc, id desc limit ${Math.min(limit, RECENT_MAX)}::int
    ), leased as materialized (${LEASED}), current as (
      select distinct on (p.job_id) p.job_id, p.venue, p.symbol, p.timeframe
      from leased join recent on recent.id = leased.job_id
        join backfill_part p on p.job_id = leased.job_id and p.series_id = leased.series_id
        and p.timeframe is not distinct from leased.timeframe
      order by p.job_id, p.no
    ), whole as (
      select job_id, bool_and(state = 'planned' and chunks_done + chunks_failed = chunks_total
        and (chunks_done > 0 or chunks_failed = 0)) as complete
      from recent join backfill_part p on p.job_id = recent.id group by job_id, venue, symbol
    )
    select whole.job_id, (count(*) filter (where complete))::int as completed, current.venue, current.symbol, current.timeframe
    from whole left join current on current.job_id = whole.job_id
    group by whole.job_id, current.venue, current.symbol, current.timeframe`);
  return new Map(
    v.parse(Summaries, [...rows]).map(({ job_id, completed, venue, symbol, timeframe }) => [
      job_id,
      {
        symbolsCompleted: completed,
        current:
          venue === null || symbol === null
            ? undefined
            : { venue, symbol, timeframe: timeframe ?? undefined },
      },
    ]),
  );
}

function toDetail(row: Detail): JobDetail {
  return {
    seriesId: row.series_id ?? undefined,
    venue: row.venue,
    symbol: row.symbol,
    timeframe: row.timeframe ?? undefined,
    status: statusOf(row),
    chunksTotal: row.total,
    chunksDone: row.done,
    chunksFailed: row.failed,
    leased: row.leased,
    records: row.fetched,
    recordsInserted: row.inserted,
    recordsUpdated: row.updated,
    recordsUnchanged: row.unchanged,
    error: row.error ?? undefined,
  };
}

/** The rule for a job's end, applied to one part of it. */
function statusOf({ state, job_status, total, done, failed, cancelled, leased, error }: Detail): JobStatus {
  if (state === "refused") return "error";
  if (state === "waiting") return isEndedState(job_status) ? "cancelled" : "pending";
  if (done + failed === total) return done === 0 && failed > 0 ? "error" : "complete";
  if (leased === 0 && (isEndedState(job_status) || done + failed + cancelled === total)) return "cancelled";
  return leased + done + failed > 0 || error !== null ? "in_progress" : "pending";
}
