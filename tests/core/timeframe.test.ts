import { expect, test } from "bun:test";
import fc from "fast-check";
import { candlesUpTo, closedPart, isTimeframe, TIMEFRAMES, timeframeMinutes } from "../../src/core/mod.ts";

const timeframe = fc.constantFrom(...TIMEFRAMES);

test("timeframeMinutes(), grows from a minute to a week", () => {
  const minutes = TIMEFRAMES.map(timeframeMinutes);
  expect(minutes).toEqual([...minutes].sort((a, b) => a - b));
  expect([minutes[0], minutes.at(-1)]).toEqual([1, 10_080]);
  expect(TIMEFRAMES.every(isTimeframe)).toBe(true);
  for (const text of ["", "1M", "7m", "1s", "toString"]) expect(isTimeframe(text)).toBe(false);
});

test("candlesUpTo(), no grid of the timeframe opens more candles in the range", () => {
  fc.assert(
    fc.property(timeframe, fc.nat(30_000), fc.nat(30_000), fc.nat(10_079), (of, lo, length, shift) => {
      const step = timeframeMinutes(of);
      const offset = shift % step;
      let opened = 0;
      for (let at = Math.ceil((lo - offset) / step) * step + offset; at < lo + length; at += step) opened++;
      expect(opened).toBeLessThanOrEqual(candlesUpTo({ lo, hi: lo + length }, of));
      expect(opened).toBeGreaterThanOrEqual(candlesUpTo({ lo, hi: lo + length }, of) - 1);
    }),
  );
});

test("closedPart(), a minute is in it exactly when a candle that opens there has ended", () => {
  fc.assert(
    fc.property(timeframe, fc.nat(1_000), fc.nat(300), fc.nat(12_000), (of, lo, length, now) => {
      const range = { lo, hi: lo + length };
      const part = closedPart(range, of, now);
      for (let minute = lo; minute < range.hi; minute++)
        expect(part !== undefined && minute >= part.lo && minute < part.hi).toBe(
          minute + timeframeMinutes(of) <= now,
        );
    }),
    { numRuns: 40 },
  );
});
