import { beforeEach, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { isExclusionViolation } from "../../src/backfill/store/errors.ts";
import {
  backfillRange,
  chunksOf,
  clearWork,
  deriveCounters,
  jobOf,
  makeSeries,
  segmentOf,
} from "./job-store-support.ts";

/** What the tables themselves refuse, whoever writes. */
export function constraintsContract(database: () => Database): void {
  let store: JobStore;
  beforeEach(async () => {
    store = createJobStore(database());
    await clearWork(database());
  });

  test("the database itself refuses a second owner of a minute", async () => {
    const { id } = await makeSeries(store);
    const owner = await backfillRange(store, id, { lo: 0, hi: 10 });
    const intrude = async () => {
      await database()
        .sql`insert into coverage (series_id, range, segment_id) values (${id}, int8range(9, 12), ${owner})`;
    };
    const thrown = await intrude().catch((error: unknown) => error);
    expect(isExclusionViolation(thrown)).toBe(true);
    const other = await makeSeries(store);
    await store.commitLive(other.id, segmentOf({ lo: 0, hi: 10 }, { kind: "live" }));
  });

  test("the counters of a job stand the checks of the database", async () => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 1)));
    const spoil = async () => {
      await database().sql`update backfill_job set chunks_done = 2 where id = ${job.id}`;
    };
    await expect(spoil()).rejects.toThrow("backfill_job_counters_check");
    expect(await deriveCounters(database(), job.id)).toMatchObject({ chunksTotal: 1, chunksDone: 0 });
  });
}
