import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatMinute, PROFILE_PERIODS, periodAt, periodsWithin } from "../../src/core/mod.ts";

const minuteOf = (text: string) => Date.parse(`${text}:00Z`) / 60_000;

test("periodAt(), aligns hours and days to 00:00 UTC and weeks to Monday", () => {
  const minute = minuteOf("2024-03-10T23:59");
  const starts = PROFILE_PERIODS.map((period) => formatMinute(periodAt(period, minute).lo).slice(0, 16));
  expect(starts).toEqual(["2024-03-10T23:00", "2024-03-10T20:00", "2024-03-10T00:00", "2024-03-04T00:00"]);
  expect(periodAt("1w", minute + 1)).toEqual({ lo: minute + 1, hi: minute + 1 + 7 * 1_440 });
});

test("periodsWithin(), gives the periods that tile a range, without an overlap or a hole", () => {
  const cases = fc.tuple(
    fc.constantFrom(...PROFILE_PERIODS),
    fc.nat({ max: 30_000_000 }),
    fc.nat({ max: 30_000 }),
  );
  fc.assert(
    fc.property(cases, ([period, lo, length]) => {
      const range = { lo, hi: lo + length };
      const periods = [...periodsWithin(period, range)];
      if (length === 0) return expect(periods).toEqual([]);
      expect(periods[0]).toEqual(periodAt(period, range.lo));
      expect(periods.at(-1)).toEqual(periodAt(period, range.hi - 1));
      for (const [i, { lo: start }] of periods.entries()) if (i > 0) expect(start).toBe(periods[i - 1]!.hi);
    }),
  );
});
