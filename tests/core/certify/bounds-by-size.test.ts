import { expect, test } from "bun:test";
import fc from "fast-check";
import { boundsBySize, firstAbove, someCanReach } from "../../../src/core/certify/bounds-by-size.ts";

const rows = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });

test("firstAbove() counts the values up to a limit", () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 0, max: 9 }), (values, limit) => {
      const sorted = Float64Array.from(values).sort();
      expect(firstAbove(sorted, limit)).toBe(values.filter((value) => value <= limit).length);
    }),
  );
});

test("someCanReach() allows what some choice of rows to lift allows", () => {
  fc.assert(
    fc.property(
      rows,
      fc.nat({ max: 30 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 60 }),
      (lower, spare, level, threshold) => {
        const least = lower.reduce((a, b) => a + b, 0);
        const box = {
          lower: Float64Array.from(lower),
          upper: Float64Array.from(lower, (low) => low + spare),
          total: least + spare,
          threshold,
          mirrored: false,
        };
        let most = 0;
        for (let choice = 0; choice < 2 ** lower.length; choice++) {
          const lifted = lower.map((low, i) => (choice & (1 << i) ? Math.max(low, level) : 0));
          const down = lower.filter((_, i) => !(choice & (1 << i))).reduce((a, b) => a + b, 0);
          if (lifted.reduce((a, b) => a + b, 0) + down <= box.total) most = Math.max(most, box.total - down);
        }
        expect(someCanReach(box, boundsBySize(box), level)).toBe(most >= threshold);
      },
    ),
    { numRuns: 300 },
  );
});
