import { expect, test } from "bun:test";
import fc from "fast-check";
import { InvariantError } from "../../src/core/mod.ts";
import { divideRootSumHalfEven, squareRoot } from "../../src/core/square-root.ts";

const big = fc.oneof(
  fc.bigInt({ min: 0n, max: 1_000n }),
  fc.bigInt({ min: 0n, max: 2n ** 60n }),
  fc.bigInt({ min: 0n, max: 2n ** 300n }),
  fc.bigInt({ min: 2n ** 1_020n, max: 2n ** 1_100n }),
);

test("squareRoot(), is the largest integer whose square is not larger, for any size", () => {
  fc.assert(
    fc.property(big, (n) => {
      const root = squareRoot(n);
      expect(root * root <= n && n < (root + 1n) * (root + 1n)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(big, (root) => {
      expect(squareRoot(root * root)).toBe(root);
      if (root > 0n) expect(squareRoot(root * root - 1n)).toBe(root - 1n);
    }),
  );
});

test("squareRoot(), refuses what has none", () => {
  expect(() => squareRoot(-1n)).toThrow(InvariantError);
});

test("divideRootSumHalfEven(), is within half a unit of the value, and takes the even one half way", () => {
  const cases = fc.tuple(
    fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
    fc.bigInt({ min: 0n, max: 10n ** 38n }),
    fc.bigInt({ min: 1n, max: 10n ** 6n }),
  );
  fc.assert(
    fc.property(cases, ([addend, square, divisor]) => {
      const found = divideRootSumHalfEven(addend, square, divisor);
      // 2·√square against 2·(found ± ½)·divisor − 2·addend, without a root.
      const above = (limit: bigint) => limit < 0n || 4n * square > limit * limit;
      const below = (limit: bigint) => limit >= 0n && 4n * square < limit * limit;
      const [low, high] = [2n * found - 1n, 2n * found + 1n].map((twice) => twice * divisor - 2n * addend);
      expect(below(low!) || above(high!)).toBe(false);
      const half = [low!, high!].some((limit) => limit >= 0n && 4n * square === limit * limit);
      if (half) expect(found % 2n === 0n).toBe(true);
    }),
    { numRuns: 500 },
  );
  // (a + √b) / 2 with √b whole: half way between two integers.
  expect([1n, 3n, 5n, 7n].map((a) => divideRootSumHalfEven(a, 4n, 2n))).toEqual([2n, 2n, 4n, 4n]);
  expect([-3n, -5n, -7n].map((a) => divideRootSumHalfEven(a, 4n, 2n))).toEqual([0n, -2n, -2n]);
});
