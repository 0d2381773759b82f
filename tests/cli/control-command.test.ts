import { afterEach, expect, test } from "bun:test";
import { backfillCommand } from "../../src/cli/mod.ts";
import type { JobCommand } from "../../src/protocol/mod.ts";
import { FakeServer, JOB_ID } from "./fake-server.ts";
import { fakeTerminal } from "./terminal.ts";

const servers: FakeServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function run(
  words: readonly string[],
  { started = false, refusal }: { started?: boolean; refusal?: FakeServer["refusal"] } = {},
) {
  const server = new FakeServer();
  server.refusal = refusal;
  servers.push(server);
  const terminal = fakeTerminal(server.url, { started });
  const exit = await backfillCommand(words, terminal.context);
  return { exit, server, terminal };
}

const COMMANDS: readonly [words: readonly string[], command: JobCommand][] = [
  [["pause", JOB_ID], { kind: "pause" }],
  [["resume", JOB_ID], { kind: "resume" }],
  [["cancel", JOB_ID], { kind: "cancel" }],
  [["retry", JOB_ID], { kind: "retry" }],
  [
    ["retry", JOB_ID, "BTCUSDT", "ETHUSDT", "--venue", "binance"],
    {
      kind: "retry",
      symbols: [
        { venue: "binance", symbol: "BTCUSDT" },
        { venue: "binance", symbol: "ETHUSDT" },
      ],
    },
  ],
  [["priority", JOB_ID, "-5"], { kind: "adjust", priority: -5 }],
  [["priority", JOB_ID, "--max-parallel", "3"], { kind: "adjust", maxParallel: 3 }],
];

for (const [words, command] of COMMANDS)
  test(`backfill ${words.join(" ")}, tells the job and shows it`, async () => {
    const { exit, server, terminal } = await run(words);
    expect(terminal.err()).toBe("");
    expect(exit).toBe(0);
    expect(server.commands).toEqual([command]);
    expect(terminal.out()).toContain(`${JOB_ID}  in_progress`);
    expect(terminal.connections()).toEqual({ connects: 1, closes: 1 });
  });

test("backfill pause --json, one object a line", async () => {
  const { terminal } = await run(["pause", JOB_ID, "--json"]);
  expect(terminal.json()).toMatchObject([{ type: "job", job_id: JOB_ID, status: "in_progress" }]);
});

test("backfill cancel, a state that does not allow it says so and exits 1", async () => {
  const { exit, terminal } = await run(["cancel", JOB_ID], {
    refusal: { state: "complete", why: "it has ended" },
  });
  expect(exit).toBe(1);
  expect(terminal.err()).toContain(`Job ${JOB_ID} is complete: it has ended.`);
  expect(terminal.out()).toBe("");
});

test("backfill resume, without a server of its own the job waits for one", async () => {
  const { exit, terminal } = await run(["resume", JOB_ID], { started: true });
  expect(exit).toBe(0);
  expect(terminal.err()).toContain("the job waits for one: bun run start");
});

const MISUSED: readonly [words: readonly string[], message: string][] = [
  [["pause"], "pause: expected a job, got none"],
  [["pause", JOB_ID, "BTCUSDT"], 'pause takes one job, got "BTCUSDT" too'],
  [["cancel", JOB_ID, "--max-parallel", "3"], "cancel takes no --max-parallel"],
  [["priority", JOB_ID], "expected a priority, --max-parallel or both"],
  [["priority", JOB_ID, "high"], 'priority: expected a whole number from -100 to 100, got "high"'],
  [["priority", JOB_ID, "1", "2"], 'priority takes one job and one priority, got "2" too'],
  [
    ["BTCUSDT", "--from", "2026-01-02", "--to", "2026-01-02", "--deadline", "0"],
    "--deadline: expected a whole number",
  ],
];

for (const [words, message] of MISUSED)
  test(`backfill ${words.join(" ")}, is a usage error`, async () => {
    const { exit, server, terminal } = await run(words);
    expect(exit).toBe(2);
    expect(terminal.err()).toContain(message);
    expect(terminal.err()).toContain("bun run backfill pause|resume|cancel JOB");
    expect(server.commands).toEqual([]);
  });

test("backfill --priority --deadline, are part of the request", async () => {
  const words = ["BTCUSDT", "--from", "2026-01-02", "--to", "2026-01-02", "--detach"];
  const { exit, server } = await run([...words, "--priority", "-7", "--deadline", "600"]);
  expect(exit).toBe(0);
  expect(server.submitted).toMatchObject([{ priority: -7, deadlineSeconds: 600 }]);
});
