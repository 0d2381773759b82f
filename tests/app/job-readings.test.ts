import { expect, test } from "bun:test";
import { JobReadings } from "../../src/app/job-readings.ts";
import { AGE_MAX_MS } from "../../src/app/shared-reading.ts";
import type { JobEvent, JobProgress, JobReport } from "../../src/backfill/mod.ts";
import { newProgress } from "../backfill/memory-job-store.ts";
import { FakeClock } from "../support/fake-clock.ts";

const JOB = "00000000-0000-7000-8000-000000000001";

/** A database with one job. */
class Bench {
  readonly clock = new FakeClock();
  row: JobProgress | undefined = newProgress({ id: JOB, status: "in_progress", version: 5 });
  /** Reads, each with the version that its asker knew. */
  readonly reads: (number | undefined)[] = [];
  lists = 0;
  readonly readings: JobReadings;

  constructor(sole: boolean) {
    this.readings = new JobReadings({
      jobs: {
        jobReport: async (_id, former) => {
          this.reads.push(former?.job.version);
          return this.row && { job: this.row, details: [] };
        },
        recentJobs: async () => {
          this.lists++;
          return this.row === undefined ? [] : [this.row];
        },
        recentParts: async () => new Map(),
      },
      timers: this.clock,
      sole,
    });
  }

  /** The job moves, in the database and as this process hears of it. */
  move(over: Partial<JobProgress>, { heard = true, transition = false } = {}): void {
    const version = (this.row?.version ?? 0) + 1;
    this.row = newProgress({ ...this.row, ...over, id: JOB, version });
    if (heard) this.readings.observe({ job: this.row, events: transition ? [EVENT] : [] });
  }

  version = async (asked?: { fresh?: boolean }) => (await this.readings.job(JOB, asked))?.job.version;
  listed = async () => (await this.readings.recent(20)).jobs[0]?.version;
}

const EVENT: JobEvent = {
  channel: "backfill",
  epoch: "e",
  offset: 1,
  data: { job_id: JOB, from: "in_progress", to: "complete", status: "complete", progress_pct: 0, at: "" },
};

for (const sole of [true, false]) {
  const where = sole ? "where nobody else moves jobs" : "beside other processes";

  test(`JobReadings ${where}: progress is shown within a second, the end at once`, async () => {
    const bench = new Bench(sole);
    expect([await bench.version(), await bench.listed()]).toEqual([5, 5]);
    bench.move({ chunksDone: 1 });
    expect([await bench.version(), await bench.listed(), bench.reads.length, bench.lists]).toEqual([
      5, 5, 1, 1,
    ]);
    bench.clock.advance(AGE_MAX_MS + 1);
    expect([await bench.version(), await bench.listed()]).toEqual([6, 6]);
    bench.move({ status: "complete" }, { transition: true });
    expect([await bench.version(), await bench.listed()]).toEqual([7, 7]);
    bench.readings.close();
  });

  test(`JobReadings ${where}: what was asked to be fresh is, and is what others see from then on`, async () => {
    const bench = new Bench(sole);
    await bench.version();
    bench.move({ priority: 9 }, { heard: false });
    expect(await bench.version({ fresh: true })).toBe(6);
    expect(await bench.version()).toBe(6);
    expect(bench.reads).toEqual([undefined, 5]);
    bench.readings.close();
  });
}

test("JobReadings, that a job starts or pauses makes what was read of its details no older", async () => {
  const bench = new Bench(true);
  expect([await bench.version(), await bench.listed()]).toEqual([5, 5]);
  const data = { ...EVENT.data, to: "paused", status: "paused" } as const;
  bench.move({ status: "paused" }, { heard: false });
  bench.readings.observe({ job: newProgress({ ...bench.row, id: JOB }), events: [{ ...EVENT, data }] });
  expect([await bench.version(), await bench.listed(), bench.reads.length]).toEqual([5, 5, 1]);
  bench.readings.close();
});

test("JobReadings where nobody else moves jobs: a job that does not move is read once, beside other processes once a second", async () => {
  for (const [sole, reads] of [
    [true, 1],
    [false, 3],
  ] as const) {
    const bench = new Bench(sole);
    await bench.version();
    for (let n = 0; n < 2; n++) {
      bench.clock.advance(AGE_MAX_MS + 1);
      await bench.version();
    }
    expect(bench.reads.length).toBe(reads);
    bench.readings.close();
  }
});

test("JobReadings, an end that is heard of while a read is under way is not answered by that read", async () => {
  const clock = new FakeClock();
  const ends: ((report: JobReport) => void)[] = [];
  const readings = new JobReadings({
    jobs: {
      jobReport: () => new Promise((resolve) => ends.push(resolve)),
      recentJobs: async () => [],
      recentParts: async () => new Map(),
    },
    timers: clock,
    sole: true,
  });
  const old = newProgress({ id: JOB, version: 5 });
  const moved = newProgress({ id: JOB, version: 6, status: "complete" });
  void readings.job(JOB);
  readings.observe({ job: moved, events: [EVENT] });
  const asked = readings.job(JOB);
  ends.shift()?.({ job: old, details: [] });
  await clock.run(0);
  ends.shift()?.({ job: moved, details: [] });
  expect((await asked)?.job.version).toBe(6);
  readings.close();
});

test("JobReadings, an id that no job has is asked for each time, and takes no room", async () => {
  const bench = new Bench(true);
  bench.row = undefined;
  expect([await bench.version(), await bench.version(), bench.reads]).toEqual([
    undefined,
    undefined,
    [undefined, undefined],
  ]);
  bench.readings.close();
});
