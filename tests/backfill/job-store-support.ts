import { sql } from "drizzle-orm";
import type { Database } from "../../db/mod.ts";
import type { JobStore } from "../../src/backfill/job-store.ts";
import type {
  ChunkLease,
  ClaimedChunk,
  NewChunk,
  NewJob,
  NewSegment,
  SeriesRow,
} from "../../src/backfill/store/types.ts";
import { invariant, type MinuteRange } from "../../src/core/mod.ts";
import { until } from "../support/until.ts";

let names = 0;

/** A name that no other test of this process uses. */
export function fresh(prefix: string): string {
  names += 1;
  return `${prefix}-${names}`;
}

export function makeSeries(store: Pick<JobStore, "ensureSeries">): Promise<SeriesRow> {
  return store.ensureSeries({
    venue: "binance",
    market: "spot",
    symbol: fresh("SYM"),
    priceScale: 2,
    sizeScale: 5,
    tickUnits: 1,
    lotUnits: 1,
    binUnits: 10,
  });
}

/** `count` chunks of ten minutes from minute `lo`, ranked in that order. */
export function chunksOf(seriesId: number, count: number, lo = 0): NewChunk[] {
  return Array.from({ length: count }, (_, rank) => ({
    seriesId,
    range: { lo: lo + rank * 10, hi: lo + rank * 10 + 10 },
    source: "rest" as const,
    rank,
  }));
}

export function jobOf(chunks: readonly NewChunk[], more: Partial<NewJob> = {}): NewJob {
  return {
    request: { symbols: ["X"] },
    requestKey: fresh("key"),
    dataset: "trades",
    maxParallel: 8,
    chunks,
    ...more,
  };
}

export function segmentOf(range: MinuteRange, more: Partial<NewSegment> = {}): NewSegment {
  const name = fresh("segment");
  return {
    kind: "backfill",
    range,
    files: [{ path: `${name}.parquet`, bytes: 1_000, sha256: "ab".repeat(32), rows: 7 }],
    rows: 7,
    firstId: "1",
    lastId: "7",
    firstTimeUs: range.lo * 60_000_000,
    lastTimeUs: range.hi * 60_000_000 - 1,
    digest: name,
    origin: "test",
    ...more,
  };
}

export async function mustClaim(store: Pick<JobStore, "claim">, owner = "worker"): Promise<ClaimedChunk> {
  const claimed = await store.claim({ owner, leaseMs: 60_000 });
  invariant(claimed !== undefined, "there is a chunk to claim");
  return claimed;
}

/** Gives `range` to a new segment by way of a job of one chunk. */
export async function backfillRange(
  store: Pick<JobStore, "createJob" | "claim" | "commit">,
  seriesId: number,
  range: MinuteRange,
  more: Partial<NewSegment> = {},
): Promise<number> {
  await store.createJob(jobOf([{ seriesId, range, source: "rest", rank: 0 }], { priority: 1_000 }));
  const { lease } = await mustClaim(store);
  const outcome = await store.commit(lease, { segments: [segmentOf(range, more)], recordsFetched: 7 });
  invariant(outcome.kind === "committed", "a fresh lease commits");
  const id = outcome.segmentIds[0];
  invariant(id !== undefined, "one segment was written");
  return id;
}

/** Makes leases end now, as if their workers had died long ago. */
export async function expire({ db }: Database, ...leases: readonly ChunkLease[]): Promise<void> {
  for (const lease of leases)
    await db.execute(
      sql`update backfill_chunk set lease_until = now() - interval '1 second' where id = ${lease.chunkId} and status = 'leased'`,
    );
}

/** Ends every open job, so that the next test starts with nothing to claim. */
export async function clearWork({ db }: Database): Promise<void> {
  await db.execute(sql`truncate backfill_job, backfill_chunk, segment, coverage cascade`);
}

/** Resolves when one statement of the database waits for a lock that another holds. */
export function untilOneWaits({ sql: client }: Database): Promise<unknown> {
  return until("a statement to wait for a lock", async () => {
    const rows = await client<{ waiting: number }[]>`
      select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return rows[0]?.waiting === 1;
  });
}

export interface DerivedCounters {
  readonly chunksTotal: number;
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly leased: number;
  readonly recordsFetched: number;
}

/** A job's counters, counted from its chunks. */
export async function deriveCounters({ sql: client }: Database, jobId: string): Promise<DerivedCounters> {
  const rows = await client<{ [K in keyof DerivedCounters]: number }[]>`
    select count(*)::int as "chunksTotal",
      (count(*) filter (where status = 'done'))::int as "chunksDone",
      (count(*) filter (where status = 'failed'))::int as "chunksFailed",
      (count(*) filter (where status = 'leased'))::int as leased,
      coalesce(sum(records), 0)::int as "recordsFetched"
    from backfill_chunk where job_id = ${jobId}`;
  const row = rows[0];
  invariant(row !== undefined, "an aggregate answers one row");
  return { ...row };
}

/** The state of every segment of a series, by id. */
export async function segmentStates(
  { sql: client }: Database,
  seriesId: number,
): Promise<Map<number, string>> {
  const rows = await client<
    { id: number; state: string }[]
  >`select id::int as id, state from segment where series_id = ${seriesId}`;
  return new Map(rows.map((row) => [row.id, row.state]));
}
