import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { ChangeFeed } from "../../src/backfill/store/changes.ts";
import { invariant } from "../../src/core/mod.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import {
  backfillRange,
  chunksOf,
  clearWork,
  jobOf,
  makeSeries,
  mustClaim,
  segmentOf,
} from "./job-store-support.ts";

let database: Database;
let store: JobStore;

beforeAll(async () => {
  database = await openTestDatabase("postgres");
  store = createJobStore(database);
}, OPEN_TIMEOUT_MS);
beforeEach(() => clearWork(database));
afterAll(() => database.close(), OPEN_TIMEOUT_MS);

async function begun(): Promise<ChangeFeed> {
  const feed = new ChangeFeed(database);
  await feed.begin();
  return feed;
}

const idsOf = async (feed: ChangeFeed) => (await feed.look()).segments.map(({ id }) => id);

/** A live segment whose transaction stays open until the answer's `end` is called. */
async function slowCommit(seriesId: number, minute: number) {
  const begunAt = Promise.withResolvers<number>();
  const { promise: held, resolve: release } = Promise.withResolvers<"commit" | "roll back">();
  const over = database.sql
    .begin(async (sql) => {
      // As every commit does: it locks a row before it draws an id.
      await sql`select id from series where id = ${seriesId} for no key update`;
      const [row] = await sql<{ id: number }[]>`
        insert into segment (series_id, kind, lo, hi, files, rows, digest, origin)
        values (${seriesId}, 'live', ${minute}, ${minute + 1}, '[]'::text::jsonb, 0, 'd', 'test') returning id::int as id`;
      invariant(row !== undefined, "an insert answers its row");
      await sql`insert into coverage (series_id, range, segment_id)
        values (${seriesId}, int8range(${minute}, ${minute + 1}), ${row.id})`;
      begunAt.resolve(row.id);
      if ((await held) === "roll back") throw new Error("rolled back on purpose");
    })
    .catch(() => undefined);
  const id = await begunAt.promise;
  return {
    id,
    end: async (how: "commit" | "roll back") => {
      release(how);
      await over;
    },
  };
}

test("ChangeFeed.look() tells each segment once, from any process, and none of before", async () => {
  const series = await makeSeries(store);
  await backfillRange(store, series.id, { lo: 0, hi: 10 });
  const feed = await begun();
  expect(await idsOf(feed)).toEqual([]);
  const first = await backfillRange(store, series.id, { lo: 10, hi: 20 });
  const second = await store.commitLive(series.id, segmentOf({ lo: 20, hi: 21 }, { kind: "live" }));
  expect((await feed.look()).segments).toEqual([
    { id: first, seriesId: series.id, range: { lo: 10, hi: 20 } },
    { id: second, seriesId: series.id, range: { lo: 20, hi: 21 } },
  ]);
  expect(await idsOf(feed)).toEqual([]);
});

test("ChangeFeed.look() tells a segment whose id is lower than one it has told before", async () => {
  const [slow, quick] = [await makeSeries(store), await makeSeries(store)];
  const feed = await begun();
  const late = await slowCommit(slow.id, 5);
  const seen = await store.commitLive(quick.id, segmentOf({ lo: 0, hi: 1 }));
  expect(seen).toBeGreaterThan(late.id);
  expect(await idsOf(feed)).toEqual([seen]);
  expect(await idsOf(feed)).toEqual([]);
  await late.end("commit");
  expect(await idsOf(feed)).toEqual([late.id]);
  expect(await idsOf(feed)).toEqual([]);
});

test("ChangeFeed.begin() keeps what was under way when it began", async () => {
  const [slow, quick] = [await makeSeries(store), await makeSeries(store)];
  const late = await slowCommit(slow.id, 5);
  await store.commitLive(quick.id, segmentOf({ lo: 0, hi: 1 }));
  const feed = await begun();
  await late.end("commit");
  expect(await idsOf(feed)).toEqual([late.id]);
});

test("ChangeFeed.look() waits for no id that was rolled back", async () => {
  const [slow, quick] = [await makeSeries(store), await makeSeries(store)];
  const feed = await begun();
  const never = await slowCommit(slow.id, 5);
  const first = await store.commitLive(quick.id, segmentOf({ lo: 0, hi: 1 }));
  expect(await idsOf(feed)).toEqual([first]);
  await never.end("roll back");
  expect(await idsOf(feed)).toEqual([]);
  const second = await store.commitLive(quick.id, segmentOf({ lo: 1, hi: 2 }));
  expect(await idsOf(feed)).toEqual([second]);
});

test("ChangeFeed.known() keeps a process's own segments to itself, and says when they were told before", async () => {
  const series = await makeSeries(store);
  const feed = await begun();
  const own = await store.commitLive(series.id, segmentOf({ lo: 0, hi: 1 }));
  expect(feed.known([own])).toBe(false);
  expect(await idsOf(feed)).toEqual([]);
  const told = await store.commitLive(series.id, segmentOf({ lo: 1, hi: 2 }));
  expect(await idsOf(feed)).toEqual([told]);
  expect(feed.known([told])).toBe(true);
});

test("ChangeFeed.look() tells a quarantined segment once, because its minutes are nobody's now", async () => {
  const series = await makeSeries(store);
  const id = await store.commitLive(series.id, segmentOf({ lo: 3, hi: 5 }));
  const feed = await begun();
  await store.quarantineSegment(id, "damaged");
  expect((await feed.look()).segments).toEqual([{ id, seriesId: series.id, range: { lo: 3, hi: 5 } }]);
  expect(await idsOf(feed)).toEqual([]);
});

test("ChangeFeed.look() tells each transition in both channels, and the counters of jobs under way", async () => {
  const series = await makeSeries(store);
  const feed = await begun();
  const { job } = await store.createJob(jobOf(chunksOf(series.id, 2)));
  const { lease } = await mustClaim(store);
  const begunJob = await feed.look();
  expect(begunJob.events.map(({ channel, data }) => [channel, data.to])).toEqual([
    ["backfill", "pending"],
    ["backfill", "in_progress"],
    [`backfill:${job.id}`, "pending"],
    [`backfill:${job.id}`, "in_progress"],
  ]);
  expect(begunJob.jobs).toMatchObject([{ id: job.id, leased: 1, chunksDone: 0 }]);
  await store.commit(lease, { recordsFetched: 1 });
  expect(await feed.look()).toMatchObject({ events: [], jobs: [{ id: job.id, chunksDone: 1 }] });
  const last = await mustClaim(store);
  await store.commit(last.lease, { recordsFetched: 1 });
  const end = await feed.look();
  expect(end.events.map(({ data }) => data.to)).toEqual(["complete", "complete"]);
  expect(end.jobs).toMatchObject([{ id: job.id, status: "complete" }]);
  expect(await feed.look()).toMatchObject({ events: [], jobs: [] });
});

test("ChangeFeed.look() that fails half-way loses nothing that it has seen", async () => {
  const series = await makeSeries(store);
  let cut = false;
  const feed = new ChangeFeed({
    ...database,
    get db() {
      return new Proxy(database.db, {
        get(target, name) {
          // Segments are found by `execute`; everything after that is a select.
          if (cut && name === "select") throw new Error("the connection was cut");
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  });
  await feed.begin();
  const id = await store.commitLive(series.id, segmentOf({ lo: 0, hi: 1 }));
  cut = true;
  await expect(feed.look()).rejects.toThrow("cut");
  cut = false;
  expect(await idsOf(feed)).toEqual([id]);
});
