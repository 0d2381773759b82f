import { afterEach, expect, test } from "bun:test";
import { backfillCommand } from "../../src/cli/mod.ts";
import { FakeServer, JOB_CHANNEL, JOB_ID, LEVELS_CHANNEL } from "./fake-server.ts";
import { fakeTerminal } from "./terminal.ts";

const RUN = ["BTCUSDT", "--from", "2026-01-02", "--to", "2026-01-02"];
const servers: FakeServer[] = [];
function serve(options: { pushes?: boolean } = {}): FakeServer {
  const server = new FakeServer(options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test("backfill, a pipe sees transitions, partial levels and the result, and the exit code is 0", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand([...RUN, "--value-area", "one_row"], terminal.context);
  await server.subscribed(2);
  expect(server.subscribes.map(({ channel }) => channel)).toEqual([JOB_CHANNEL, LEVELS_CHANNEL]);
  server.push(JOB_CHANNEL, { data: { job_id: JOB_ID, status: "in_progress" } });
  server.move("complete", 144);
  expect(await exit).toBe(0);
  const out = terminal.out();
  expect(out).toContain(
    `job ${JOB_ID}: binance:BTCUSDT, 2026-01-02T00:00:00.000Z – 2026-01-03T00:00:00.000Z`,
  );
  expect(out).toContain("in_progress 41.6 %, 60/144 chunks, 6,000 trades");
  expect(out).toContain(
    "binance:BTCUSDT 2026-01-02 VWAP 100.6429 (estimate) POC 100.5 (estimate) coverage 0.6 %",
  );
  expect(out.match(/job in_progress → complete/g)).toHaveLength(1);
  expect(out).toContain("VWAP      100.6429");
  expect(out).toContain("POC       100.5 (bins of 0.5)");
  expect(out).toMatch(/VAH, VAL {2}\d+(\.\d+)?, \d+(\.\d+)? \(one_row, 70 %\)/);
  expect(out).toContain("high, low 101, 100.5");
  expect(out).toContain("delta     0.5");
  expect(out).toContain("coverage  100.0 %, 1,440 of 1,440 minutes, PRECISE");
  expect(out).toEndWith(`job ${JOB_ID} complete: 144/144 chunks, 14,400 trades\n`);
  expect(out).not.toContain("\u001b");
  expect(terminal.err()).toBe("");
  expect(terminal.connections()).toEqual({ connects: 1, closes: 1 });
});

test("backfill, the request says what the command line says", async () => {
  const server = serve();
  const words = [
    "run",
    "btcusdt",
    "--venue",
    "binance",
    "--from",
    "2026-01-02T00:00:30Z",
    "--to",
    "2026-01-03",
    "--order",
    "oldest",
  ];
  const exit = await backfillCommand([...words, "--force", "--detach"], fakeTerminal(server.url).context);
  expect(exit).toBe(0);
  expect(server.submitted).toMatchObject([
    { symbols: [{ venue: "binance", symbol: "BTCUSDT" }], order: "oldest", force: true, timeframes: [] },
  ]);
  expect(server.subscribes).toEqual([]);
});

test("backfill, a terminal sees a progress bar with partial levels, and gets its cursor back", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url, { tty: true });
  const exit = backfillCommand(RUN, terminal.context);
  await server.subscribed(2);
  server.push(JOB_CHANNEL, { data: { job_id: JOB_ID, status: "in_progress" } });
  server.move("complete", 144);
  expect(await exit).toBe(0);
  const out = terminal.out();
  expect(out).toContain("41.6 % in_progress | 60/144 chunks, 6,000 trades | 0/s | ETA 12s");
  expect(out).toContain("█");
  expect(out).toContain("VWAP 100.6429 (estimate) POC 100.5 (estimate) coverage 0.6 %");
  expect(out).toContain("100.0 % complete | 144/144 chunks");
  expect(out.lastIndexOf("\u001b[?25h")).toBeGreaterThan(out.lastIndexOf("\u001b[?25l"));
  expect(out).toContain("coverage  100.0 %");
});

test("backfill --json, every line fits the schema and the last one tells the end", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand([...RUN, "--json"], terminal.context);
  await server.subscribed(2);
  server.move("complete", 144);
  expect(await exit).toBe(0);
  const lines = terminal.json();
  expect(lines.map(({ type }) => type).filter((type) => type !== "job" && type !== "levels")).toEqual([
    "accepted",
    "transition",
    "result",
    "end",
  ]);
  expect(lines.find(({ type }) => type === "levels")).toMatchObject({
    session: "2026-01-02",
    levels: { POC: 100.5 },
  });
  expect(lines.find(({ type }) => type === "result")).toMatchObject({
    vwap: 100.6429,
    trade_count: 3,
    delta: 0.5,
  });
  expect(lines.at(-1)).toMatchObject({ type: "end", job_id: JOB_ID, status: "complete", exit_code: 0 });
});

test("backfill, frames of changed fields are laid over the level set before", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand([...RUN, "--json"], terminal.context);
  await server.subscribed(2);
  server.push(LEVELS_CHANNEL, { data: { levels: { POC: 99.5 }, revision: 8, previous_revision: 7 } });
  server.move("complete", 144);
  expect(await exit).toBe(0);
  const sets = terminal.json().filter((line) => line.type === "levels");
  expect(sets.map((set) => [set.revision, set.levels.POC, set.levels.HIGH])).toEqual([
    [7, 100.5, 101],
    [8, 99.5, 101],
  ]);
});

test("backfill, without pushes the status alone is followed", async () => {
  const server = serve({ pushes: false });
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(RUN, terminal.context);
  await server.until(() => server.submitted.length === 1);
  server.move("complete", 144, { told: false });
  expect(await exit).toBe(0);
  expect(terminal.out()).toContain("complete: 144/144 chunks");
});

test("backfill, after a lost connection it comes back and asks for what it missed", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(RUN, terminal.context);
  await server.subscribed(2);
  server.move("paused", 70);
  server.ping();
  await server.until(() => server.pongs === 1);
  server.hangUp(3001);
  await server.subscribed(4);
  expect(server.subscribes[2]).toMatchObject({ channel: JOB_CHANNEL, recover: true, epoch: "e", offset: 1 });
  server.move("complete", 144);
  expect(await exit).toBe(0);
  expect(terminal.out()).toContain("job in_progress → paused");
  expect(terminal.out()).toContain("job paused → complete");
});

test("backfill, a server that stumbles for a moment is asked again", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(RUN, terminal.context);
  await server.subscribed(2);
  server.failing = true;
  server.push(JOB_CHANNEL, { data: {} });
  await server.until(() => server.failures === 1);
  server.failing = false;
  server.move("complete", 144);
  expect(await exit).toBe(0);
});

test("backfill, a failed job exits with 1", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  server.move("error", 3);
  expect(await backfillCommand(RUN, terminal.context)).toBe(1);
  expect(terminal.out()).toContain("error: 3/144 chunks");
});

test("backfill, a job that is complete but for a symbol exits with 1 and names it", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  server.move("complete", 144, { failed: true });
  expect(await backfillCommand(RUN, terminal.context)).toBe(1);
  expect(terminal.out()).toContain("binance:NOPE\n  no levels: binance does not know NOPE");
});

for (const started of [true, false])
  test(`backfill, an interrupt exits with 130 and says how it goes on (server ${started ? "started here" : "found running"})`, async () => {
    const server = serve();
    const terminal = fakeTerminal(server.url, { started });
    const exit = backfillCommand(RUN, terminal.context);
    await server.subscribed(2);
    terminal.interrupt();
    expect(await exit).toBe(130);
    expect(terminal.err()).toContain(`bun run backfill watch ${JOB_ID}`);
    expect(terminal.err()).toContain(started ? "resumable" : `goes on in the server at ${server.url}`);
    expect(terminal.connections().closes).toBe(1);
  });

test("backfill, a request that the server refuses exits with 2 and shows every fault", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  expect(
    await backfillCommand(["B!", "BTCUSDT", "--from", "x", "--to", "2026-01-02", "--json"], terminal.context),
  ).toBe(2);
  expect(terminal.err()).toContain('$.symbols[0]: expected a symbol such as "BTCUSDT"');
  expect(terminal.err()).toContain('$.start_date: expected a date such as "2026-01-02"');
  expect(terminal.json()).toMatchObject([{ type: "error" }]);
  const candles = fakeTerminal(server.url);
  expect(await backfillCommand([...RUN, "--timeframes", "1m,7m"], candles.context)).toBe(2);
  expect(candles.err()).toContain("$.timeframes[1]: expected 1 to 8 timeframes of 1m, 3m, 5m");
});

test("backfill --timeframes, a candle job counts candles, follows no levels and asks for none", async () => {
  const server = serve();
  const [of] = server.job.symbols;
  const part = (timeframe: string) => ({ ...of!, timeframe, recordsInserted: 7, recordsUnchanged: 2 });
  server.job = { ...server.job, recordsUpdated: 1, recordsUnchanged: 4, symbols: [part("1m"), part("1h")] };
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand([...RUN, "--timeframes", "1m,1h"], terminal.context);
  await server.subscribed(1);
  server.job = {
    ...server.job,
    status: "complete",
    chunksDone: 144,
    symbols: server.job.symbols.map((symbol) => ({ ...symbol, status: "complete" })),
  };
  server.push(JOB_CHANNEL, { data: { job_id: JOB_ID, status: "complete" } });
  expect(await exit).toBe(0);
  expect(server.submitted).toMatchObject([{ timeframes: ["1m", "1h"] }]);
  expect(server.subscribes.map(({ channel }) => channel)).toEqual([JOB_CHANNEL]);
  expect(terminal.out()).toContain("144/144 chunks, 6,000 candles (1 updated, 4 unchanged)");
  expect(terminal.out()).not.toContain("VWAP");
  const status = fakeTerminal(server.url);
  expect(await backfillCommand(["status", JOB_ID], status.context)).toBe(0);
  expect(status.out()).toContain("binance:BTCUSDT 1h  complete");
});

const USAGE: readonly [readonly string[], string][] = [
  [[], "expected at least one symbol"],
  [["BTCUSDT", "--to", "2026-01-02"], "no --from"],
  [["BTCUSDT", "--from", "2026-01-02"], "no --to"],
  [[...RUN, "--speed", "9"], "--speed"],
  [[...RUN, "--venue", "kraken", "bybit:X"], "name two venues"],
  [[...RUN, "--value-area", "mode"], "expected one of ranked, one_row, two_row"],
  [["status", "a", "b"], 'status takes one job, got "b" too'],
  [["list", "a"], "list takes no job"],
];

for (const [words, message] of USAGE)
  test(`backfill ${words.join(" ")}, is a usage error and starts nothing`, async () => {
    const terminal = fakeTerminal("http://127.0.0.1:1");
    expect(await backfillCommand(words, terminal.context)).toBe(2);
    expect(terminal.err()).toContain(message);
    expect(terminal.err()).toContain("bun run backfill SYMBOL…");
    expect(terminal.connections().connects).toBe(0);
  });

test("backfill --help, prints the usage", async () => {
  const terminal = fakeTerminal("http://127.0.0.1:1");
  expect(await backfillCommand(["--help"], terminal.context)).toBe(0);
  expect(terminal.out()).toContain("bun run backfill watch [JOB]");
});

test("backfill, a server that does not answer exits with 1 and says where it was looked for", async () => {
  const terminal = fakeTerminal("http://127.0.0.1:1");
  expect(await backfillCommand(RUN, terminal.context)).toBe(1);
  expect(terminal.err()).toContain("POST http://127.0.0.1:1/api/v1/backfill got no answer");
});

test("backfill status, the start-up backfill or one job", async () => {
  const server = serve();
  const startup = fakeTerminal(server.url);
  expect(await backfillCommand(["status"], startup.context)).toBe(0);
  expect(startup.out()).toBe("start-up backfill complete, 100.0 %, 4/4 chunks\n");
  const one = fakeTerminal(server.url);
  expect(await backfillCommand(["status", JOB_ID, "--json"], one.context)).toBe(0);
  expect(one.json()).toMatchObject([{ type: "job", job_id: JOB_ID }]);
  const unknown = fakeTerminal(server.url);
  expect(await backfillCommand(["status", "0190b8a4-0000-7000-8000-00000000ffff"], unknown.context)).toBe(1);
  expect(unknown.err()).toContain("There is no such job");
});

test("backfill list, one job a line", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  expect(await backfillCommand(["list"], terminal.context)).toBe(0);
  expect(terminal.out()).toContain(`${JOB_ID}  in_progress   41.6 %`);
  const json = fakeTerminal(server.url);
  expect(await backfillCommand(["list", "--json"], json.context)).toBe(0);
  expect(json.json()).toMatchObject([{ type: "summary", job_id: JOB_ID, symbols: ["binance:BTCUSDT"] }]);
});

test("backfill watch, without a job it follows the newest", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(["watch"], terminal.context);
  await server.subscribed(2);
  server.move("complete", 144);
  expect(await exit).toBe(0);
  expect(terminal.out()).toContain("job in_progress → complete");
});
