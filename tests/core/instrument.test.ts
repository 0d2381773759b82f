import { expect, test } from "bun:test";
import { finestScales, parseSymbolName, sameScales, symbolName } from "../../src/core/mod.ts";

test("parseSymbolName(), takes a venue or the default one, and the venue's spelling in capitals", () => {
  expect(parseSymbolName("binance:BTCUSDT", "bybit")).toEqual({ venue: "binance", symbol: "BTCUSDT" });
  expect(parseSymbolName("btcusdt", "bybit")).toEqual({ venue: "bybit", symbol: "BTCUSDT" });
  expect(parseSymbolName("massive:BRK.B", "x")).toEqual({ venue: "massive", symbol: "BRK.B" });
});

test("parseSymbolName(), inverts symbolName()", () => {
  const named = { venue: "binance", symbol: "1000PEPEUSDT" };
  expect(parseSymbolName(symbolName(named), "other")).toEqual(named);
});

test.each([
  "",
  ":",
  "binance:",
  ":BTC",
  "a:b:c",
  "BTC/USDT",
  "../etc",
  "BTC USDT",
  "Binance:BTC",
  "-BTC",
  `B${"T".repeat(40)}`,
])("parseSymbolName(), refuses %j", (text) => {
  expect(parseSymbolName(text, "binance")).toBeUndefined();
});

test("finestScales(), takes the finer of each", () => {
  const finest = finestScales({ priceScale: 2, sizeScale: 5 }, { priceScale: 4, sizeScale: 1 });
  expect(finest).toEqual({ priceScale: 4, sizeScale: 5 });
  expect(sameScales(finest, { priceScale: 4, sizeScale: 5 })).toBe(true);
  expect(sameScales(finest, { priceScale: 4, sizeScale: 4 })).toBe(false);
});
