import { expect, test } from "bun:test";
import fc from "fast-check";
import { Profile } from "../../src/core/mod.ts";

const rows = fc.dictionary(fc.nat({ max: 3_000 }).map(String), fc.integer({ min: 1, max: 1_000 }));

test("Profile.volumeRows(), the bins and volumes of rows(), call after call", () => {
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 4 }), fc.constantFrom(1, 2, 7, 600), (additions, coarser) => {
      const profile = new Profile();
      for (const each of [{}, ...additions]) {
        const bins = Float64Array.from(Object.keys(each), Number);
        const volumes = Float64Array.from(Object.values(each));
        profile.add({ bins, volumes, buyVolumes: volumes });
        for (const factor of [coarser, 1]) {
          const found = profile.volumeRows(factor);
          const expected = profile.rows(factor);
          expect([[...found.bins], [...found.volumes]]).toEqual([[...expected.bins], [...expected.volumes]]);
        }
      }
    }),
  );
});
