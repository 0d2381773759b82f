import { expect, test } from "bun:test";
import fc from "fast-check";
import { lowestPassing } from "../../../src/core/certify/lowest-passing.ts";

test("lowestPassing() finds the lowest, and asks within a range that only shrinks", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2_000 }), fc.nat({ max: 2_000 }), (last, lowest) => {
      let range = { from: 0, to: last };
      const found = lowestPassing(last, (index, from, to) => {
        expect(from >= range.from && to <= range.to && from <= index && index < to).toBe(true);
        range = { from, to };
        return index >= lowest;
      });
      expect(found).toBe(Math.min(lowest, last));
    }),
    { numRuns: 500 },
  );
});
