import { test } from "bun:test";
import fc from "fast-check";
import { createJobStore } from "../../src/backfill/job-store.ts";
import { BACKFILL_CHANNEL } from "../../src/backfill/store/events.ts";
import { describeDatabases } from "../support/databases.ts";
import { jobBeginnings, jobCommands } from "./job-commands.ts";
import { JobModel } from "./job-model.ts";
import { clearWork, makeSeries } from "./job-store-support.ts";

/** Sequences per database: more find more, at 0.1 to 1 s each. */
const RUNS = 15;
const TIMEOUT_MS = 120_000;

describeDatabases("job model", (database) => {
  test(
    "a job in the database does what the machine says, whatever is done to it and in whatever order",
    async () => {
      const store = createJobStore(database());
      await fc.assert(
        fc.asyncProperty(jobBeginnings, jobCommands, async (beginning, commands) => {
          await clearWork(database());
          const series = [await makeSeries(store), await makeSeries(store)];
          const since = (await store.channelState(BACKFILL_CHANNEL))?.offset ?? 0;
          const bench = {
            store,
            database: database(),
            series,
            since,
            jobId: undefined,
            held: [],
            zombies: [],
          };
          await fc.asyncModelRun(() => ({ model: new JobModel(), real: bench }), [beginning, ...commands]);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );
});
