import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf } from "../../../src/core/mod.ts";
import { Binance } from "../../../src/venues/mod.ts";
import { instrumentNamed } from "../../support/trades.ts";
import { FakeBinance } from "../support/fake-binance.ts";
import { machineClock } from "../support/manual-clock.ts";

const signal = new AbortController().signal;
const LO = 28_000_000;
const instrument = instrumentNamed("BTCUSDT", { priceScale: 2, sizeScale: 5 });

let fake: FakeBinance;
let venue: Binance;
beforeEach(() => {
  fake = new FakeBinance();
  venue = new Binance({ clock: machineClock, restUrl: fake.restUrl, random: () => 0, attempts: 1 });
});
afterEach(() => fake.stop());

function kline(minute: number, volume = "6.42405000"): unknown[] {
  const open = minute * 60_000;
  const prices = ["41904.46000000", "41908.04000000", "41865.13000000", "41865.14000000"];
  return [
    open,
    ...prices,
    volume,
    open + 59_999,
    "269127.18833360",
    583,
    "2.62199000",
    "109847.87661600",
    "0",
  ];
}

describe("candles()", () => {
  test("pages a window, each minute once, absent minutes absent", async () => {
    const minutes = Array.from({ length: 2_300 }, (_, i) => LO + i).filter((m) => m % 97 !== 0);
    fake.klines = minutes.map((minute) => kline(minute));
    const { candles } = await venue.candles(instrument, { lo: LO, hi: LO + 2_300 }, { signal });
    expect(candles.map((c) => c.minute)).toEqual(minutes);
    expect(fake.requests.length).toBe(3);
  });

  test("reads a recorded candle exactly, at scales that hold it", async () => {
    fake.klines = [kline(LO)];
    const { candles, scales } = await venue.candles(instrument, { lo: LO, hi: LO + 1 }, { signal });
    expect(scales).toEqual({ priceScale: 2, sizeScale: 5 });
    expect(candles).toEqual([
      {
        minute: LO,
        open: 4_190_446,
        high: 4_190_804,
        low: 4_186_513,
        close: 4_186_514,
        volume: 642_405,
        quoteVolume: 2_691_271_883_336n,
        buyVolume: 262_199,
        buyQuoteVolume: 1_098_478_766_160n,
        rawCount: 583,
      },
    ]);
  });

  test("grows the scales for an older, finer candle", async () => {
    fake.klines = [kline(LO), kline(LO + 1, "6.42405001")];
    const { candles, scales } = await venue.candles(instrument, { lo: LO, hi: LO + 2 }, { signal });
    expect(scales).toEqual({ priceScale: 2, sizeScale: 8 });
    expect(candles.map((c) => c.volume)).toEqual([642_405_000, 642_405_001]);
    expect(candles[0]?.quoteVolume).toBe(2_691_271_883_336_000n);
  });

  test("fails transient when a page makes no progress or a number is none", async () => {
    fake.intercept = () => Response.json([kline(LO - 5)]);
    const stuck = await venue
      .candles(instrument, { lo: LO, hi: LO + 9 }, { signal })
      .catch((e: unknown) => e);
    expect(failureOf(stuck).kind).toBe("transient");
    fake.intercept = () => Response.json([kline(LO, "-3")]);
    const broken = await venue
      .candles(instrument, { lo: LO, hi: LO + 1 }, { signal })
      .catch((e: unknown) => e);
    expect(failureOf(broken).kind).toBe("transient");
  });
});
