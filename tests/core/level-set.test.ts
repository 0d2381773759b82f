import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  coveragePercentage,
  coverageRatio,
  precisionLabel,
  type WindowCoverage,
} from "../../src/core/mod.ts";

const of = (coveredMinutes: number, expectedMinutes: number): WindowCoverage => ({
  expectedMinutes,
  coveredMinutes,
  missing: [],
});

test.each([
  [0, 1_440, "IMPRECISE (backfill pending)"],
  [1, 1_440, "IMPRECISE (backfill 0.0%)"],
  [606, 1_440, "IMPRECISE (backfill 42.0%)"],
  [607, 1_440, "IMPRECISE (backfill 42.1%)"],
  [1_439, 1_440, "IMPRECISE (backfill 99.9%)"],
  [1_440, 1_440, "PRECISE"],
  [0, 0, "PRECISE"],
])("precisionLabel(), %i of %i minutes is %s", (covered, expected, label) => {
  expect(precisionLabel(of(covered, expected))).toBe(label);
});

test("coverageRatio() and coveragePercentage(), are 1 and 100 only when nothing is missing", () => {
  const counts = fc
    .tuple(fc.nat({ max: 1_000_000 }), fc.nat({ max: 1_000_000 }))
    .map(([a, b]) => of(Math.min(a, b), Math.max(a, b)));
  fc.assert(
    fc.property(counts, (coverage) => {
      const complete = coverage.coveredMinutes === coverage.expectedMinutes;
      expect(coverageRatio(coverage) === 1).toBe(complete);
      expect(coveragePercentage(coverage) === 100).toBe(complete);
      expect(precisionLabel(coverage) === "PRECISE").toBe(complete);
    }),
  );
});

test("coverageRatio(), never falls while minutes arrive", () => {
  const ratios = Array.from({ length: 1_441 }, (_, covered) => coverageRatio(of(covered, 1_440)));
  expect(ratios.every((ratio, i) => i === 0 || ratio >= ratios[i - 1]!)).toBe(true);
  expect([ratios[0], ratios[301], ratios[1_440]]).toEqual([0, 0.209, 1]);
});
