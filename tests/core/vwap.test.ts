import { expect, test } from "bun:test";
import fc from "fast-check";
import { divideHalfEven, foldMinutes, foldSums, formatDecimal, vwap } from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf, SCALE_0 } from "./trades.ts";

test("vwap(), weighs prices by size and rounds once, half to even, to two digits more than the price", () => {
  const scales = { priceScale: 1, sizeScale: 3 };
  // (10.0 × 1.000 + 10.1 × 2.000) / 3.000 = 10.0666…
  expect(formatDecimal(vwap(100n * 1_000n + 101n * 2_000n, 3_000, scales)!)).toBe("10.067");
  expect(vwap(5n, 8, SCALE_0)).toEqual({ units: 62n, scale: 2 });
  expect(vwap(7n, 8, SCALE_0)).toEqual({ units: 88n, scale: 2 });
});

test("vwap(), is null without volume", () => {
  expect(vwap(0n, 0, SCALE_0)).toBeNull();
});

test("vwap(), lies within low and high", () => {
  const trades = arbitraryTrades({ priceMax: 1e9, sizeMax: 1e9 }).filter((list) => list.length > 0);
  fc.assert(
    fc.property(trades, (list) => {
      const sums = foldSums(foldMinutes(batchOf(list), 1).minutes);
      const { units } = vwap(sums.quoteVolume, sums.volume, SCALE_0)!;
      expect(units >= BigInt(sums.low!) * 100n).toBe(true);
      expect(units <= BigInt(sums.high!) * 100n).toBe(true);
    }),
  );
});

test("vwap(), equals the quotient in bigint far beyond 2^53", () => {
  const volume = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 34n }), volume, (quote, size) => {
      expect(vwap(quote, size, SCALE_0)?.units).toBe(divideHalfEven(quote * 100n, BigInt(size)));
    }),
  );
});
