import { sql } from "drizzle-orm";
import { validate } from "uuid";
import * as v from "valibot";
import { JOB_STATUSES, type JobStatus, PART_STATES, type PartState } from "../../../db/mod.ts";
import { isEndedState } from "../../core/mod.ts";
import { JobRow } from "./job-row.ts";
import { toProgress } from "./progress.ts";
import type { Access } from "./transaction.ts";
import { type JobDetail, type JobProgress, type PartSummary, RECENT_MAX } from "./types.ts";

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
/** A part as {@link detailsOf} prints it: names in every row would double the time it takes to write and to read them. */
const Detail = v.pipe(
  v.tuple([
    v.nullable(v.number()),
    v.string(),
    v.string(),
    v.nullable(v.string()),
    v.picklist(PART_STATES),
    v.picklist(JOB_STATUSES),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.number(),
    v.nullable(v.string()),
  ]),
  v.transform(
    ([
      seriesId,
      venue,
      symbol,
      timeframe,
      state,
      jobStatus,
      total,
      done,
      failed,
      cancelled,
      leased,
      ...counts
    ]): JobDetail => {
      const [fetched, inserted, updated, unchanged, error] = counts;
      return {
        seriesId: seriesId ?? undefined,
        venue,
        symbol,
        timeframe: timeframe ?? undefined,
        status: statusOf({ state, jobStatus, total, done, failed, cancelled, leased, error }),
        chunksTotal: total,
        chunksDone: done,
        chunksFailed: failed,
        leased,
        records: fetched,
        recordsInserted: inserted,
        recordsUpdated: updated,
        recordsUnchanged: unchanged,
        error: error ?? undefined,
      };
    },
  ),
);
const Answer = v.tuple([v.object({ details: v.array(Detail) })]);
const Report = v.array(v.object({ job: JobRow, details: v.nullable(v.array(Detail)) }));

/** A job with its parts, both of one moment. */
export interface JobReport {
  readonly job: JobProgress;
  /** In the order of its request. */
  readonly details: readonly JobDetail[];
}

/** The details of a job as one JSON text: half the time of a row each. Reads counters, not chunks. */
function detailsOf(id: string) {
  return sql`(
    with leased as materialized (${LEASED})
    select coalesce(json_agg(json_build_array(p.series_id, p.venue, p.symbol, p.timeframe, p.state, j.status,
      p.chunks_total, p.chunks_done, p.chunks_failed, p.chunks_cancelled, coalesce(leased.count, 0),
      p.records_fetched, p.records_inserted, p.records_updated, p.records_unchanged, p.error) order by p.no), '[]'::json)
    from backfill_part p join backfill_job j on j.id = p.job_id
      left join leased on leased.job_id = p.job_id and leased.series_id = p.series_id
        and leased.timeframe is not distinct from p.timeframe
    where p.job_id = ${id}::uuid)`;
}

/** How the parts of a job fare, in the order of its request. */
export async function readJobDetails({ db }: Pick<Access, "db">, id: string): Promise<JobDetail[]> {
  if (!validate(id)) return [];
  const rows = await db.execute(sql`select ${detailsOf(id)} as details`);
  return v.parse(Answer, [...rows])[0].details;
}

/**
 * A job with its parts; undefined for an id that no job has, whatever its form. A job that has not changed since `former` was read costs a look
 * at its row: a job's version grows with all that moves its parts.
 */
export async function readJobReport(
  { db }: Pick<Access, "db">,
  id: string,
  former?: JobReport,
): Promise<JobReport | undefined> {
  if (!validate(id)) return undefined;
  const rows = await db.execute(sql`
    select to_jsonb(job) as job, case when version <> ${former?.job.version ?? 0}::int then ${detailsOf(id)} end as details
    from backfill_job job where id = ${id}::uuid`);
  const [found] = v.parse(Report, [...rows]);
  if (found === undefined) return undefined;
  return { job: toProgress(found.job), details: found.details ?? former?.details ?? [] };
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

/** The rule for a job's end, applied to one part of it. */
function statusOf(part: {
  readonly state: PartState;
  readonly jobStatus: JobStatus;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly leased: number;
  readonly error: string | null;
}): JobStatus {
  const { state, jobStatus, total, done, failed, cancelled, leased, error } = part;
  if (state === "refused") return "error";
  if (state === "waiting") return isEndedState(jobStatus) ? "cancelled" : "pending";
  if (done + failed === total) return done === 0 && failed > 0 ? "error" : "complete";
  if (leased === 0 && (isEndedState(jobStatus) || done + failed + cancelled === total)) return "cancelled";
  return leased + done + failed > 0 || error !== null ? "in_progress" : "pending";
}
