import { afterAll, expect, test } from "bun:test";
import { levelsCommand } from "../../src/cli/mod.ts";
import { FakeServer } from "./fake-server.ts";
import { fakeTerminal } from "./terminal.ts";

const server = new FakeServer();
afterAll(() => server.stop());

test("levels, a table of every level with its certainty", async () => {
  const terminal = fakeTerminal(server.url);
  expect(await levelsCommand(["BTCUSDT", "--session", "2026-01-02"], terminal.context)).toBe(0);
  expect(terminal.out()).toContain("binance:BTCUSDT  2026-01-02  PRECISE, coverage 100.0 %, revision 7");
  expect(terminal.out()).toMatch(/^ {2}VWAP +100\.6429 {2}exact$/m);
  expect(terminal.out()).toMatch(/^ {2}PDH +-$/m);
});

test("levels --json, one line of the level set", async () => {
  const terminal = fakeTerminal(server.url);
  expect(await levelsCommand(["BTCUSDT", "--json"], terminal.context)).toBe(0);
  expect(terminal.json()).toMatchObject([{ type: "levels", levels: { POC: 100.5, PDH: null } }]);
});

test("levels, an unknown symbol exits with 1 and says what to do", async () => {
  const terminal = fakeTerminal(server.url);
  expect(await levelsCommand(["DOGE"], terminal.context)).toBe(1);
  expect(terminal.err()).toContain("POST /api/v1/backfill fetches it");
});

const USAGE: readonly [readonly string[], string][] = [
  [[], "expected a symbol, got none"],
  [["A", "B"], "levels takes one symbol"],
  [["A", "--session", "2026-02-30"], "expected the date of a session"],
];

for (const [words, message] of USAGE)
  test(`levels ${words.join(" ")}, is a usage error`, async () => {
    const terminal = fakeTerminal(server.url);
    expect(await levelsCommand(words, terminal.context)).toBe(2);
    expect(terminal.err()).toContain(message);
  });
