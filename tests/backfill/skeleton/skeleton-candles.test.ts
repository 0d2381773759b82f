import { expect, test } from "bun:test";
import { skeletonCandles } from "../../../src/backfill/skeleton/skeleton-candles.ts";
import { failureOf } from "../../../src/core/mod.ts";
import type { HistoryCandle } from "../../../src/venues/mod.ts";

const SCALES = { priceScale: 2, sizeScale: 3 };
const plain: HistoryCandle = {
  ...{ openMs: 600_000, open: "10.5", high: "11", low: "10.25", close: "10.75", volume: "4.125" },
};

test("skeletonCandles(), exact integers at the given scales; what the venue does not tell stays untold", () => {
  const full = { ...plain, quoteVolume: "43.53125", buyVolume: "1.5", buyQuoteVolume: "15.75", trades: 9 };
  expect(skeletonCandles([full, plain], SCALES)).toEqual({
    scales: SCALES,
    candles: [
      {
        ...{ minute: 10, open: 1_050, high: 1_100, low: 1_025, close: 1_075, volume: 4_125 },
        ...{ quoteVolume: 4_353_125n, buyVolume: 1_500, buyQuoteVolume: 1_575_000n, rawCount: 9 },
      },
      {
        ...{ minute: 10, open: 1_050, high: 1_100, low: 1_025, close: 1_075, volume: 4_125 },
        ...{ quoteVolume: undefined, buyVolume: undefined, buyQuoteVolume: undefined, rawCount: undefined },
      },
    ],
  });
});

test("skeletonCandles(), scales grow to the coarsest that hold every digit, for all candles alike", () => {
  const finer = { ...plain, high: "11.0625", quoteVolume: "43.12345678" };
  const { scales, candles } = skeletonCandles([plain, finer], SCALES);
  expect(scales).toEqual({ priceScale: 4, sizeScale: 4 });
  expect(candles.map(({ open }) => open)).toEqual([105_000, 105_000]);
  expect(candles[1]?.quoteVolume).toBe(4_312_345_678n);
});

test("skeletonCandles(), what our integers cannot hold fails permanent, what is no candle fails transient", () => {
  const kindOf = (candle: HistoryCandle) => {
    try {
      skeletonCandles([candle], SCALES);
      return "held";
    } catch (thrown) {
      return failureOf(thrown).kind;
    }
  };
  expect(kindOf({ ...plain, volume: "99999999999999999" })).toBe("permanent");
  expect(kindOf({ ...plain, high: "eleven" })).toBe("transient");
  expect(kindOf({ ...plain, openMs: 600_001 })).toBe("transient");
});
