import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { BACKFILL_CHANNEL } from "../../src/backfill/store/events.ts";
import { NUDGE_CHANNEL } from "../../src/backfill/store/transaction.ts";
import { invariant } from "../../src/core/mod.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import {
  backfillRange,
  chunksOf,
  clearWork,
  deriveCounters,
  expire,
  jobOf,
  makeSeries,
  mustClaim,
  segmentOf,
  segmentStates,
} from "./job-store-support.ts";

/** What only a server with several connections can get wrong. */
let database: Database;
let store: JobStore;

beforeAll(async () => {
  database = await openTestDatabase("postgres", { poolSize: 12 });
  store = createJobStore(database);
}, OPEN_TIMEOUT_MS);
beforeEach(() => clearWork(database));
afterAll(() => database.close(), OPEN_TIMEOUT_MS);

/** Works like a pool of workers until nothing is left to claim. */
async function drain(
  workers: number,
  work: (claimed: Awaited<ReturnType<typeof mustClaim>>) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: workers }, async (_, n) => {
      for (;;) {
        const claimed = await store.claim({ owner: `w${n}`, leaseMs: 60_000 });
        if (claimed === undefined) return;
        await work(claimed);
      }
    }),
  );
}

test("claim() by many workers gives each chunk once and keeps to max_parallel", async () => {
  const series = await makeSeries(store);
  const jobs = await Promise.all([
    store.createJob(jobOf(chunksOf(series.id, 40), { maxParallel: 12 })),
    store.createJob(jobOf(chunksOf(series.id, 20, 1_000), { maxParallel: 2, priority: 1 })),
  ]);
  const seen = new Set<number>();
  let narrowMost = 0;
  await drain(12, async (claimed) => {
    expect(seen.has(claimed.lease.chunkId)).toBe(false);
    seen.add(claimed.lease.chunkId);
    if (claimed.job.maxParallel === 2) narrowMost = Math.max(narrowMost, claimed.job.leased);
    const outcome = await store.commit(claimed.lease, {
      segments: [segmentOf(claimed.range)],
      recordsFetched: 3,
    });
    expect(outcome.kind).toBe("committed");
  });
  // A worker ends when it finds every job at its limit, so the last chunks may be left to one more round.
  await drain(1, async (claimed) => {
    seen.add(claimed.lease.chunkId);
    await store.commit(claimed.lease, { segments: [segmentOf(claimed.range)], recordsFetched: 3 });
  });
  expect(seen.size).toBe(60);
  expect(narrowMost).toBeLessThanOrEqual(2);
  for (const { job } of jobs) {
    const ended = await store.job(job.id);
    expect(ended?.status).toBe("complete");
    expect(ended).toMatchObject({ ...(await deriveCounters(database, job.id)) });
  }
  const events = await store.events(BACKFILL_CHANNEL, 0, 1_000);
  expect(events.map((event) => event.offset)).toEqual(events.map((_, n) => n + 1));
});

test("commit() that takes the next chunk along, by many workers: each chunk once, within max_parallel, by turns", async () => {
  const series = await makeSeries(store);
  const jobs = await Promise.all([
    store.createJob(jobOf(chunksOf(series.id, 150), { maxParallel: 12 })),
    store.createJob(jobOf(chunksOf(series.id, 30, 10_000), { maxParallel: 2, priority: 1 })),
  ]);
  const seen = new Set<number>();
  let narrowMost = 0;
  let along = 0;
  for (let round = 0; round < 2; round++)
    await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const options = { owner: `w${n}`, leaseMs: 60_000 };
        let claimed = await store.claim(options);
        while (claimed !== undefined) {
          expect(seen.has(claimed.lease.chunkId)).toBe(false);
          seen.add(claimed.lease.chunkId);
          if (claimed.job.maxParallel === 2) narrowMost = Math.max(narrowMost, claimed.job.leased);
          // The one-statement ways for chunks with and without segments.
          const segments = seen.size % 2 === 0 ? [segmentOf(claimed.range)] : [];
          const outcome = await store.commit(claimed.lease, { segments, recordsFetched: 3 }, options);
          invariant(outcome.kind === "committed", "a fresh lease commits");
          if (outcome.next !== undefined) along++;
          claimed = outcome.next ?? (await store.claim(options));
        }
      }),
    );
  expect(seen.size).toBe(180);
  expect(along).toBeGreaterThan(20);
  expect(narrowMost).toBeLessThanOrEqual(2);
  for (const { job } of jobs) {
    const ended = await store.job(job.id);
    expect(ended).toMatchObject({ status: "complete", ...(await deriveCounters(database, job.id)) });
    const [part] = await store.jobDetails(job.id);
    expect(part).toMatchObject({ chunksDone: job.chunksTotal, records: 3 * job.chunksTotal, leased: 0 });
  }
});

test("claim() by as many workers as chunks of one job leaves none empty-handed", async () => {
  const series = await makeSeries(store);
  await store.createJob(jobOf(chunksOf(series.id, 12), { maxParallel: 12 }));
  const claims = await Promise.all(
    Array.from({ length: 12 }, (_, n) => store.claim({ owner: `w${n}`, leaseMs: 60_000 })),
  );
  expect(new Set(claims.map((claimed) => claimed?.lease.chunkId)).size).toBe(12);
  expect(claims).not.toContain(undefined);
});

test("commit() of pieces of one older owner at the same time is no conflict", async () => {
  const series = await makeSeries(store);
  const old = await backfillRange(store, series.id, { lo: 0, hi: 1_000 });
  await store.createJob(jobOf(chunksOf(series.id, 50, 100), { maxParallel: 12 }));
  await drain(12, async (claimed) => {
    await store.commit(claimed.lease, { segments: [segmentOf(claimed.range)], recordsFetched: 1 });
  });
  const rows = await store.coverage(series.id, { lo: 0, hi: 1_000 });
  expect(rows.filter((row) => row.segmentId === old).map(({ lo, hi }) => [lo, hi])).toEqual([
    [0, 100],
    [600, 1_000],
  ]);
  expect(rows).toHaveLength(52);
  expect((await segmentStates(database, series.id)).get(old)).toBe("committed");
});

test("two holders of one token and a reaper at the same time: exactly one write goes through", async () => {
  const series = await makeSeries(store);
  for (let round = 0; round < 20; round++) {
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 1, round * 10)));
    const { lease, range } = await mustClaim(store);
    await expire(database, lease);
    const result = { segments: [segmentOf(range)], recordsFetched: 1 };
    const [first, second, reaped] = await Promise.all([
      store.commit(lease, result),
      store.commit(lease, result),
      store.reapExpired(1),
    ]);
    const committed = [first, second].filter((outcome) => outcome.kind === "committed").length;
    expect(committed + reaped.failed).toBe(1);
    expect(await store.job(job.id)).toMatchObject({
      chunksDone: committed,
      chunksFailed: 1 - committed,
      leased: 0,
    });
    expect(await store.coverage(series.id, range)).toHaveLength(committed);
  }
});

test("createJob() of one request key by many at the same time makes one job", async () => {
  const series = await makeSeries(store);
  const wanted = jobOf(chunksOf(series.id, 2));
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => store.createJob(wanted)));
  expect(outcomes.filter((outcome) => outcome.kind === "created")).toHaveLength(1);
  expect(new Set(outcomes.map((outcome) => outcome.job.id)).size).toBe(1);
});

test("commit() nudges listeners after it has happened", async () => {
  const series = await makeSeries(store);
  const heard = Promise.withResolvers<string>();
  // The new job nudges as well, before its commit.
  const listening = await database.sql.listen(NUDGE_CHANNEL, (payload) => {
    if (payload.includes("segment_ids")) heard.resolve(payload);
  });
  const segmentId = await backfillRange(store, series.id, { lo: 0, hi: 10 });
  expect(JSON.parse(await heard.promise)).toMatchObject({ series_id: series.id, segment_ids: [segmentId] });
  await listening.unlisten();
});

test("commit() without segments nudges nobody, unless its job moves", async () => {
  const series = await makeSeries(store);
  const { job } = await store.createJob(jobOf(chunksOf(series.id, 3)));
  const claims = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
  const heard: string[] = [];
  const ended = Promise.withResolvers<void>();
  const listening = await database.sql.listen(NUDGE_CHANNEL, (payload) => {
    if (!payload.includes(job.id) || payload.includes("work")) return;
    heard.push(payload);
    ended.resolve();
  });
  for (const { lease } of claims) await store.commit(lease, { recordsFetched: 0 });
  await ended.promise;
  // One for three commits, and notifications come in the order of commits: it is the last one's.
  expect(heard).toHaveLength(1);
  expect(await store.job(job.id)).toMatchObject({ status: "complete" });
  await listening.unlisten();
});

test("claim() among 100,000 pending chunks reads an index, not the table", async () => {
  // One connection, because a session reports what it read by itself.
  const single = await openTestDatabase("postgres", { poolSize: 1 });
  try {
    const lone = createJobStore(single);
    const series = await makeSeries(lone);
    for (let n = 0; n < 2; n++) await lone.createJob(jobOf(chunksOf(series.id, 50_000)));
    await single.sql`analyze`;
    const rowsRead = async () => {
      await single.sql`select pg_stat_force_next_flush()`;
      const [row] = await single.sql<{ scanned: number; fetched: number }[]>`
        select seq_tup_read::int as scanned, idx_tup_fetch::int as fetched from pg_stat_user_tables where relname = 'backfill_chunk'`;
      invariant(row !== undefined, "the table has statistics");
      return row;
    };
    const before = await rowsRead();
    for (let n = 0; n < 10; n++) {
      await mustClaim(lone);
      await lone.pendingWork();
    }
    const after = await rowsRead();
    expect(after.scanned - before.scanned).toBe(0);
    expect(after.fetched - before.fetched).toBeLessThan(1_000);
    expect(after.fetched).toBeGreaterThan(before.fetched);
  } finally {
    await single.close();
  }
}, 60_000);
