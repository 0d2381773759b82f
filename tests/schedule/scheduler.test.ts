import { afterEach, beforeEach, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { Database } from "../../db/mod.ts";
import type { ScheduleBody, ScheduleFacts } from "../../src/protocol/mod.ts";
import { ScheduleStore } from "../../src/schedule/schedule-store.ts";
import { type RunOutcome, Scheduler } from "../../src/schedule/scheduler.ts";
import { Schedules } from "../../src/schedule/schedules.ts";
import { describeDatabases, OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";

const JOB_ID = "0190b8a4-0000-7000-8000-000000000001";
const DAILY: ScheduleBody = {
  name: "daily",
  cron: "0 3 * * *",
  zone: "Europe/Berlin",
  request: { symbols: ["BTCUSDT"], range: { days_back: 1 }, order: "oldest" },
  enabled: true,
};

interface Submitted {
  readonly body: unknown;
  readonly key: string;
}

/** One process: a scheduler over a clock of its own, and what it submitted. */
function processOf(database: Database, clock: FakeClock) {
  const submitted: Submitted[] = [];
  const told: string[] = [];
  let answer: () => Promise<RunOutcome> = async () => ({ kind: "submitted", jobId: JOB_ID });
  const store = new ScheduleStore(database);
  const scheduler = new Scheduler({
    store,
    clock,
    yieldTurn: async () => {},
    submit: (body, key) => {
      submitted.push({ body, key });
      return answer();
    },
    log: { info: (_, message) => told.push(message), warn: (_, message) => told.push(message) },
  });
  const schedules = new Schedules({ store, nowMs: () => clock.nowMs(), changed: () => scheduler.nudge() });
  return {
    scheduler,
    schedules,
    store,
    submitted,
    told,
    answer: (with_: () => Promise<RunOutcome>) => {
      answer = with_;
    },
  };
}

describeDatabases("Scheduler", (database) => {
  let clock: FakeClock;
  const running: Scheduler[] = [];

  function start() {
    const process = processOf(database(), clock);
    process.scheduler.start();
    running.push(process.scheduler);
    return process;
  }

  async function made(
    process: { schedules: Schedules },
    body: Partial<ScheduleBody> = {},
  ): Promise<ScheduleFacts> {
    const outcome = await process.schedules.create({ ...DAILY, ...body });
    if (outcome.kind !== "created") throw new Error(outcome.kind);
    return outcome.schedule;
  }

  async function asleep(): Promise<void> {
    await until("the scheduler sleeps", () => clock.pending === running.length);
  }

  beforeEach(async () => {
    clock = new FakeClock(Date.parse("2026-03-27T12:00:00Z"));
    await database().sql`truncate schedule`;
  });
  afterEach(async () => {
    for (const scheduler of running.splice(0)) await scheduler.stop();
    expect(clock.pending).toBe(0);
  });

  test("a run comes at its time, with the dates of its due time, and again a clock change later", async () => {
    const process = start();
    const { id, nextRunAtMs } = await made(process);
    expect(new Date(nextRunAtMs ?? 0).toISOString()).toBe("2026-03-28T02:00:00.000Z");
    await asleep();
    clock.advance(Date.parse("2026-03-28T01:59:59Z") - clock.nowMs());
    await asleep();
    expect(process.submitted).toEqual([]);
    clock.advance(1_000);
    await until(
      "the run was submitted",
      async () => (await process.schedules.find(id))?.lastJobId === JOB_ID,
    );
    expect(process.submitted).toEqual([
      {
        body: {
          symbols: ["BTCUSDT"],
          order: "oldest",
          start_date: "2026-03-27T00:00:00.000Z",
          end_date: "2026-03-28T00:00:00.000Z",
        },
        key: `schedule ${id} 2026-03-28T02:00:00.000Z`,
      },
    ]);
    expect(await process.schedules.find(id)).toMatchObject({
      lastRunAtMs: Date.parse("2026-03-28T02:00:00Z"),
      // Summer time: 03:00 in Berlin is an hour earlier in UTC.
      nextRunAtMs: Date.parse("2026-03-29T01:00:00Z"),
      lastError: null,
    });
  });

  test("missed runs are caught up once, with the minutes of all of them", async () => {
    const before = processOf(database(), clock);
    const { id } = await made(before);
    clock.advance(5 * 86_400_000);
    const process = start();
    await until(
      "the run was submitted",
      async () => (await process.schedules.find(id))?.lastJobId === JOB_ID,
    );
    await asleep();
    expect(process.submitted.map(({ body }) => body)).toMatchObject([
      { start_date: "2026-03-27T00:00:00.000Z", end_date: "2026-04-01T00:00:00.000Z" },
    ]);
    expect((await process.schedules.find(id))?.nextRunAtMs).toBe(Date.parse("2026-04-02T01:00:00Z"));
  });

  test("a crash after the submission neither loses nor doubles the run: it has the same key and minutes", async () => {
    const crashed = processOf(database(), clock);
    const { id } = await made(crashed);
    clock.advance(3 * 86_400_000);
    // Submits, and dies before it can write that down.
    crashed.answer(() => new Promise(() => {}));
    crashed.scheduler.start();
    await until("the run was submitted", () => crashed.submitted.length === 1);
    await database().sql`update schedule set lease_until = now() - interval '1 second'`;
    // A due time that comes meanwhile is a run of its own.
    clock.advance(86_400_000);
    const process = start();
    await until("both runs were submitted", () => process.submitted.length === 2);
    expect(process.submitted[0]).toEqual(crashed.submitted[0]!);
    expect(process.submitted[1]?.key).not.toBe(process.submitted[0]?.key);
    await until(
      "the second was written down",
      async () => (await process.schedules.find(id))?.nextRunAtMs === Date.parse("2026-04-01T01:00:00Z"),
    );
    // The dead one still waits for its answer, until its time is over.
    clock.advance(60_000);
    await asleep();
  });

  test("two processes run a due schedule once", async () => {
    const first = processOf(database(), clock);
    await made(first);
    clock.advance(86_400_000);
    const processes = [start(), start(), start()];
    await until("it was submitted", () => processes.some(({ submitted }) => submitted.length > 0));
    await asleep();
    expect(processes.flatMap(({ submitted }) => submitted)).toHaveLength(1);
  });

  test("ScheduleStore.take(), one process wins: when a run is decided, and again when its lease is over", async () => {
    const { store, schedules } = processOf(database(), clock);
    await made({ schedules });
    clock.advance(86_400_000);
    const look = async () => (await store.firstDue(clock.nowMs()))!;
    const due = await look();
    expect([await store.take(due, due.seen, 60_000), await store.take(due, due.seen, 60_000)]).toEqual([
      true,
      false,
    ]);
    expect(await store.firstDue(clock.nowMs())).toBeUndefined();
    await database().sql`update schedule set lease_until = now() - interval '1 second'`;
    const decided = await look();
    expect(decided.runDue).toBe(due.seen);
    expect([
      await store.take(decided, due.seen, 60_000),
      await store.take(decided, due.seen, 60_000),
    ]).toEqual([true, false]);
    const result = { jobId: JOB_ID, error: null, nextRunAtMs: clock.nowMs() + 1 };
    expect([await store.end(decided, due.seen, result), await store.end(decided, due.seen, result)]).toEqual([
      true,
      false,
    ]);
  });

  test("a run that cannot be submitted now is tried again, under the same key", async () => {
    const process = start();
    const { id } = await made(process);
    await asleep();
    process.answer(async () => ({ kind: "unavailable", reason: "the venue is down", retryAfterMs: 1 }));
    clock.advance(86_400_000);
    process.scheduler.nudge();
    await until(
      "it waits",
      async () => (await process.schedules.find(id))?.lastError === "the venue is down",
    );
    process.answer(async () => ({ kind: "submitted", jobId: JOB_ID }));
    await database().sql`update schedule set lease_until = now() - interval '1 second'`;
    process.scheduler.nudge();
    await until("it ran", async () => (await process.schedules.find(id))?.lastJobId === JOB_ID);
    expect(new Set(process.submitted.map(({ key }) => key)).size).toBe(1);
    expect((await process.schedules.find(id))?.lastError).toBeNull();
  });

  test("a run that is refused is over, and the schedule says why", async () => {
    const process = start();
    const { id } = await made(process);
    await asleep();
    process.answer(async () => ({ kind: "refused", reason: "binance does not trade BTCUSDT" }));
    clock.advance(86_400_000);
    process.scheduler.nudge();
    await until("it was refused", async () => (await process.schedules.find(id))?.lastRunAtMs !== null);
    expect(await process.schedules.find(id)).toMatchObject({
      lastError: "binance does not trade BTCUSDT",
      lastJobId: null,
      nextRunAtMs: Date.parse("2026-03-29T01:00:00Z"),
    });
  });

  test("a disabled schedule does not run, and what it missed is not caught up", async () => {
    const process = start();
    const { id } = await made(process, { enabled: false });
    await asleep();
    clock.advance(3 * 86_400_000);
    await asleep();
    await process.schedules.change(id, { enabled: true });
    await asleep();
    expect(process.submitted).toEqual([]);
    expect(await process.schedules.find(id)).toMatchObject({
      enabled: true,
      nextRunAtMs: Date.parse("2026-03-31T01:00:00Z"),
    });
  });

  test("Schedules.change(), another zone begins the times anew, another name does not", async () => {
    const process = start();
    const { id, nextRunAtMs } = await made(process);
    await made(process, { name: "other" });
    expect(await process.schedules.change(id, { name: "other" })).toEqual({ kind: "exists" });
    const renamed = await process.schedules.change(id, { name: "renamed" });
    expect(renamed).toMatchObject({ kind: "updated", schedule: { name: "renamed", nextRunAtMs } });
    const moved = await process.schedules.change(id, { zone: "America/New_York" });
    expect(moved).toMatchObject({ schedule: { nextRunAtMs: Date.parse("2026-03-28T07:00:00Z") } });
    expect((await process.schedules.change(id, { cron: "0 0 30 2 *" })).kind).toBe("bad_cron");
    expect((await process.schedules.change(JOB_ID, { name: "x" })).kind).toBe("unknown");
    expect((await process.schedules.list()).map(({ name }) => name)).toEqual(["other", "renamed"]);
  });

  test("Schedules.create(), a name that is taken and a zone that is none are refused", async () => {
    const process = start();
    const { id } = await made(process);
    expect((await process.schedules.create(DAILY)).kind).toBe("exists");
    expect((await process.schedules.create({ ...DAILY, zone: "Mars/Phobos" })).kind).toBe("bad_zone");
    expect([await process.schedules.remove(id), await process.schedules.remove(id)]).toEqual([true, false]);
  });
});

test(
  "Scheduler, two real processes on one Postgres make one job of a due run",
  async () => {
    const database = await openTestDatabase("postgres");
    try {
      const store = new ScheduleStore(database);
      const dueMs = Date.parse("2026-01-01T00:00:00Z");
      await store.insert({ ...DAILY, cron: "0 0 1 1 *", zone: "UTC", nextRunAtMs: dueMs });
      const { host, port, database: name } = database.sql.options;
      const url = `postgres://postgres@${host[0]}:${port[0]}/${name}`;
      const script = fileURLToPath(new URL("./scheduler-process.ts", import.meta.url));
      const processes = [1, 2].map(() =>
        Bun.spawn([process.execPath, script, url], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
      );
      await until("the run has ended", async () => (await store.list())[0]?.lastJobId !== null);
      const submissions = await Promise.all(
        processes.map(async (one) => {
          await one.stdin.end();
          expect(await one.exited).toBe(0);
          return Number(await new Response(one.stdout).text());
        }),
      );
      expect(submissions.reduce((sum, count) => sum + count, 0)).toBe(1);
      const jobs = await database.sql<{ request_key: string }[]>`select request_key from backfill_job`;
      expect(jobs.map((job) => job.request_key)).toEqual([
        expect.stringMatching(/^schedule [0-9a-f-]{36} 2026-01-01T00:00:00\.000Z$/),
      ]);
    } finally {
      await database.close();
    }
  },
  OPEN_TIMEOUT_MS,
);
