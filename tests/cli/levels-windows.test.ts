import { afterAll, beforeAll, expect, test } from "bun:test";
import { levelsCommand } from "../../src/cli/mod.ts";
import { dayRange, formatDay, parseDay } from "../../src/core/mod.ts";
import { WindowWorld } from "../app/window-world.ts";
import { fakeApp, NOW_MS } from "../http/fake-deps.ts";
import { fakeTerminal } from "./terminal.ts";

const TODAY = parseDay("2026-01-03")!;
const named = (ago: number) => formatDay(TODAY - ago);
let server: Bun.Server<undefined>;
let loading = 0;

beforeAll(() => {
  const world = new WindowWorld(Math.floor(NOW_MS / 60_000));
  // A POC each day, higher each day, so that those of days before are naked.
  for (const ago of [3, 2, 1]) world.at(dayRange(TODAY - ago), 1_000 - 100 * ago);
  const { app } = fakeApp({
    windows: world.service,
    levels: {
      levelSet: () => ({ kind: "unknown_symbol", symbol: "x" }),
      profile: (query, options) =>
        loading-- > 0
          ? { kind: "loading", symbol: "binance:BTCUSDT", daysLoaded: 3, daysTotal: 9 }
          : world.service.profile(query, options),
    },
  });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
});
afterAll(() => server.stop(true));

async function run(...words: string[]) {
  const terminal = fakeTerminal(`http://127.0.0.1:${server.port}`);
  return { code: await levelsCommand(["BTCUSDT", ...words], terminal.context), terminal };
}

test("levels --from --to, a table of every level of the window", async () => {
  const { code, terminal } = await run("--from", "2026-01-01", "--to", "2026-01-02");
  expect(code).toBe(0);
  expect(terminal.out()).toContain(
    "binance:BTCUSDT  2026-01-01T00:00:00.000Z – 2026-01-03T00:00:00.000Z  PRECISE",
  );
  expect(terminal.out()).toMatch(/^ {2}VWAP \+ 1σ +9$/m);
  expect(terminal.out()).toMatch(/^ {2}range +1 {2}exact$/m);
});

test("levels --from --to, waits for a server that is still reading, and says how far it is", async () => {
  loading = 1;
  const { code, terminal } = await run("--from", "2025-12-31", "--to", "2026-01-02", "--json");
  expect(code).toBe(0);
  expect(terminal.err()).toContain("3 of the 9 days");
  expect(terminal.json()).toMatchObject([{ type: "window", trade_count: 3 * 1_440, whole: true }]);
});

test("levels --naked, a line for each, with its distance from the last price", async () => {
  const { code, terminal } = await run("--naked", "20");
  expect(code).toBe(0);
  expect(terminal.out()).toContain("naked POCs of 3 sessions, last 9");
  expect(terminal.out()).toMatch(new RegExp(`^ {2}${named(3)} +7 +-2 +estimate$`, "m"));
  expect((await run("--naked", "2", "--json")).terminal.json()).toMatchObject([
    {
      type: "naked_pocs",
      naked_pocs: [{ session: named(1) }, { session: named(2), price: 8, distance: -1 }],
    },
  ]);
});

test("levels --compare, two sessions beside each other", async () => {
  const { code, terminal } = await run("--compare", named(2), named(1));
  expect(code).toBe(0);
  expect(terminal.out()).toContain(
    "overlap 0 %, POC +1, value area higher (overlap exact, poc shift exact, migration exact)",
  );
  expect(terminal.out()).toMatch(/^ {2}POC +8 +9$/m);
  const json = await run("--json", "--compare", named(2), named(1), "--value-area", "one_row");
  expect(json.terminal.json()).toMatchObject([{ type: "comparison", value_area: { method: "one_row" } }]);
});

const USAGE: readonly [readonly string[], string][] = [
  [["--compare", "2026-01-01"], "expected the dates of two sessions, got 1"],
  [
    ["--compare", "2026-01-01", "tomorrow"],
    'expected the date of a session such as 2026-01-02, got "tomorrow"',
  ],
  [["--naked", "251"], "--naked: expected a whole number from 1 to 250"],
  [["--from", "2026-01-01"], "expected --from and --to, got no --to"],
  [["--naked", "3", "--session", "2026-01-01"], "levels answers one question, got --session beside --naked"],
];

for (const [words, message] of USAGE)
  test(`levels ${words.join(" ")}, is a usage error`, async () => {
    const { code, terminal } = await run(...words);
    expect(code).toBe(2);
    expect(terminal.err()).toContain(message);
  });
