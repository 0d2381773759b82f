import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type postgres from "postgres";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { quickCommit } from "../../src/backfill/store/quick-commit.ts";
import type { CommitOutcome } from "../../src/backfill/store/types.ts";
import type { MinuteRange } from "../../src/core/mod.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import {
  backfillRange,
  chunksOf,
  clearWork,
  deriveCounters,
  jobOf,
  makeSeries,
  mustClaim,
  segmentOf,
  untilOneWaits,
} from "./job-store-support.ts";

/** The one-statement ways of claim and commit, where they meet each other and the long ways. */
let database: Database;
let store: JobStore;

beforeAll(async () => {
  database = await openTestDatabase("postgres", { poolSize: 12 });
  store = createJobStore(database);
}, OPEN_TIMEOUT_MS);
beforeEach(() => clearWork(database));
afterAll(() => database.close(), OPEN_TIMEOUT_MS);

test("quickCommit() leaves a job's last chunk, and minutes that somebody owns, to the long way, and writes nothing", async () => {
  const series = await makeSeries(store);
  await backfillRange(store, series.id, { lo: 0, hi: 5 });
  const { job } = await store.createJob(jobOf(chunksOf(series.id, 2)));
  const owned = await mustClaim(store);
  const result = { segments: [segmentOf(owned.range)], recordsFetched: 7 };
  expect(await quickCommit(database, owned.lease, result)).toBeUndefined();
  expect(await deriveCounters(database, job.id)).toMatchObject({ chunksDone: 0, leased: 1 });
  expect((await store.commit(owned.lease, result)).kind).toBe("committed");
  const last = await mustClaim(store);
  expect(await quickCommit(database, last.lease, { recordsFetched: 1 })).toBeUndefined();
  expect(await store.readChunk(last.lease.chunkId)).toMatchObject({ status: "leased" });
});

test("quickCommit() takes the common case, with its segments in order", async () => {
  const series = await makeSeries(store);
  await store.createJob(jobOf(chunksOf(series.id, 2)));
  const { lease, range } = await mustClaim(store);
  const [first, second] = [
    { lo: range.lo, hi: range.lo + 3 },
    { lo: range.lo + 6, hi: range.hi },
  ];
  const outcome = await quickCommit(database, lease, {
    segments: [segmentOf(second), segmentOf(first)],
    recordsFetched: 14,
  });
  expect(outcome).toMatchObject({ kind: "committed", job: { chunksDone: 1, leased: 0, recordsFetched: 14 } });
  const owners = await store.coverage(series.id, range);
  expect(owners.map(({ lo, hi }) => [lo, hi])).toEqual([
    [first.lo, first.hi],
    [second.lo, second.hi],
  ]);
  expect(outcome).toMatchObject({ segmentIds: [owners[1]?.segmentId, owners[0]?.segmentId] });
  expect(await quickCommit(database, lease, { recordsFetched: 1 })).toEqual({ kind: "lost" });
});

test("quickCommit() that deadlocks with another owner of its minutes writes nothing and leaves them to the long way", async () => {
  const series = await makeSeries(store);
  const older = await backfillRange(store, series.id, { lo: 1_000, hi: 1_010 });
  await store.createJob(jobOf(chunksOf(series.id, 2)));
  const { lease, range } = await mustClaim(store);
  const [first, second] = [
    { lo: range.lo, hi: range.lo + 3 },
    { lo: range.lo + 6, hi: range.hi },
  ];
  const result = { segments: [segmentOf(first), segmentOf(second)], recordsFetched: 14 };
  const own = (sql: postgres.TransactionSql, { lo, hi }: MinuteRange) =>
    sql`insert into coverage (series_id, range, segment_id) values (${series.id}, int8range(${lo}, ${hi}), ${older})`;
  let quick: Promise<CommitOutcome | undefined> | undefined;
  const other = database.sql.begin(async (sql) => {
    // Of two that wait for each other, the one that looks first is ended.
    await sql`set local deadlock_timeout = '30s'`;
    await own(sql, second);
    quick = quickCommit(database, lease, result);
    await untilOneWaits(database);
    await own(sql, first);
    throw new Error("taken back");
  });
  await expect(other).rejects.toThrow("taken back");
  expect(await quick).toBeUndefined();
  expect(await store.coverage(series.id, range)).toEqual([]);
  expect(await store.commit(lease, result)).toMatchObject({ kind: "committed", job: { chunksDone: 1 } });
  expect((await store.coverage(series.id, range)).map(({ lo, hi }) => ({ lo, hi }))).toEqual([first, second]);
});

test("commit() of all chunks of a job at the same moment ends it once, with every chunk counted", async () => {
  const series = await makeSeries(store);
  for (let round = 0; round < 10; round++) {
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 10, round * 100), { maxParallel: 12 }));
    const claims = await Promise.all(Array.from({ length: 10 }, () => mustClaim(store)));
    const outcomes = await Promise.all(
      claims.map(({ lease, range }) =>
        store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 7 }),
      ),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(10).fill("committed"));
    const ended = await store.job(job.id);
    expect(ended).toMatchObject({ status: "complete", chunksDone: 10, leased: 0, recordsFetched: 70 });
    expect(ended).toMatchObject(await deriveCounters(database, job.id));
  }
});

test("commit() of the same minutes by two jobs at the same moment leaves one owner and no conflict", async () => {
  const series = await makeSeries(store);
  for (let round = 0; round < 15; round++) {
    const lo = round * 30;
    // Two chunks each, so that the first commit of either may take the quick way.
    await store.createJob(jobOf(chunksOf(series.id, 2, lo)));
    await store.createJob(jobOf(chunksOf(series.id, 2, lo)));
    const claims = await Promise.all(Array.from({ length: 4 }, () => mustClaim(store)));
    const outcomes = await Promise.all(
      claims.map(({ lease, range }) =>
        store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 7 }),
      ),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(4).fill("committed"));
    const owners = await store.coverage(series.id, { lo, hi: lo + 20 });
    expect(owners.map((part) => [part.lo, part.hi])).toEqual([
      [lo, lo + 10],
      [lo + 10, lo + 20],
    ]);
  }
});

test("retryLater() with keepsAttempt spends none, and the lease is void all the same", async () => {
  const series = await makeSeries(store);
  await store.createJob(jobOf(chunksOf(series.id, 1)));
  for (let round = 0; round < 8; round++) {
    const { lease, attempt } = await mustClaim(store);
    expect(attempt).toBe(1);
    const why = { error: "banned", delayMs: 0, keepsAttempt: true };
    expect((await store.retryLater(lease, why)).kind).toBe("given_back");
    expect((await store.commit(lease, { recordsFetched: 1 })).kind).toBe("lost");
  }
});

test("heartbeat() is answered while every connection of the pool is busy", async () => {
  const series = await makeSeries(store);
  await store.createJob(jobOf(chunksOf(series.id, 1)));
  const { lease } = await mustClaim(store);
  const held = Promise.withResolvers<void>();
  const busy = Array.from({ length: 12 }, () => {
    const taken = Promise.withResolvers<void>();
    const over = database.sql.begin(async (sql) => {
      await sql`select 1`;
      taken.resolve();
      await held.promise;
    });
    return { taken: taken.promise, over };
  });
  await Promise.all(busy.map(({ taken }) => taken));
  expect(await store.heartbeat(lease, 60_000)).toEqual({ intent: "run" });
  held.resolve();
  await Promise.all(busy.map(({ over }) => over));
});
