import { expect, test } from "bun:test";
import fc from "fast-check";
import { lowestPassing, lowestPassingNear } from "../../../src/core/certify/lowest-passing.ts";

test.each([lowestPassing, lowestPassingNear])(
  "%p finds the lowest, asks each index once and never the last",
  (find) => {
    fc.assert(
      fc.property(fc.nat({ max: 2_000 }), fc.nat({ max: 2_000 }), (last, lowest) => {
        const asked: number[] = [];
        const found = find(last, (index) => {
          expect(index >= 0 && index < last).toBe(true);
          asked.push(index);
          return index >= lowest;
        });
        expect(found).toBe(Math.min(lowest, last));
        expect(new Set(asked).size).toBe(asked.length);
      }),
      { numRuns: 500 },
    );
  },
);

test("lowestPassingNear() asks of no index further than twice as far as the lowest", () => {
  for (const lowest of [0, 1, 5, 100])
    lowestPassingNear(10_000, (index) => {
      expect(index).toBeLessThanOrEqual(2 * lowest);
      return index >= lowest;
    });
});
