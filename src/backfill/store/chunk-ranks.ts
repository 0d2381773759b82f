import { sql } from "drizzle-orm";
import * as v from "valibot";
import type { MinuteRange } from "../../core/mod.ts";
import type { Access } from "./transaction.ts";

/** Chunks of one series and session that are read at once: one for each minute of the longest, and others' beside them. */
const CHUNKS_MAX = 3_000;

/** A chunk that has not ended, of one series. */
export interface OpenChunk extends MinuteRange {
  readonly id: number;
  /** `in_flight`: somebody has it, of whatever job. `pending`: of the asked job, waiting; `due` when it may be claimed now. */
  readonly state: "pending" | "due" | "in_flight";
  readonly rank: number;
}

export interface NewRank {
  readonly id: number;
  readonly rank: number;
}

/** The half of the job store that ranks a job's pending chunks anew. */
export interface ChunkRankStore {
  /** First minute of the chunk of a job and series that comes next; undefined when none may be claimed now. */
  nextMinute(jobId: string, seriesId: number): Promise<number | undefined>;
  /** Chunks of `range`: those of the job that are pending, by rank, and whatever trades are being fetched. */
  openChunks(jobId: string, seriesId: number, range: MinuteRange): Promise<OpenChunk[]>;
  /**
   * Changes the ranks of pending chunks; answers of how many. One that somebody holds keeps its rank: nothing is waited
   * for, so that no circle of locks can close.
   */
  rerank(ranks: readonly NewRank[]): Promise<number>;
}

const minute = v.pipe(v.string(), v.transform(Number));
const Next = v.array(v.object({ lo: minute }));
const Chunks = v.array(
  v.object({
    id: minute,
    lo: minute,
    hi: minute,
    rank: v.number(),
    state: v.picklist(["pending", "due", "in_flight"]),
  }),
);

export function createChunkRankStore({ db }: Pick<Access, "db">): ChunkRankStore {
  return {
    async nextMinute(jobId, seriesId) {
      const rows = await db.execute(sql`
        select lo::text as lo from backfill_chunk
        where job_id = ${jobId}::uuid and status = 'pending' and series_id = ${seriesId}::int and run_after <= now()
        order by rank, no limit 1`);
      return v.parse(Next, [...rows])[0]?.lo;
    },
    async openChunks(jobId, seriesId, range) {
      const rows = await db.execute(sql`
        select id::text as id, lo::text as lo, hi::text as hi, rank,
          case when status = 'leased' then 'in_flight' when run_after <= now() then 'due' else 'pending' end as state
        from backfill_chunk
        where series_id = ${seriesId}::int and lo >= ${range.lo}::bigint and lo < ${range.hi}::bigint
          and status in ('pending', 'leased') and (status = 'leased' or job_id = ${jobId}::uuid) and timeframe is null
        order by rank, no limit ${CHUNKS_MAX}::int`);
      return v.parse(Chunks, [...rows]);
    },
    async rerank(ranks) {
      if (ranks.length === 0) return 0;
      const ids = `{${ranks.map(({ id }) => id).join(",")}}`;
      const places = `{${ranks.map(({ rank }) => rank).join(",")}}`;
      const rows = await db.execute(sql`
        with wanted as materialized (
          select * from unnest(${ids}::text::bigint[], ${places}::text::int[]) as w(id, rank)
        ), mine as materialized (
          select c.id from backfill_chunk c where c.id = any(${ids}::text::bigint[]) and c.status = 'pending'
          for update skip locked
        )
        update backfill_chunk c set rank = wanted.rank from mine, wanted
        where c.id = mine.id and c.id = wanted.id and c.status = 'pending' and c.rank <> wanted.rank
        returning 1`);
      return rows.length;
    },
  };
}
