import { expect, test } from "bun:test";
import { createJobStore } from "../../src/backfill/job-store.ts";
import { describeDatabases } from "../support/databases.ts";
import { chunksOf, clearWork, jobOf, makeSeries } from "./job-store-support.ts";

describeDatabases("a deadline that is set anew", (database) => {
  test("JobStore.control() adjust, a later deadline or none keeps a job whose time was up", async () => {
    const store = createJobStore(database());
    await clearWork(database());
    const series = await makeSeries(store);
    for (const deadlineSeconds of [3_600, null]) {
      const { job } = await store.createJob(jobOf(chunksOf(series.id, 2), { deadlineSeconds: 60 }));
      await database()
        .sql`update backfill_job set deadline_at = now() - interval '1 second' where id = ${job.id}`;
      const outcome = await store.control(job.id, { kind: "adjust", deadlineSeconds });
      expect(outcome).toMatchObject({ kind: "moved", events: [], job: { status: "pending" } });
      const deadlineAt = (await store.job(job.id))?.deadlineAt;
      expect(deadlineAt === undefined).toBe(deadlineSeconds === null);
      if (deadlineAt !== undefined)
        expect(deadlineAt.getTime()).toBeGreaterThan(job.createdAt.getTime() + 3_000_000);
      expect(await store.expireDeadlines()).toEqual([]);
    }
  });
});
