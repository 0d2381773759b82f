import { expect, test } from "bun:test";
import fc from "fast-check";
import { rankedCut } from "../../src/core/ranked-cut.ts";
import { seededRandom } from "../support/trades.ts";

/** The same by a sort, as plain as can be. */
function bySorting(volumes: Float64Array, threshold: number) {
  const descending = [...volumes].sort((a, b) => b - a);
  let included = 0;
  let count = 0;
  while (included < threshold) included += descending[count++]!;
  return { cut: descending[count - 1]!, count };
}

test("rankedCut(), takes what a sort takes, for few rows and for many, also where many are equal", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6_000 }),
      fc.integer(),
      fc.constantFrom(1, 3, 1_000, 1e9),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rows, seed, largest, share) => {
        const random = seededRandom(seed);
        const volumes = Float64Array.from({ length: rows }, () => 1 + Math.floor(random() ** 4 * largest));
        const total = volumes.reduce((sum, volume) => sum + volume, 0);
        const threshold = Math.max(1, Math.ceil(total * share));
        expect(rankedCut(volumes, threshold)).toEqual(bySorting(volumes, threshold));
      },
    ),
    { numRuns: 60 },
  );
});

test("rankedCut(), leaves the volumes as they are and reads a part of a larger array", () => {
  const all = Float64Array.from({ length: 5_000 }, (_, i) => 1 + ((i * 7_919) % 4_001));
  const before = all.slice();
  const part = all.subarray(1_000, 4_500);
  expect(rankedCut(part, 2_000_000)).toEqual(bySorting(part, 2_000_000));
  expect(all).toEqual(before);
});
