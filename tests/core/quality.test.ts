import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  barQuality,
  checkedText,
  checkMinute,
  foldMinutes,
  type SkeletonCandle,
} from "../../src/core/mod.ts";
import { batchOfTrades, SCALES } from "../support/trades.ts";

const MINUTE = 29_000_000;
const trade = (id: number, price: number, size: number, buy: boolean) => ({
  id,
  timeMs: MINUTE * 60_000 + id,
  price,
  size,
  buy,
});
const [contribution] = foldMinutes(
  batchOfTrades([trade(1, 100, 5, true), trade(2, 103, 2, false), trade(3, 99, 1, true)]),
  10,
).minutes;
if (contribution === undefined) throw new Error("the minute has trades");
const { minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount } = contribution;
const candle: SkeletonCandle = { minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount };

describe("checkMinute()", () => {
  test("of equal accounts is a match, and so is a minute that neither has trades in", () => {
    expect(checkMinute(contribution, candle)).toEqual({ kind: "match" });
    expect(checkMinute(undefined, null)).toEqual({ kind: "match" });
  });

  test("without a candle checks nothing", () => {
    expect(checkMinute(contribution, undefined)).toEqual({ kind: "unchecked" });
    expect(checkMinute(undefined, undefined)).toEqual({ kind: "unchecked" });
  });

  test.each(["open", "high", "low", "close", "volume", "buyVolume", "rawCount"] as const)(
    "names %s with both values when only that differs",
    (field) => {
      const theirs = (candle[field] ?? 0) + 1;
      expect(checkMinute(contribution, { ...candle, [field]: theirs })).toEqual({
        kind: "mismatch",
        field,
        ours: contribution[field],
        theirs,
      });
    },
  );

  test("compares quote volumes to their last digit", () => {
    expect(checkMinute(contribution, { ...candle, quoteVolume: quoteVolume + 1n })).toMatchObject({
      field: "quoteVolume",
      ours: quoteVolume,
      theirs: quoteVolume + 1n,
    });
  });

  test("names the first of several fields, and leaves out what the venue does not tell", () => {
    const untold = { quoteVolume: undefined, buyVolume: undefined, rawCount: undefined };
    expect(checkMinute(contribution, { ...candle, ...untold })).toEqual({ kind: "match" });
    expect(checkMinute(contribution, { ...candle, low: low + 1, rawCount: 99 })).toMatchObject({
      field: "low",
    });
  });

  test("of a minute that only one has trades in names the volume", () => {
    expect(checkMinute(contribution, null)).toEqual({
      kind: "mismatch",
      field: "volume",
      ours: volume,
      theirs: 0,
    });
    expect(checkMinute(undefined, candle)).toEqual({
      kind: "mismatch",
      field: "volume",
      ours: 0,
      theirs: volume,
    });
  });
});

test("checkedText() writes each field at its own scale", () => {
  const { priceScale, sizeScale } = SCALES;
  const text = (field: "open" | "buyVolume" | "quoteVolume", scale: number) =>
    Number(checkedText(field, 25 * 10 ** scale, SCALES));
  expect(text("open", priceScale)).toBe(25);
  expect(text("buyVolume", sizeScale)).toBe(25);
  expect(text("quoteVolume", priceScale + sizeScale)).toBe(25);
  expect(checkedText("rawCount", 12, SCALES)).toBe("12");
});

describe("barQuality()", () => {
  test("is 100 only when every expected minute is covered and none differs", () => {
    const of = (expectedMinutes: number, coveredMinutes: number, mismatchingMinutes: number) =>
      barQuality({ expectedMinutes, coveredMinutes, mismatchingMinutes });
    expect(of(1_440, 1_440, 0)).toBe(100);
    expect(of(1_440, 1_440, 1)).toBe(99.9);
    expect(of(1_440, 0, 0)).toBe(0);
    expect(of(0, 0, 0)).toBeNull();
  });

  test("is rounded down to one digit, never up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.nat(20_000), (expected, some) => {
        const covered = Math.min(expected, some);
        const quality = barQuality({
          expectedMinutes: expected,
          coveredMinutes: covered,
          mismatchingMinutes: 0,
        });
        const tenths = Math.round((quality ?? -1) * 10);
        expect(tenths * expected <= 1_000 * covered && (tenths + 1) * expected > 1_000 * covered).toBe(true);
      }),
    );
  });
});
