import { expect, test } from "bun:test";
import fc from "fast-check";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";

const SPAN = 40;
/** Short ones among long ones, so that sets of many ranges come up; turned ones too. */
const range: fc.Arbitrary<MinuteRange> = fc
  .tuple(
    fc.nat({ max: SPAN }),
    fc.oneof(fc.integer({ min: -2, max: 4 }), fc.integer({ min: -SPAN, max: SPAN })),
  )
  .map(([lo, length]) => ({ lo, hi: Math.min(SPAN, lo + length) }));

const minutesOf = ({ lo, hi }: MinuteRange) => Array.from({ length: Math.max(0, hi - lo) }, (_, i) => lo + i);
const minutesIn = (coverage: Coverage) => coverage.ranges.flatMap(minutesOf);

function expectNormal(coverage: Coverage): void {
  coverage.ranges.forEach((own, i) => {
    expect(own.lo).toBeLessThan(own.hi);
    const before = coverage.ranges[i - 1];
    if (before !== undefined) expect(before.hi).toBeLessThan(own.lo);
  });
}

test("Coverage.of(), merges ranges that overlap or touch, in any order", () => {
  const { ranges } = Coverage.of([
    { lo: 10, hi: 12 },
    { lo: 0, hi: 5 },
    { lo: 5, hi: 7 },
    { lo: 11, hi: 20 },
    { lo: 30, hi: 30 },
  ]);
  expect(ranges).toEqual([
    { lo: 0, hi: 7 },
    { lo: 10, hi: 20 },
  ]);
});

test("Coverage, agrees with a plain set after any additions and removals", () => {
  const step = fc.record({ add: fc.boolean(), range });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), range, (steps, window) => {
      let coverage = Coverage.empty;
      const model = new Set<number>();
      for (const { add, range } of steps) {
        coverage = add ? coverage.add(range) : coverage.subtract(range);
        for (const minute of minutesOf(range)) {
          if (add) model.add(minute);
          else model.delete(minute);
        }
        expectNormal(coverage);
      }
      const all = [...model].sort((a, b) => a - b);
      const inside = minutesOf(window);
      expect(minutesIn(coverage)).toEqual(all);
      expect(coverage.size).toBe(model.size);
      for (const minute of minutesOf({ lo: -1, hi: SPAN + 1 }))
        expect(coverage.has(minute)).toBe(model.has(minute));
      expect(coverage.covers(window)).toBe(inside.every((minute) => model.has(minute)));
      expect(minutesIn(coverage.within(window))).toEqual(inside.filter((minute) => model.has(minute)));
      const missing = coverage.missing(window);
      expect(missing.flatMap(minutesOf)).toEqual(inside.filter((minute) => !model.has(minute)));
      expectNormal(Coverage.of(missing));
      expect(missing).toEqual([...Coverage.of(missing).ranges]);
      expect(coverage.watermark(window)).toBe(
        inside.find((minute) => !model.has(minute)) ?? Math.max(window.lo, window.hi),
      );
    }),
    { numRuns: 300 },
  );
});

test("Coverage.of(), does not depend on the order of its ranges", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      expect(Coverage.of([...ranges].reverse()).ranges).toEqual(Coverage.of(ranges).ranges);
    }),
  );
});

test("Coverage, answers the same object where nothing changed", () => {
  const coverage = Coverage.of([{ lo: 5, hi: 10 }]);
  expect(coverage.add({ lo: 6, hi: 8 })).toBe(coverage);
  expect(coverage.add({ lo: 8, hi: 6 })).toBe(coverage);
  expect(coverage.subtract({ lo: 10, hi: 20 })).toBe(coverage);
  expect(coverage.subtract({ lo: 5, hi: 10 })).toBe(Coverage.empty);
});

test("Coverage, leaves the set it was made from as it was", () => {
  const coverage = Coverage.of([{ lo: 5, hi: 10 }]);
  coverage.add({ lo: 10, hi: 12 });
  coverage.subtract({ lo: 6, hi: 7 });
  expect(coverage.ranges).toEqual([{ lo: 5, hi: 10 }]);
});
