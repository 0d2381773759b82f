import { expect, test } from "bun:test";
import fc from "fast-check";
import { backoffMs } from "../../src/core/mod.ts";

const last = () => 1 - Number.EPSILON / 2;

test("backoffMs(), doubles its upper bound with each attempt up to the maximum", () => {
  const options = { baseMs: 100, maxMs: 1_000 };
  expect([1, 2, 3, 4, 5, 60, 2_000].map((attempt) => backoffMs(attempt, last, 0, options))).toEqual([
    99, 199, 399, 799, 999, 999, 999,
  ]);
});

test("backoffMs(), starts at 500 ms and ends at 60 s unless told otherwise", () => {
  expect([backoffMs(1, last), backoffMs(100, last), backoffMs(1, () => 0)]).toEqual([499, 59_999, 0]);
});

test("backoffMs(), lies within its bounds and never under what the other side asked for", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat({ max: 50 }), chance, fc.nat({ max: 300_000 }), (attempt, random, retryAfterMs) => {
      const wait = backoffMs(attempt, () => random, retryAfterMs);
      expect(Number.isInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(retryAfterMs);
      expect(wait).toBeLessThanOrEqual(Math.max(retryAfterMs, 60_000));
    }),
  );
});
