import { expect, test } from "bun:test";
import fc from "fast-check";
import { fewestReaching } from "../../../src/core/certify/largest-gains.ts";

const gains = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 400 }),
  fc.array(fc.integer({ min: 1, max: 1e9 }), { maxLength: 400 }),
  fc.array(fc.constantFrom(1, 2, 1e12, 1e12 + 1), { maxLength: 200 }),
);

test("fewestReaching() takes as few of the largest as a sort would", () => {
  fc.assert(
    fc.property(gains, fc.double({ min: 0, max: 1.1, noNaN: true }), (values, part) => {
      const all = values.reduce((a, b) => a + b, 0);
      const need = Math.round(all * part);
      let taken = 0;
      let sum = 0;
      let least: number | undefined;
      for (const value of values.toSorted((a, b) => b - a)) {
        if (sum >= need) break;
        sum += value;
        least = value;
        taken++;
      }
      expect(fewestReaching(Float64Array.from(values), values.length, need)).toEqual(
        sum >= need ? { taken, sum, least } : undefined,
      );
    }),
    { numRuns: 300 },
  );
});

test("fewestReaching() looks at no more than the count it is given", () => {
  expect(fewestReaching(Float64Array.of(3, 2, 9), 2, 5)).toEqual({ taken: 2, sum: 5, least: 2 });
  expect(fewestReaching(Float64Array.of(3, 2, 9), 2, 6)).toBeUndefined();
});
