import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decimal,
  foldMinutes,
  foldSums,
  formatDecimal,
  InvariantError,
  vwap,
  vwapBands,
} from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf, SCALE_0 } from "./trades.ts";

const sumsOf = (trades: Parameters<typeof batchOf>[0]) => foldSums(foldMinutes(batchOf(trades), 1).minutes);
const print = (id: number, price: number, size: number) => ({
  ...{ id, price, size, timeUs: id * 1_000, raw: 1, buy: true },
});

test("vwapBands(), are the VWAP and its multiples of the weighted standard deviation", () => {
  const sums = sumsOf([print(1, 2, 1), print(2, 4, 3), print(3, 5, 2), print(4, 6, 1), print(5, 8, 1)]);
  expect(formatDecimal(vwap(sums.quoteVolume, sums.volume, SCALE_0)!)).toBe("4.75");
  // Σ p²·s / Σ s − 4.75² = 202 / 8 − 22.5625 = 2.6875; √2.6875 = 1.63935…
  const { deviation, bands } = vwapBands(sums, SCALE_0)!;
  expect(formatDecimal(deviation)).toBe("1.64");
  expect(bands.map((band) => [band.multiple, band.lower, band.upper].map(formatDecimal))).toEqual([
    ["1", "3.11", "6.39"],
    ["2", "1.47", "8.03"],
    ["3", "-0.17", "9.67"],
  ]);
});

test("vwapBands(), takes fractions of a deviation", () => {
  const sums = sumsOf([print(1, 2, 1), print(2, 6, 1)]);
  const { bands } = vwapBands(sums, SCALE_0, [decimal(25, 1), decimal(1, 3)])!;
  expect(bands.map(({ lower, upper }) => [formatDecimal(lower), formatDecimal(upper)])).toEqual([
    ["-1", "9"],
    ["4", "4"],
  ]);
  expect(() => vwapBands(sums, SCALE_0, [decimal(0, 0)])).toThrow(InvariantError);
});

test("vwapBands(), are null without volume, and the VWAP itself where one price traded", () => {
  expect(vwapBands(sumsOf([]), SCALE_0)).toBeNull();
  const { deviation, bands } = vwapBands(sumsOf([print(1, 7, 3), print(2, 7, 5)]), SCALE_0)!;
  expect(deviation.units).toBe(0n);
  for (const { lower, upper } of bands) expect([lower.units, upper.units]).toEqual([700n, 700n]);
});

test("vwapBands(), contain the VWAP, in order, and are those of doubles to within their error", () => {
  const trades = arbitraryTrades({ priceMax: 1e6, sizeMax: 1e6 }).filter((list) => list.length > 0);
  fc.assert(
    fc.property(trades, (list) => {
      const sums = sumsOf(list);
      const mean = vwap(sums.quoteVolume, sums.volume, SCALE_0)!.units;
      const { deviation, bands } = vwapBands(sums, SCALE_0)!;
      const ladder = [
        ...bands.map(({ lower }) => lower.units).reverse(),
        mean,
        ...bands.map(({ upper }) => upper.units),
      ];
      expect(ladder).toEqual(ladder.toSorted((a, b) => (a < b ? -1 : 1)));
      const centre = list.reduce((sum, t) => sum + t.price * t.size, 0) / sums.volume;
      const variance = list.reduce((sum, t) => sum + t.size * (t.price - centre) ** 2, 0) / sums.volume;
      expect(Math.abs(Number(deviation.units) / 100 - Math.sqrt(variance))).toBeLessThan(0.0051);
    }),
  );
});

test("vwapBands(), do not depend on the order of the trades or on how they are split over minutes", () => {
  fc.assert(
    fc.property(
      arbitraryTrades().filter((list) => list.length > 0),
      (list) => {
        const oneMinute = list.map((t) => ({ ...t, timeUs: 0 }));
        const reversed = oneMinute.toReversed().map((t, i) => ({ ...t, id: i + 1 }));
        const bands = vwapBands(sumsOf(list), SCALE_0);
        expect(vwapBands(sumsOf(oneMinute), SCALE_0)).toEqual(bands);
        expect(vwapBands(sumsOf(reversed), SCALE_0)).toEqual(bands);
      },
    ),
  );
});

test("vwapBands(), refuses sums that no trades have", () => {
  const sums = { volume: 2, quoteVolume: 4n, squareVolume: 7n };
  expect(() => vwapBands(sums, SCALE_0)).toThrow(InvariantError);
});
