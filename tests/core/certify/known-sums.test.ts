import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  deltaInterval,
  foldSums,
  knownSums,
  type MinuteContribution,
  type SkeletonCandle,
  vwap,
  vwapInterval,
} from "../../../src/core/mod.ts";
import { seededRandom } from "../../support/trades.ts";
import { FIRST_MINUTE, madeDay, SHAPES } from "./made-days.ts";
import { skeletonOf } from "./no-falsehood.ts";

const SCALES = { priceScale: 1, sizeScale: 2 };
const days = fc
  .tuple(fc.constantFrom(...SHAPES), fc.integer())
  .map(([shape, seed]) => madeDay(shape, { random: seededRandom(seed), minutes: 20 }));

/** Some of a day's minutes loaded, the rest by their candles. */
function mixed(
  minutes: readonly MinuteContribution[],
  candles: readonly SkeletonCandle[],
  seed: number,
): SkeletonCandle[] {
  const random = seededRandom(seed);
  return minutes.map((minute, i) => (random() < 0.5 ? minute : candles[i]!));
}

describe("knownSums()", () => {
  test("equals the fold of the complete tape, whichever minutes are loaded", () => {
    fc.assert(
      fc.property(days, fc.integer(), ({ minutes, candles }, seed) => {
        const { quoteVolume, buyVolume, count: _, ...rest } = foldSums(minutes);
        const sums = knownSums(mixed(minutes, candles, seed));
        expect(sums).toMatchObject({
          volume: rest.volume,
          quoteVolume: { low: quoteVolume, high: quoteVolume },
          buyVolume: { low: buyVolume, high: buyVolume },
          open: rest.open,
          high: rest.high,
          low: rest.low,
          last: rest.last,
        });
        expect(vwapInterval(sums, SCALES)).toEqual({
          low: vwap(quoteVolume, rest.volume, SCALES)!,
          high: vwap(quoteVolume, rest.volume, SCALES)!,
        });
      }),
    );
  });

  test("holds VWAP and delta between what a venue without quote volume and sides leaves open", () => {
    fc.assert(
      fc.property(days, fc.integer(), ({ minutes, candles }, seed) => {
        const bare = candles.map(({ quoteVolume: _q, buyVolume: _b, buyQuoteVolume: _bq, ...rest }) => rest);
        const sums = knownSums(mixed(minutes, bare, seed));
        const truth = foldSums(minutes);
        const { low, high } = vwapInterval(sums, SCALES)!;
        const value = vwap(truth.quoteVolume, truth.volume, SCALES)!;
        expect(low.units <= value.units && value.units <= high.units).toBe(true);
        expect(high.units <= BigInt(truth.high!) * 100n && low.units >= BigInt(truth.low!) * 100n).toBe(true);
        const delta = deltaInterval(sums);
        const final = 2 * truth.buyVolume - truth.volume;
        expect(delta.low <= final && final <= delta.high).toBe(true);
      }),
    );
  });

  test("of nothing has no prices and no VWAP", () => {
    const sums = knownSums([]);
    expect(sums).toMatchObject({ volume: 0, open: null, high: null, low: null, last: null });
    expect(vwapInterval(sums, SCALES)).toBeNull();
  });
});

describe("ProfileState.sums()", () => {
  test("of a range are the opening range's: its own minutes and no others", () => {
    fc.assert(
      fc.property(days, fc.nat(19), fc.nat(8), (day, from, length) => {
        const range = { lo: FIRST_MINUTE + from, hi: FIRST_MINUTE + from + length };
        const inside = day.minutes.filter(({ minute }) => minute >= range.lo && minute < range.hi);
        const { open, high, low, last, volume } = foldSums(inside);
        expect(skeletonOf(day).sums(range)).toMatchObject({ open, high, low, last, volume });
      }),
    );
  });
});
