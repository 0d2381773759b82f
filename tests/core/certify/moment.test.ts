import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { leastWithin, type Moment, mostDifference, mostWithin } from "../../../src/core/certify/moment.ts";

type Range = readonly [from: number, to: number];

/** ⌊max Σ f(step)·lots⌋ by trying every pair of steps: an optimum needs no more than two. */
function optimum({ lots, moment }: Moment, span: number, f: (step: number) => number): number {
  let best: bigint | undefined;
  const [v, q] = [BigInt(lots), BigInt(moment)];
  for (let i = 0; i <= span; i++) {
    for (let j = i; j <= span; j++) {
      const [a, z] = [BigInt(i), BigInt(j)];
      if (a * v > q || z * v < q) continue;
      const value =
        i === j ? BigInt(f(i)) * v : floorDiv(BigInt(f(i)) * (z * v - q) + BigInt(f(j)) * (q - a * v), z - a);
      if (best === undefined || value > best) best = value;
    }
  }
  return Number(best);
}

function floorDiv(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

const within =
  ([from, to]: Range, value: number) =>
  (step: number) =>
    step >= from && step <= to ? value : 0;

/** A ladder, a moment on it, and two disjoint ranges, one below the other; either may be empty or touch an end. */
const cases = fc
  .record({
    span: fc.integer({ min: 1, max: 9 }),
    lots: fc.integer({ min: 0, max: 40 }),
    fill: fc.integer({ min: 0, max: 1_000 }),
    cuts: fc.array(fc.nat(10), { minLength: 4, maxLength: 4 }),
  })
  .map(({ span, lots, fill, cuts }) => {
    const edges = cuts.map((cut) => Math.min(cut, span)).sort((a, b) => a - b);
    const low: Range = [edges[0]!, edges[1]!];
    const high: Range = [Math.max(edges[2]!, edges[1]! + 1), Math.min(edges[3]!, span)];
    return { span, of: { lots, moment: Math.round((lots * span * fill) / 1_000) }, low, high };
  });

describe("mostWithin(), leastWithin()", () => {
  test("are the optimum over every spread, rounded inwards to whole lots", () => {
    fc.assert(
      fc.property(cases, ({ span, of, low, high }) => {
        for (const range of [low, high]) {
          if (range[0] > range[1]) {
            expect([mostWithin(of, span, ...range), leastWithin(of, span, ...range)]).toEqual([0, 0]);
            continue;
          }
          expect(mostWithin(of, span, ...range)).toBe(optimum(of, span, within(range, 1)));
          expect(leastWithin(of, span, ...range)).toBe(-optimum(of, span, within(range, -1)) + 0);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("mostDifference()", () => {
  test("is the optimum over every spread, whichever of the ranges is above", () => {
    fc.assert(
      fc.property(cases, ({ span, of, low, high }) => {
        for (const [more, less] of [
          [low, high],
          [high, low],
        ] as const) {
          const both = (step: number) => within(more, 1)(step) + within(less, -1)(step);
          expect(mostDifference(of, span, ...more, ...less) + 0).toBe(optimum(of, span, both) + 0);
        }
      }),
      { numRuns: 4_000 },
    );
  });
});

describe("a moment beyond exact doubles", () => {
  const wideCases = fc
    .record({
      span: fc.integer({ min: 3, max: 12 }),
      lots: fc.bigInt({ min: 2n ** 50n, max: 2n ** 53n - 1n }),
      part: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    })
    .map(({ span, lots, part }) => {
      const moment = (lots * BigInt(span) * part) / 10n ** 18n;
      return { span, of: { lots: Number(lots), moment: Number(moment), wide: { lots, moment } } };
    });

  test("is never bounded tighter than the optimum, and hardly wider", () => {
    const slack = (lots: number) => lots * 2 ** -48 + 2;
    fc.assert(
      fc.property(wideCases, ({ span, of }) => {
        const exact = (f: (step: number) => bigint) => wideOptimum(of.wide, span, f);
        const low: Range = [0, 0];
        const high: Range = [span - 1, span];
        for (const [from, to] of [low, [1, 2] as const, high]) {
          const inside = (step: number) => (step >= from && step <= to ? 1n : 0n);
          const most = mostWithin(of, span, from, to);
          expect(BigInt(most)).toBeGreaterThanOrEqual(exact(inside));
          expect(most).toBeLessThanOrEqual(Number(exact(inside)) + slack(of.lots));
          const least = leastWithin(of, span, from, to);
          expect(BigInt(least)).toBeLessThanOrEqual(-exact((step) => -inside(step)));
        }
        for (const [more, less] of [
          [low, high],
          [high, low],
        ] as const) {
          const both = (step: number) => BigInt(within(more, 1)(step) + within(less, -1)(step));
          const most = mostDifference(of, span, ...more, ...less);
          expect(BigInt(most)).toBeGreaterThanOrEqual(exact(both));
          expect(most).toBeLessThanOrEqual(Number(exact(both)) + slack(of.lots));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

function wideOptimum(
  { lots, moment }: { readonly lots: bigint; readonly moment: bigint },
  span: number,
  f: (step: number) => bigint,
): bigint {
  let best: bigint | undefined;
  for (let a = 0n; a <= span; a++) {
    for (let z = a; z <= span; z++) {
      if (a * lots > moment || z * lots < moment) continue;
      const [left, right] = [f(Number(a)), f(Number(z))];
      const value =
        a === z ? left * lots : floorDiv(left * (z * lots - moment) + right * (moment - a * lots), z - a);
      if (best === undefined || value > best) best = value;
    }
  }
  return best!;
}
