import { afterEach, beforeEach, expect, test } from "bun:test";
import { failureOf } from "../../../src/core/mod.ts";
import { Binance } from "../../../src/venues/mod.ts";
import { FakeBinance } from "../support/fake-binance.ts";
import { machineClock } from "../support/manual-clock.ts";

const signal = new AbortController().signal;
const HOUR = 60;
const LO = 28_000_020 - (28_000_020 % HOUR);

let fake: FakeBinance;
beforeEach(() => {
  fake = new FakeBinance();
});
afterEach(() => fake.stop());

function venueAt(nowMs?: number): Binance {
  const clock = nowMs === undefined ? machineClock : { ...machineClock, nowMs: () => nowMs };
  return new Binance({ clock, restUrl: fake.restUrl, random: () => 0, attempts: 1 });
}

function kline(minute: number, over: { volume?: string; quote?: string; close?: string } = {}): unknown[] {
  const { volume = "6.42405000", quote = "269127.18833360", close = "41865.14000000" } = over;
  const open = minute * 60_000;
  const prices = ["41904.46000000", "41908.00000000", "0.00000001", close];
  return [open, ...prices, volume, open + 3_599_999, quote, 583, "2.62199000", "109847.87661600", "0"];
}

test("candleHistory(), asks for the interval, page by page, and for nothing beyond the last candle", async () => {
  const minutes = Array.from({ length: 1_500 }, (_, n) => LO + n * HOUR);
  fake.klines = minutes.map((minute) => kline(minute));
  const range = { lo: LO, hi: LO + 1_500 * HOUR };
  const { candles } = await venueAt().candleHistory("BTCUSDT", "1h", range, { signal });
  expect(candles.map(({ openMs }) => openMs / 60_000)).toEqual(minutes);
  expect(fake.requests).toHaveLength(2);
  expect(fake.requests[0]).toContain("interval=1h");
});

test("candleHistory(), keeps every digit as text, without trailing zeros and beyond what a double holds", async () => {
  fake.klines = [kline(LO, { volume: "98765432109876543.12000000", quote: "1.00000000" })];
  const range = { lo: LO, hi: LO + HOUR };
  const { candles } = await venueAt().candleHistory("BTCUSDT", "1h", range, { signal });
  expect(candles).toEqual([
    {
      openMs: LO * 60_000,
      open: "41904.46",
      high: "41908",
      low: "0.00000001",
      close: "41865.14",
      volume: "98765432109876543.12",
      quoteVolume: "1",
      buyVolume: "2.62199",
      buyQuoteVolume: "109847.876616",
      vwap: "0",
      trades: 583,
    },
  ]);
});

test("candleHistory(), the mean price is rounded half to even at eight digits, and absent without volume", async () => {
  const mean = async (volume: string, quote: string) => {
    fake.klines = [kline(LO, { volume, quote })];
    const range = { lo: LO, hi: LO + HOUR };
    return (await venueAt().candleHistory("BTCUSDT", "1h", range, { signal })).candles[0]?.vwap;
  };
  expect(await mean("3.00000000", "2.00000000")).toBe("0.66666667");
  expect(await mean("2.00000000", "0.00000001")).toBe("0");
  expect(await mean("2.00000000", "0.00000003")).toBe("0.00000002");
  expect(await mean("6.42405000", "269127.18833360")).toBe("41893.69452816");
  expect(await mean("0.00000000", "0.00000000")).toBeUndefined();
});

test("candleHistory(), what had not closed when it was asked is not called closed", async () => {
  fake.klines = [0, 1, 2].map((n) => kline(LO + n * HOUR));
  const range = { lo: LO, hi: LO + 3 * HOUR };
  const closedAt = async (minute: number, ms = 0) =>
    (await venueAt(minute * 60_000 + ms).candleHistory("BTCUSDT", "1h", range, { signal })).closed;
  expect(await closedAt(LO + 4 * HOUR)).toEqual(range);
  expect(await closedAt(LO + 2 * HOUR + 30)).toEqual({ lo: LO, hi: LO + HOUR + 30 });
  // A candle is believed to be final two seconds after its end.
  expect(await closedAt(LO + HOUR, 1_999)).toBeUndefined();
  expect(await closedAt(LO + HOUR, 2_000)).toEqual({ lo: LO, hi: LO + 1 });
});

test("candleHistory(), candles outside of the range are left out and a page without progress fails transient", async () => {
  const range = { lo: LO, hi: LO + 2 * HOUR };
  fake.intercept = () => Response.json([kline(LO - HOUR), kline(LO), kline(LO + HOUR), kline(LO + 2 * HOUR)]);
  const { candles } = await venueAt().candleHistory("BTCUSDT", "1h", range, { signal });
  expect(candles.map(({ openMs }) => openMs / 60_000)).toEqual([LO, LO + HOUR]);
  fake.intercept = () => Response.json([kline(LO - HOUR)]);
  const stuck = await venueAt()
    .candleHistory("BTCUSDT", "1h", range, { signal })
    .catch((thrown: unknown) => thrown);
  expect(failureOf(stuck).kind).toBe("transient");
});

test("candleHistory(), a number that is none fails transient, an unknown symbol permanent", async () => {
  const range = { lo: LO, hi: LO + HOUR };
  const kindOf = async (symbol: string) => {
    const thrown = await venueAt()
      .candleHistory(symbol, "1h", range, { signal })
      .catch((error: unknown) => error);
    return failureOf(thrown).kind;
  };
  fake.klines = [kline(LO, { close: "-3" })];
  expect(await kindOf("BTCUSDT")).toBe("transient");
  fake.klines = [kline(LO, { quote: "1e5" })];
  expect(await kindOf("BTCUSDT")).toBe("transient");
  expect(await kindOf("NOPE")).toBe("permanent");
});
