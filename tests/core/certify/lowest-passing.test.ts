import { expect, test } from "bun:test";
import fc from "fast-check";
import { lowestPassing } from "../../../src/core/certify/lowest-passing.ts";

test("lowestPassing() finds the lowest wherever it is expected, and asks within a range that only shrinks", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2_000 }),
      fc.nat({ max: 2_000 }),
      fc.option(fc.integer({ min: -50, max: 2_050 }), { nil: undefined }),
      (last, lowest, near) => {
        let range = { from: 0, to: last };
        const found = lowestPassing(last, near, (index, from, to) => {
          expect(from >= range.from && to <= range.to && from <= index && index < to).toBe(true);
          range = { from, to };
          return index >= lowest;
        });
        expect(found).toBe(Math.min(lowest, last));
      },
    ),
    { numRuns: 500 },
  );
});

test("lowestPassing() looks twice where it is as expected", () => {
  let looks = 0;
  expect(lowestPassing(100_000, 70_000, (index) => Boolean(++looks) && index >= 70_000)).toBe(70_000);
  expect(looks).toBe(2);
});
