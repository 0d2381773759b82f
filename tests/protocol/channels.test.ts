import { describe, expect, test } from "bun:test";
import { formatChannel, parseChannel } from "../../src/protocol/mod.ts";

const JOB = "01890A5D-AC96-774B-BCCE-b302099a8057";

describe("parseChannel()", () => {
  test.each([
    ["backfill", { kind: "backfill" }, "backfill"],
    [`backfill:${JOB}`, { kind: "job", jobId: JOB.toLowerCase() }, `backfill:${JOB.toLowerCase()}`],
    ["levels:BTCUSDT", { kind: "levels", venue: "binance", symbol: "BTCUSDT" }, "levels:binance:BTCUSDT"],
    ["levels:btcusdt", { kind: "levels", venue: "binance", symbol: "BTCUSDT" }, "levels:binance:BTCUSDT"],
    ["gaps:btcusdt", { kind: "gaps", venue: "binance", symbol: "BTCUSDT" }, "gaps:binance:BTCUSDT"],
    ["levels:bybit:BTCUSDT", { kind: "levels", venue: "bybit", symbol: "BTCUSDT" }, "levels:bybit:BTCUSDT"],
    ["profile:btcusdt", { kind: "profile", venue: "binance", symbol: "BTCUSDT" }, "profile:binance:BTCUSDT"],
    [
      "profile:XRPETH@2019-10-11",
      { kind: "profile", venue: "binance", symbol: "XRPETH", session: "2019-10-11" },
      "profile:binance:XRPETH@2019-10-11",
    ],
    [
      "bars:btcusdt:5m",
      { kind: "bars", venue: "binance", symbol: "BTCUSDT", interval: "5m" },
      "bars:binance:BTCUSDT:5m",
    ],
    [
      "bars:bybit:BTCUSDT:1d",
      { kind: "bars", venue: "bybit", symbol: "BTCUSDT", interval: "1d" },
      "bars:bybit:BTCUSDT:1d",
    ],
    [
      "levels:binance:XRPETH@2019-10-11",
      { kind: "levels", venue: "binance", symbol: "XRPETH", session: "2019-10-11" },
      "levels:binance:XRPETH@2019-10-11",
    ],
  ] as const)("reads %s, and formatChannel() names it canonically", (name, channel, canonical) => {
    const parsed = parseChannel(name, "binance");
    expect(parsed).toEqual({ kind: "channel", channel });
    if (parsed.kind === "channel") expect(formatChannel(parsed.channel)).toBe(canonical);
  });

  test.each([
    "",
    "backfill:",
    "backfill:42",
    "levels",
    "levels:",
    "gaps:",
    "gaps:BTCUSDT@2026-01-02",
    "levels:BTC USDT",
    "levels:BTCUSDT@",
    "levels:BTCUSDT@2026-02-30",
    "levels:BTCUSDT@today",
    "levels:a:b:c",
    "profile:BTCUSDT@today",
    "profile:",
    "bars:",
    "bars:BTCUSDT",
    "bars:binance:BTCUSDT",
    "bars:5m",
    "bars::5m",
    "bars:BTCUSDT:3m",
    "bars:BTCUSDT:5M",
    "bars:BTCUSDT@2026-01-02:5m",
    "alerts:BTCUSDT",
    "__proto__",
    `levels:${"A".repeat(300)}`,
  ])("refuses %p with a message", (name) => {
    const parsed = parseChannel(name, "binance");
    expect(parsed.kind).toBe("unknown");
    if (parsed.kind === "unknown") expect(parsed.message).not.toBe("");
  });
});
