import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { type HeardNudge, hearNudges, saysWork } from "../../src/app/nudges.ts";
import { createJobStore } from "../../src/backfill/job-store.ts";
import { NUDGE_CHANNEL } from "../../src/backfill/store/transaction.ts";
import { chunksOf, jobOf, makeSeries } from "../backfill/job-store-support.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import { until } from "../support/until.ts";

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase("postgres");
}, OPEN_TIMEOUT_MS);
afterAll(() => database.close(), OPEN_TIMEOUT_MS);

test("hearNudges(), hears a new job as work, and goes on after its connection was cut", async () => {
  const store = createJobStore(database);
  const heard: HeardNudge[] = [];
  let connections = 0;
  const deafen = await hearNudges(database, {
    changed: (nudge) => heard.push(nudge),
    connected: () => connections++,
  });
  const series = await makeSeries(store);
  const first = await store.createJob(jobOf(chunksOf(series.id, 1)));
  await until("the nudge", () => heard.some((nudge) => nudge.job_id === first.job.id && saysWork(nudge)));
  await database.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like 'listen%'`;
  await until("another connection", () => connections >= 2);
  const second = await store.createJob(jobOf(chunksOf(series.id, 1, 100)));
  await until("the second nudge", () => heard.some((nudge) => nudge.job_id === second.job.id));
  await deafen();
});

test("hearNudges(), what is no nudge of ours is not heard", async () => {
  const heard: HeardNudge[] = [];
  const deafen = await hearNudges(database, {
    changed: (nudge) => heard.push(nudge),
    connected: () => undefined,
  });
  for (const payload of ["", "{", '"text"', '{"intent":"dance"}', '{"job_id":"the last"}'])
    await database.sql.notify(NUDGE_CHANNEL, payload);
  await until("the last one", () => heard.length > 0);
  expect(heard).toEqual([{ job_id: "the last" }]);
  await deafen();
});
