import { leaseMsOf } from "./claims.ts";
import type { Access } from "./transaction.ts";
import type { ChunkResult, ClaimOptions } from "./types.ts";

type Client = Pick<Access, "sql">;

/**
 * The parts of a quick commit that also claim a chunk. They follow an expression `ready`: the chunk that the statement ends, locked,
 * with what its job's row said when the statement began.
 */

/**
 * The expression `found`: the job's best chunk, locked, where `next` asks for one and a claim would choose this job, too. So no other job
 * that may run and has a chunk to run comes before it, by priority or because it has been served longer ago.
 */
export function findNext({ sql }: Client, next: ClaimOptions | undefined) {
  // A limit inside keeps the planner from looking for all jobs' chunks at once: it would read the whole table.
  return sql`
    may as materialized (
      select job_id from ready
      where ${next !== undefined}::boolean and leased <= max_parallel and (
        select true from backfill_job o cross join lateral (
          select from backfill_chunk where job_id = o.id and status = 'pending' and run_after <= now()
          order by rank, no limit 1
        ) w
        where o.status in ('pending', 'in_progress') and o.intent = 'run' and o.leased < o.max_parallel and o.id <> ready.job_id
          and (o.priority > ready.priority
            or o.priority = ready.priority and (o.served_at, o.id) < (ready.served_at, ready.job_id))
        limit 1
      ) is null
    ), found as materialized (
      select c.id from may cross join lateral (
        select id from backfill_chunk
        where job_id = may.job_id and status = 'pending' and run_after <= now()
        order by rank, no limit 1 for update skip locked
      ) c
    )`;
}

/**
 * The expression `moved`: the chunk `ready` done (`ends`) and the chunk `found` leased, by one write: Postgres prepares a table's
 * checks and indexes anew for each write of a statement.
 */
export function moveChunks(
  { sql }: Client,
  { recordsFetched, recordsInserted = recordsFetched }: ChunkResult,
  next: ClaimOptions | undefined,
) {
  return sql`
    moved as (
      update backfill_chunk c set
        status = case when m.ends then 'done' else 'leased' end,
        lease_token = case when m.ends then c.lease_token else c.lease_token + 1 end,
        attempt = case when m.ends then c.attempt else c.attempt + 1 end,
        lease_owner = case when m.ends then null else ${next?.owner ?? null}::text end,
        lease_until = case when m.ends then null
          else clock_timestamp() + ${next === undefined ? null : leaseMsOf(next)}::float8 * interval '1 millisecond' end,
        error = case when m.ends then null else c.error end,
        records = case when m.ends then ${recordsFetched}::bigint else c.records end,
        inserted = case when m.ends then ${recordsInserted}::bigint else c.inserted end
      from (select id, true as ends from ready union all select id, false from found) m
      where c.id = m.id
      returning c.*, m.ends
    )`;
}
