import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  CANDLES_PER_CHUNK,
  candleChunksUpTo,
  planCandles,
} from "../../../src/backfill/candles/candle-plan.ts";
import { Coverage, candlesUpTo, MINUTES_PER_DAY, rangeLength, TIMEFRAMES } from "../../../src/core/mod.ts";

const BASE = 28_000_800;
const range = fc
  .tuple(fc.nat(200_000), fc.nat(400_000))
  .map(([lo, length]) => ({ lo: BASE + lo, hi: BASE + lo + length }));

test("planCandles(), covers exactly what is missing in chunks of at most a page, in download order", () => {
  fc.assert(
    fc.property(
      range,
      fc.array(range, { maxLength: 3 }),
      fc.subarray([...TIMEFRAMES], { minLength: 1 }),
      fc.constantFrom("recent" as const, "oldest" as const),
      (wanted, known, timeframes, order) => {
        const covered = Coverage.of(known);
        const plans = timeframes.map((timeframe) => ({ seriesId: 1, timeframe, range: wanted, covered }));
        const chunks = planCandles(plans, order);
        for (const timeframe of timeframes) {
          const own = chunks.filter((chunk) => chunk.timeframe === timeframe);
          const planned = Coverage.of(own.map((chunk) => chunk.range));
          expect(planned.ranges).toEqual(covered.missing(wanted));
          expect(planned.size).toBe(own.reduce((sum, chunk) => sum + rangeLength(chunk.range), 0));
          if (known.length === 0) expect(own.length).toBeLessThanOrEqual(candleChunksUpTo(wanted, timeframe));
          for (const chunk of own)
            expect(candlesUpTo(chunk.range, timeframe)).toBeLessThanOrEqual(CANDLES_PER_CHUNK);
          const byRank = [...own].sort((a, b) => a.rank - b.rank || a.range.lo - b.range.lo);
          expect(byRank.every(({ rank }) => rank >= 0)).toBe(true);
          const sign = order === "oldest" ? 1 : -1;
          for (const [at, next] of byRank.entries())
            if (at > 0 && byRank[at - 1]!.rank < next.rank)
              expect(Math.sign(next.range.lo - byRank[at - 1]!.range.lo)).toBe(sign);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("planCandles(), the newest chunk of every timeframe comes first", () => {
  const wanted = { lo: BASE, hi: BASE + 90 * MINUTES_PER_DAY };
  const plans = (["1m", "1h", "1d"] as const).map((timeframe) => ({
    seriesId: 1,
    timeframe,
    range: wanted,
    covered: Coverage.empty,
  }));
  const first = planCandles(plans, "recent").filter(({ rank }) => rank === 0);
  expect(first.map(({ timeframe, range: { hi } }) => [timeframe, hi])).toEqual([
    ["1m", wanted.hi],
    ["1h", wanted.hi],
    ["1d", wanted.hi],
  ]);
});
