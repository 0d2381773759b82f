import * as v from "valibot";
import type { MinuteRange } from "../../core/mod.ts";
import { TakenRow, TakenSeries, toClaimed } from "./claimed-row.ts";
import { isDeadlock, isDivisionByZero, isExclusionViolation } from "./errors.ts";
import { JobRow } from "./job-row.ts";
import { toProgress } from "./progress.ts";
import { findNext, moveChunks } from "./take-along.ts";
import { type Access, NUDGE_CHANNEL } from "./transaction.ts";
import type { ChunkLease, ChunkResult, ClaimOptions, CommitOutcome, NewSegment } from "./types.ts";

const Answer = v.tuple([
  v.object({
    held: v.boolean(),
    job: v.nullable(JobRow),
    segment_ids: v.array(v.pipe(v.string(), v.transform(Number))),
    next: v.nullable(TakenRow),
    series: v.nullable(TakenSeries),
  }),
]);

/**
 * Ends a chunk as one statement in one round trip, when that is all there is to it: its job runs on afterwards (so no
 * event), and nobody owns its minutes yet. Undefined otherwise: nothing was written, and the transaction of `commitChunk`
 * does it. Locks as that does: chunk, series (shared: only commits that replace older owners need it for
 * themselves), job.
 *
 * The job's row is what all commits of a job meet at, so it is written last, by the function `backfill_job_commit`: by then everything
 * else stands. Should the job have changed since the statement began, so that this was its last chunk, a division by zero takes
 * it all back. With `next`, the same statement may claim another chunk of the job (see `findNext`), and the job's row is still
 * written once.
 */
export async function quickCommit(
  access: Pick<Access, "sql" | "kind">,
  lease: ChunkLease,
  result: ChunkResult,
  next?: ClaimOptions,
): Promise<CommitOutcome | undefined> {
  try {
    const rows = await ((result.segments ?? []).length === 0
      ? commitEmpty(access, lease, result, next)
      : commitCovered(access, lease, result, next));
    const [{ held, job: row, segment_ids: segmentIds, next: chunk, series }] = v.parse(Answer, [...rows]);
    if (!held) return { kind: "lost" };
    if (row === null) return undefined;
    const job = toProgress(row);
    const committed = { kind: "committed" as const, segmentIds, job, events: [] };
    return chunk === null || series === null
      ? committed
      : { ...committed, next: toClaimed(chunk, series, job) };
  } catch (thrown) {
    // Another commit of the same minutes was quicker, or came at the same moment so that each found the other's row and waited
    // for it, or the job changed: nothing was written, and the long way, which has the series to itself, sees to it.
    if (isExclusionViolation(thrown) || isDeadlock(thrown) || isDivisionByZero(thrown)) return undefined;
    throw thrown;
  }
}

function commitEmpty(
  { sql }: Pick<Access, "sql">,
  lease: ChunkLease,
  result: ChunkResult,
  next: ClaimOptions | undefined,
) {
  const { recordsFetched, recordsInserted = recordsFetched } = result;
  return sql`
    with lease as materialized (
      select id, job_id from backfill_chunk
      where id = ${lease.chunkId}::bigint and lease_token = ${lease.token}::bigint and status = 'leased'
      for update
    ), ready as materialized (
      select lease.*, j.priority, j.served_at, j.leased, j.max_parallel
      from lease join backfill_job j on j.id = lease.job_id
      where j.status = 'in_progress' and j.intent = 'run'
        and j.chunks_done + j.chunks_failed + j.chunks_cancelled + 1 < j.chunks_total
    ), ${findNext({ sql }, next)}, ${moveChunks({ sql }, result, next)}, counted as materialized (
      select j.*
      from (select job_id, count(*) > 1 as takes_next from moved group by job_id) m
        cross join lateral backfill_job_commit(m.job_id, m.takes_next, ${recordsFetched}::bigint, ${recordsInserted}::bigint) j
    )
    select exists (select from lease) as held, to_json(counted) as job, array[]::text[] as segment_ids,
      to_json(taken) as next, to_json(series) as series,
      case when done.id is not null then 1 / (select count(*) from counted) end as proof
    from (select 1) as one left join moved done on done.ends left join counted on true left join moved taken on not taken.ends
      left join series on series.id = taken.series_id`;
}

function commitCovered(
  { sql, kind }: Pick<Access, "sql" | "kind">,
  lease: ChunkLease,
  result: ChunkResult,
  next: ClaimOptions | undefined,
) {
  const { recordsFetched, recordsInserted = recordsFetched, segments = [] } = result;
  // As one value: joined to `given`, the plan of a young table reads all of the series' coverage instead.
  const taken = multirangeOf(segments.flatMap(ownedBy));
  return sql`
    with given as materialized (
      select *, covered::int8multirange as owned from jsonb_to_recordset(${JSON.stringify(segments.map(toJson))}::text::jsonb)
        as g(no int, kind text, lo bigint, hi bigint, covered text, files jsonb, rows bigint, first_id text, last_id text,
          first_time_us bigint, last_time_us bigint, digest text, origin text)
    ), lease as materialized (
      select id, job_id, series_id, lo, hi from backfill_chunk
      where id = ${lease.chunkId}::bigint and lease_token = ${lease.token}::bigint and status = 'leased'
      for update
    ), line as materialized (
      select series.id from series join lease on lease.series_id = series.id for share of series
    ), ready as materialized (
      select lease.*, j.priority, j.served_at, j.leased, j.max_parallel
      from lease join line on line.id = lease.series_id join backfill_job j on j.id = lease.job_id
      where j.status = 'in_progress' and j.intent = 'run'
        and j.chunks_done + j.chunks_failed + j.chunks_cancelled + 1 < j.chunks_total
        and not exists (select from given where given.lo < lease.lo or given.hi > lease.hi)
        and not exists (select from coverage o
          where o.series_id = lease.series_id and o.range && ${taken}::text::int8multirange)
    ), ${findNext({ sql }, next)}, ${moveChunks({ sql }, result, next)}, added as (
      insert into segment (series_id, chunk_id, kind, lo, hi, files, rows, first_id, last_id, first_time_us,
        last_time_us, digest, origin)
      select moved.series_id, moved.id, g.kind, g.lo, g.hi, g.files, g.rows, g.first_id, g.last_id, g.first_time_us,
        g.last_time_us, g.digest, g.origin
      from moved, (select * from given order by no) g
      where moved.ends
      returning id, series_id, lo
    ), owned as (
      insert into coverage (series_id, range, segment_id)
      select added.series_id, piece, added.id
      from added join given on given.lo = added.lo, unnest(given.owned) as piece
      returning segment_id
    ), counted as materialized (
      select j.*
      from (select job_id, count(*) > 1 as takes_next from moved group by job_id having (select count(*) from owned) > 0) m
        cross join lateral backfill_job_commit(m.job_id, m.takes_next, ${recordsFetched}::bigint, ${recordsInserted}::bigint) j
    )
    select exists (select from lease) as held, to_json(counted) as job,
      array(select id::text from added order by id) as segment_ids,
      to_json(taken) as next, to_json(series) as series,
      case when done.id is not null then 1 / (select count(*) from counted) end as proof,
      case when counted.id is not null and ${kind === "postgres"} then pg_notify(${NUDGE_CHANNEL}::text, json_build_object(
        'job_id', counted.id, 'series_id', done.series_id, 'segment_ids', array(select id from added order by id))::text) end as nudged
    from (select 1) as one left join moved done on done.ends left join counted on true left join moved taken on not taken.ends
      left join series on series.id = taken.series_id`;
}

function toJson(segment: NewSegment, no: number) {
  const { kind, range, files, rows, digest, origin } = segment;
  return {
    no,
    kind,
    lo: range.lo,
    hi: range.hi,
    covered: multirangeOf(ownedBy(segment)),
    files,
    rows,
    first_id: segment.firstId ?? null,
    last_id: segment.lastId ?? null,
    first_time_us: segment.firstTimeUs ?? null,
    last_time_us: segment.lastTimeUs ?? null,
    digest,
    origin,
  };
}

function ownedBy({ covered, range }: NewSegment): readonly MinuteRange[] {
  return covered ?? [range];
}

function multirangeOf(ranges: readonly MinuteRange[]): string {
  return `{${ranges.map(({ lo, hi }) => `[${lo},${hi})`).join(",")}}`;
}
