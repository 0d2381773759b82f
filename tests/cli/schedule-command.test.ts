import { afterEach, beforeEach, expect, test } from "bun:test";
import { scheduleCommand } from "../../src/cli/mod.ts";
import type { ScheduleBody, ScheduleChange, ScheduleFacts } from "../../src/protocol/mod.ts";
import { fakeApp, NOW_MS } from "../http/fake-deps.ts";
import { NO_SCHEDULES } from "../http/no-automation.ts";
import { fakeTerminal } from "./terminal.ts";

const ID = "0190b8a4-0000-7000-8000-0000000000aa";

let server: Bun.Server<undefined>;
let schedules: ScheduleFacts[];
let asked: { created: ScheduleBody[]; changed: ScheduleChange[] };

beforeEach(() => {
  schedules = [];
  asked = { created: [], changed: [] };
  const { app } = fakeApp({
    schedules: {
      ...NO_SCHEDULES,
      list: () => schedules,
      create: (body) => {
        asked.created.push(body);
        const schedule = { ...body, id: ID, nextRunAtMs: NOW_MS, createdAtMs: NOW_MS, lastRunAtMs: null };
        schedules.push({ ...schedule, lastJobId: null, lastError: null });
        return { kind: "created", schedule: schedules[0]! };
      },
      change: (_, change) => {
        asked.changed.push(change);
        return { kind: "updated", schedule: { ...schedules[0]!, ...change } };
      },
      remove: () => schedules.pop() !== undefined,
    },
  });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => app.fetch(request) });
});
afterEach(() => server.stop(true));

async function run(words: readonly string[], options: { started?: boolean } = {}) {
  const terminal = fakeTerminal(`http://127.0.0.1:${server.port}`, options);
  const exitCode = await scheduleCommand(words, terminal.context);
  return { exitCode, out: terminal.out(), err: terminal.err(), json: terminal.json };
}

const ADD = ["add", "daily", "BTCUSDT", "bybit:ETHUSDT", "--cron", "30 2 * * *", "--days-back", "1"];

test("schedule add, the request says what the command line says", async () => {
  const { exitCode, out } = await run([
    ...ADD,
    "--zone",
    "Europe/Berlin",
    "--order",
    "oldest",
    "--priority=-3",
  ]);
  expect(exitCode).toBe(0);
  expect(asked.created).toEqual([
    {
      name: "daily",
      cron: "30 2 * * *",
      zone: "Europe/Berlin",
      enabled: true,
      request: {
        symbols: ["BTCUSDT", "bybit:ETHUSDT"],
        range: { days_back: 1 },
        order: "oldest",
        priority: -3,
      },
    },
  ]);
  expect(out).toContain("daily  30 2 * * * (Europe/Berlin)  next 2026-01-03T12:34:56.789Z");
});

test("schedule list, disable, remove, by name and by id", async () => {
  expect((await run(["list"])).out).toBe("There are no schedules yet.\n");
  await run([...ADD, "--disabled"]);
  expect((await run(["list"])).out).toContain("daily  30 2 * * * (UTC)  disabled");
  expect((await run(["enable", "daily"])).exitCode).toBe(0);
  expect((await run(["disable", ID.toUpperCase()])).exitCode).toBe(0);
  expect(asked.changed).toEqual([{ enabled: true }, { enabled: false }]);
  const listed = await run(["list", "--json"]);
  expect(listed.json()).toMatchObject([{ type: "schedule", id: ID, name: "daily" }]);
  const removed = await run(["remove", "daily"]);
  expect([removed.exitCode, removed.out]).toEqual([0, `removed daily (${ID}); the jobs that it made stay\n`]);
  const gone = await run(["remove", "daily"]);
  expect([gone.exitCode, gone.err]).toEqual([
    1,
    'There is no schedule of the name or id "daily"; bun run schedule list shows them.\n',
  ]);
});

test("schedule add, says that nothing runs while no server does", async () => {
  expect((await run(ADD, { started: true })).err).toContain("bun run start");
});

test("schedule add, what the server refuses is a usage error", async () => {
  const { exitCode, err } = await run([
    "add",
    "daily",
    "BTC/USDT",
    "--cron",
    "30 2 * * *",
    "--minutes-back",
    "5",
  ]);
  expect(exitCode).toBe(2);
  expect(err).toContain("$.request.symbols[0]");
});

test("schedule, what cannot be understood is a usage error", async () => {
  const wrong: readonly (readonly [words: string[], said: string])[] = [
    [[], "expected list, add, remove, enable or disable"],
    [["pause"], 'got "pause"'],
    [["list", "x"], "list takes no names"],
    [["remove"], "expected one name or id, got 0"],
    [["add", "daily"], "expected a name and at least one symbol"],
    [["add", "daily", "BTCUSDT"], "expected --cron"],
    [["add", "daily", "BTCUSDT", "--cron", "* * * * *"], "got none"],
    [[...ADD, "--minutes-back", "5"], "got both"],
    [["add", "daily", "BTCUSDT", "--cron", "* * * * *", "--days-back", "one"], "expected a whole number"],
    [[...ADD, "--speed", "5"], "--speed"],
  ];
  for (const [words, said] of wrong) {
    const { exitCode, err } = await run(words);
    expect([words, exitCode, err]).toEqual([words, 2, expect.stringContaining(said)]);
  }
  const help = await run(["--help"]);
  expect([help.exitCode, help.out]).toEqual([0, expect.stringContaining("bun run schedule list")]);
});
