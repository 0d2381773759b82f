import { expect, test } from "bun:test";
import fc from "fast-check";
import { leastPassing, type RowsBefore } from "../../../src/core/certify/least-passing.ts";

const volume = fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 1e4 }), fc.nat({ max: 2 ** 40 }));
const rows = fc
  .array(fc.tuple(volume, volume), { minLength: 1, maxLength: 60, size: "max" })
  .map((pairs) => pairs.map(([a, b]) => ({ low: Math.min(a, b), up: Math.max(a, b, 1) })));

function sumsAt(of: readonly { readonly low: number; readonly up: number }[], tried: number): RowsBefore {
  let [before, spare, room] = [0, 0, 0];
  for (const { low, up } of of)
    if (low > tried) {
      before += low;
      spare += up - low;
    } else room += Math.min(up, tried);
  return { before, spare, room };
}

/** Sums that grow with the volume; the two that fall with it are turned round. */
const SUMS = [
  ({ room }: RowsBefore) => room,
  ({ before }: RowsBefore) => -before,
  ({ spare }: RowsBefore) => -spare,
];

test("leastPassing() finds the least volume that passes, and asks exactly where sums do not tell", () => {
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom(...SUMS),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, 1, 1e3, 1e12),
      (of, sumOf, part, doubt) => {
        const at = (tried: number) => sumOf(sumsAt(of, tried));
        const largest = Math.max(...of.map(({ up }) => up));
        const need = at(Math.round(part * largest));
        fc.pre(at(0) < need);
        let [fails, passes] = [0, largest];
        while (passes - fails > 1) {
          const middle = Math.floor((fails + passes) / 2);
          if (at(middle) >= need) passes = middle;
          else fails = middle;
        }
        const box = {
          lower: Float64Array.from(of, ({ low }) => low),
          upper: Float64Array.from(of, ({ up }) => up),
          ...{ total: 0, threshold: 0, mirrored: false },
        };
        const found = leastPassing(box, {
          bySums: (sums) =>
            sumOf(sums) < need - doubt ? false : sumOf(sums) >= need + doubt ? true : undefined,
          exactly: (volume) => at(volume) >= need,
        });
        expect(found).toBe(passes);
      },
    ),
    { numRuns: 500 },
  );
});
