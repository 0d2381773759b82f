import { describe, expect, test } from "bun:test";
import {
  coversChannel,
  coversSymbol,
  EVERYTHING,
  type Grant,
  mayReadChannel,
  parseChannel,
  parseGrantedChannel,
} from "../../src/protocol/mod.ts";

const JOB = "01890a5d-ac96-774b-bcce-b302099a8057";

function grantOf(...channels: string[]): Grant {
  return { ...EVERYTHING, channels: new Set(channels) };
}

function covers(granted: string, asked: string): boolean {
  const parsed = parseChannel(asked, "binance");
  if (parsed.kind === "unknown") throw new Error(parsed.message);
  return coversChannel(grantOf(granted), parsed.channel);
}

describe("parseGrantedChannel()", () => {
  test.each([
    ["levels:BTCUSDT", "levels:binance:BTCUSDT"],
    ["gaps:binance:btcusdt", "gaps:binance:BTCUSDT"],
    ["backfill", "backfill"],
    [`backfill:${JOB.toUpperCase()}`, `backfill:${JOB}`],
    ["backfill:*", "backfill:*"],
    ["levels:*", "levels:*"],
    ["levels:binance:*", "levels:binance:*"],
    ["levels:binance:btc*", "levels:binance:BTC*"],
    ["levels:binance:BTCUSDT@*", "levels:binance:BTCUSDT@*"],
    ["levels:binance:BTCUSDT@2026-*", "levels:binance:BTCUSDT@2026-*"],
  ])("%s, stands in a grant as %s", (text, channel) => {
    expect(parseGrantedChannel(text, "binance")).toEqual({ kind: "granted", channel });
  });

  test.each([
    "",
    "*",
    "**",
    ":*",
    "levels*",
    "levels:**",
    // A venue or the beginning of a bare symbol: which one is not clear, so it is refused.
    "levels:BTC*",
    "levels:binance:@*",
    "levels:binance*",
    "levels:*:BTCUSDT",
    "backfill:42",
    "orders:BTCUSDT",
    `levels:binance:${"A".repeat(300)}*`,
    "levels:binance:BTC USDT*",
  ])("%p, is refused", (text) => {
    expect(parseGrantedChannel(text, "binance").kind).toBe("refused");
  });
});

describe("coversChannel()", () => {
  test.each([
    ["levels:binance:BTCUSDT", "levels:BTCUSDT", true],
    ["levels:binance:BTCUSDT", "levels:BTCUSDT@2026-01-02", false],
    ["levels:binance:BTCUSDT", "levels:ETHUSDT", false],
    ["levels:binance:BTCUSDT", "gaps:BTCUSDT", false],
    ["levels:binance:BTC*", "levels:BTCUSDT", true],
    ["levels:binance:BTC*", "levels:ETHBTC", false],
    ["levels:binance:BTCUSDT@*", "levels:BTCUSDT@2026-01-02", true],
    ["levels:binance:BTCUSDT@*", "levels:BTCUSDT", false],
    ["levels:binance:*", "levels:bybit:BTCUSDT", false],
    ["levels:*", "levels:bybit:BTCUSDT", true],
    ["levels:*", "gaps:BTCUSDT", false],
    ["backfill:*", `backfill:${JOB}`, true],
    ["backfill:*", "backfill", false],
    ["backfill", `backfill:${JOB}`, false],
  ])("%s for %s, %p", (granted, asked, covered) => {
    expect(covers(granted, asked)).toBe(covered);
  });
});

describe("coversSymbol()", () => {
  test.each([
    ["levels:binance:BTCUSDT", "BTCUSDT", true],
    ["gaps:binance:BTCUSDT", "BTCUSDT", true],
    ["levels:binance:BTCUSDT@2026-01-02", "BTCUSDT", true],
    ["levels:binance:BTCUSDT@*", "BTCUSDT", true],
    ["levels:binance:BTCUSDT", "BTCUSD", false],
    ["levels:binance:BTCUSD", "BTCUSDT", false],
    ["levels:binance:BTC*", "BTCUSDT", true],
    ["levels:binance:BTC*", "ETHUSDT", false],
    ["levels:bybit:*", "BTCUSDT", false],
    ["levels:*", "BTCUSDT", true],
    ["backfill:*", "BTCUSDT", false],
    ["backfill", "BTCUSDT", false],
  ])("%s for %s, %p", (granted, symbol, covered) => {
    expect(coversSymbol(grantOf(granted), { venue: "binance", symbol })).toBe(covered);
  });

  test("a grant without channels, covers every symbol", () => {
    expect(coversSymbol(EVERYTHING, { venue: "binance", symbol: "BTCUSDT" })).toBe(true);
  });
});

test("mayReadChannel(), takes the scope read beside the channel", () => {
  const channel = { kind: "levels", venue: "binance", symbol: "BTCUSDT" } as const;
  const grant = grantOf("levels:binance:*");
  expect(mayReadChannel(grant, channel)).toBe(true);
  expect(mayReadChannel({ ...grant, scopes: new Set(["backfill"]) }, channel)).toBe(false);
  expect(mayReadChannel({ ...EVERYTHING, scopes: new Set() }, channel)).toBe(false);
});
