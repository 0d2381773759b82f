import { expect, test } from "bun:test";
import fc from "fast-check";
import { waterLevel } from "../../../src/core/certify/water-level.ts";

test("waterLevel() is the least level up to which the rows hold the volume, or lower after few rounds", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 50 }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat({ max: 10 }),
      (upper, part, proven) => {
        const volume = Math.floor(part * upper.reduce((a, b) => a + b, 0));
        const holds = (level: number) =>
          upper.reduce((sum, most) => sum + Math.min(most, level), 0) >= volume;
        const level = waterLevel(Float64Array.from(upper), volume, proven, 100);
        expect(level).toBeGreaterThanOrEqual(proven);
        expect(holds(level)).toBe(true);
        if (level > proven) expect(holds(level - 1)).toBe(false);
        expect(waterLevel(Float64Array.from(upper), volume, proven, 1)).toBeLessThanOrEqual(level);
      },
    ),
  );
});
