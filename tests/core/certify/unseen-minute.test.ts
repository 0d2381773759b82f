import { describe, expect, test } from "bun:test";
import { type CandleField, minuteBounds, type SkeletonCandle, unseenMinute } from "../../../src/core/mod.ts";

const CANDLE: SkeletonCandle = {
  minute: 7,
  open: 102,
  high: 110,
  low: 100,
  close: 105,
  volume: 1_000,
  quoteVolume: 104_000n,
  buyVolume: 400,
  buyQuoteVolume: 41_600n,
  rawCount: 20,
};

const CONTRADICTIONS: readonly (readonly [CandleField, string, Partial<SkeletonCandle>])[] = [
  ["low", "above the high", { low: 111 }],
  ["open", "above the high", { open: 111 }],
  ["close", "below the low", { close: 99 }],
  ["volume", "of fewer lots than prices that printed", { volume: 3, buyVolume: 0, buyQuoteVolume: 0n }],
  ["quoteVolume", "of a mean below the low", { quoteVolume: 99_999n }],
  ["quoteVolume", "of a mean above the high", { quoteVolume: 110_001n }],
  ["quoteVolume", "of a mean that leaves nothing for the high", { quoteVolume: 100_009n }],
  ["buyVolume", "above the volume", { buyVolume: 1_001 }],
  ["buyQuoteVolume", "of a mean above the high", { buyQuoteVolume: 44_001n }],
  ["buyQuoteVolume", "that puts the sells' mean below the low", { buyQuoteVolume: 44_000n + 1n }],
  ["buyQuoteVolume", "without buys", { buyVolume: 0, buyQuoteVolume: 1n }],
  ["rawCount", "of fewer trades than prices that printed", { rawCount: 3 }],
  ["rawCount", "of more trades than lots", { rawCount: 1_001 }],
  ["rawCount", "of two trades, three prices", { rawCount: 2 }],
  [
    "rawCount",
    "of three trades that open and close at one price and reached two others",
    { close: 102, rawCount: 3 },
  ],
];

describe("unseenMinute()", () => {
  test("believes a candle that its trades can have made", () => {
    expect(unseenMinute(CANDLE, { binUnits: 5 })?.inconsistent).toBeUndefined();
  });

  for (const [field, what, over] of CONTRADICTIONS) {
    test(`names ${field} ${what}, and knows nothing but volume and range`, () => {
      const candle = { ...CANDLE, ...over };
      const minute = unseenMinute(candle, { binUnits: 5 })!;
      expect(minute.inconsistent).toBe(field);
      const { firstBin, lower, upper } = minuteBounds(minute);
      const prices = [candle.open, candle.high, candle.low, candle.close];
      expect(firstBin).toBe(Math.floor(Math.min(...prices) / 5));
      expect(firstBin + lower.length - 1).toBe(Math.floor(Math.max(...prices) / 5));
      expect(lower.every((volume) => volume === 0)).toBe(true);
      expect(upper.every((volume) => volume === candle.volume)).toBe(true);
    });
  }

  test("says two trades cannot have two thirds of a lot at the high", () => {
    const candle = { ...CANDLE, open: 100, close: 110, rawCount: 2, quoteVolume: 104_003n };
    expect(unseenMinute(candle, { binUnits: 5 })?.inconsistent).toBe("quoteVolume");
  });

  test("does without a tick or a lot that the candle is not on", () => {
    const grid = { binUnits: 10, tickUnits: 10, lotUnits: 100 };
    expect(unseenMinute(CANDLE, grid)).toMatchObject({ stepUnits: 1, lotUnits: 1, inconsistent: undefined });
    const onGrid = { ...CANDLE, open: 100, close: 110, quoteVolume: 104_000n, buyQuoteVolume: 42_000n };
    expect(unseenMinute(onGrid, grid)).toMatchObject({ stepUnits: 10, lotUnits: 100, span: 1, lots: 10 });
  });

  test("is undefined for a minute without trades", () => {
    expect(unseenMinute({ ...CANDLE, volume: 0, quoteVolume: 0n }, { binUnits: 5 })).toBeUndefined();
  });
});
