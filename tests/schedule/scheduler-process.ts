/** A process that runs schedules until its standard input ends; then it prints how many runs it submitted. */
import { openPostgres } from "../../db/mod.ts";
import { createJobStore } from "../../src/backfill/mod.ts";
import { thisProcess } from "../../src/runtime/mod.ts";
import { Scheduler, ScheduleStore } from "../../src/schedule/mod.ts";

const host = thisProcess();
const database = await openPostgres({ url: process.argv[2] ?? "" });
const jobs = createJobStore(database);
let submissions = 0;
const scheduler = new Scheduler({
  store: new ScheduleStore(database),
  clock: host.clock(0),
  yieldTurn: () => host.yieldTurn(),
  submit: async (request, requestKey) => {
    submissions++;
    const { job } = await jobs.createJob({
      request,
      requestKey,
      dataset: "trades",
      maxParallel: 1,
      chunks: [],
    });
    return { kind: "submitted", jobId: job.id };
  },
  log: { info: () => {}, warn: (_, message) => console.error(message) },
});
scheduler.start();
await new Response(Bun.stdin.stream()).text();
await scheduler.stop();
await database.close();
console.log(submissions);
