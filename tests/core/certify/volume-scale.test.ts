import { expect, test } from "bun:test";
import fc from "fast-check";
import { BUCKETS_MAX, evenScale, roughScale } from "../../../src/core/certify/volume-scale.ts";

const volume = fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 1e6 }), fc.maxSafeNat());

test("a scale puts a volume into the bucket of the first of its volumes that is not below it", () => {
  fc.assert(
    fc.property(volume, volume, fc.boolean(), fc.array(volume), (a, b, rough, any) => {
      const [from, to] = rough ? [0, Math.max(1, a)] : [Math.min(a, b), Math.max(a, b) + 1];
      if (to > Number.MAX_SAFE_INTEGER) return;
      const { last, volumeAt, bucketsOf } = rough ? roughScale(to) : evenScale(from, to);
      expect([last < BUCKETS_MAX, volumeAt(0), volumeAt(last)]).toEqual([true, from, to]);
      const volumes = [...any, from, from + 1, to, to - 1].filter((each) => each >= 0 && each <= to);
      const buckets = bucketsOf(Float64Array.from(volumes));
      for (const [k, each] of volumes.entries()) {
        const bucket = buckets[k]!;
        expect(volumeAt(bucket)).toBeGreaterThanOrEqual(each);
        if (bucket > 0) expect(volumeAt(bucket - 1)).toBeLessThan(each);
      }
    }),
    { numRuns: 1_000 },
  );
});
