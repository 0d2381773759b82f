import { expect, test } from "bun:test";
import { BackfillWaits } from "../../src/app/backfill-waits.ts";
import type { JobProgress } from "../../src/backfill/mod.ts";
import type { JobStatus } from "../../src/protocol/mod.ts";
import { newProgress } from "../backfill/memory-job-store.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const JOB = "job-1";

class Bench {
  readonly clock = new FakeClock();
  readonly waits: BackfillWaits;
  readonly reads: string[] = [];
  readonly client = new AbortController();
  job: JobProgress | undefined = newProgress({ status: "in_progress", version: 5 });
  startup: JobStatus = "pending";
  databaseFails = false;

  constructor(waitersMax?: number) {
    this.waits = new BackfillWaits({
      jobs: {
        job: async (id) => {
          this.reads.push(id);
          if (this.databaseFails) throw new Error("the database is gone");
          return this.job;
        },
      },
      startup: () => ({ status: this.startup }),
      timers: this.clock,
      ...(waitersMax === undefined ? {} : { waitersMax }),
    });
  }

  /** Begins a wait, and tells whether it is over. */
  wait(options: { since?: number; waitMs?: number; id?: string } = {}) {
    const { since, waitMs = 30_000, id = JOB } = options;
    return this.#follow(this.waits.job(id, { since, waitMs }, { signal: this.client.signal }));
  }

  waitForStartup(waitMs = 30_000) {
    return this.#follow(this.waits.startup({ waitMs }, { signal: this.client.signal }));
  }

  move(over: Partial<JobProgress>): void {
    this.job = newProgress({ ...this.job, ...over });
  }

  #follow(outcome: ReturnType<BackfillWaits["job"]>) {
    const held = { over: false, outcome };
    void outcome.then(() => {
      held.over = true;
    });
    return held;
  }
}

test("BackfillWaits.job(), a move of this process to an end wakes at once, progress does not", async () => {
  const bench = new Bench();
  const held = bench.wait();
  await settle();
  bench.waits.observe(newProgress({ status: "in_progress", version: 6 }));
  bench.waits.observe(newProgress({ id: "another", status: "complete", version: 9 }));
  await settle();
  expect(held.over).toBe(false);
  bench.waits.observe(newProgress({ status: "complete", version: 7 }));
  expect(await held.outcome).toEqual({ kind: "look" });
  expect([bench.waits.size, bench.clock.pending]).toEqual([0, 0]);
});

test("BackfillWaits.job(), with `since` any newer version wakes, and the same does not", async () => {
  const bench = new Bench();
  const held = bench.wait({ since: 5 });
  await settle();
  bench.waits.observe(newProgress({ status: "in_progress", version: 5 }));
  await settle();
  expect(held.over).toBe(false);
  bench.waits.observe(newProgress({ status: "in_progress", version: 6 }));
  expect(await held.outcome).toEqual({ kind: "look" });
});

test("BackfillWaits.job(), what holds already is answered without a wait", async () => {
  const bench = new Bench();
  expect(await bench.wait({ since: 4 }).outcome).toEqual({ kind: "look" });
  bench.move({ status: "error" });
  expect(await bench.wait().outcome).toEqual({ kind: "look" });
  expect(await bench.wait({ since: 5 }).outcome).toEqual({ kind: "look" });
  expect(bench.clock.pending).toBe(0);
});

test("BackfillWaits.job(), a job that is not there is not waited for", async () => {
  const bench = new Bench();
  bench.job = undefined;
  expect(await bench.wait().outcome).toEqual({ kind: "look" });
});

test("BackfillWaits.job(), a job that another process moves is seen within a second", async () => {
  const bench = new Bench();
  const held = bench.wait();
  await bench.clock.run(5_000);
  expect(held.over).toBe(false);
  bench.move({ status: "cancelled", version: 8 });
  await bench.clock.run(1_000);
  expect(held.over).toBe(true);
  expect(bench.clock.pending).toBe(0);
});

test("BackfillWaits.job(), many requests for a job read it once a second together", async () => {
  const bench = new Bench();
  const held = Array.from({ length: 50 }, () => bench.wait());
  await settle();
  bench.reads.length = 0;
  await bench.clock.run(3_000);
  expect(bench.reads).toEqual([JOB, JOB, JOB]);
  bench.waits.observe(newProgress({ status: "complete", version: 6 }));
  await Promise.all(held.map(({ outcome }) => outcome));
  expect([bench.waits.size, bench.clock.pending]).toEqual([0, 0]);
});

test("BackfillWaits.job(), ends with its time, while the database is away too", async () => {
  const bench = new Bench();
  bench.databaseFails = true;
  const held = bench.wait({ waitMs: 3_500 });
  await bench.clock.run(3_499);
  expect(held.over).toBe(false);
  await bench.clock.run(1);
  expect(held.over).toBe(true);
  expect(bench.clock.pending).toBe(0);
});

test("BackfillWaits.job(), ends with its client and with the server", async () => {
  const bench = new Bench();
  const left = bench.wait();
  await settle();
  bench.client.abort();
  expect(await left.outcome).toEqual({ kind: "look" });
  expect([bench.waits.size, bench.clock.pending]).toEqual([0, 0]);

  const stopping = new Bench();
  const held = [stopping.wait(), stopping.waitForStartup()];
  await settle();
  stopping.waits.close();
  await Promise.all(held.map(({ outcome }) => outcome));
  expect(await stopping.wait().outcome).toEqual({ kind: "look" });
  expect([stopping.waits.size, stopping.clock.pending]).toEqual([0, 0]);
});

test("BackfillWaits, more requests than there is room for are told to come again", async () => {
  const bench = new Bench(2);
  const held = [bench.wait(), bench.waitForStartup()];
  expect(await bench.wait().outcome).toMatchObject({ kind: "unavailable", retryAfterSeconds: 2 });
  bench.client.abort();
  await Promise.all(held.map(({ outcome }) => outcome));
});

test("BackfillWaits.startup(), wakes when the start-up backfill has ended, with or without a job of it", async () => {
  const bench = new Bench();
  const held = bench.waitForStartup();
  await settle();
  bench.startup = "in_progress";
  bench.waits.observe(newProgress({ status: "in_progress", version: 6 }));
  await settle();
  expect(held.over).toBe(false);
  bench.startup = "complete";
  bench.waits.observe(newProgress({ status: "complete", version: 7 }));
  expect(await held.outcome).toEqual({ kind: "look" });

  bench.startup = "pending";
  const unplanned = bench.waitForStartup();
  await bench.clock.run(1_500);
  expect(unplanned.over).toBe(false);
  bench.startup = "error";
  await bench.clock.run(1_000);
  expect(unplanned.over).toBe(true);
  expect(bench.reads).toEqual([]);
});
