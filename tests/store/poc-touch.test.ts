import { expect, test } from "bun:test";
import fc from "fast-check";
import type { PastPoc } from "../../src/core/mod.ts";
import { rangedSpans, rowTouches } from "../../src/store/mod.ts";

interface Span {
  readonly minute: number;
  readonly low: number;
  readonly high: number;
}
const at = (minute: number, low: number, high: number): Span => ({ minute, low, high });
const spans = (of: readonly Span[]) =>
  rangedSpans({
    minutes: Float64Array.from(of, ({ minute }) => minute),
    lows: Float64Array.from(of, ({ low }) => low),
    highs: Float64Array.from(of, ({ high }) => high),
  });
const past = (end: number, poc: number, bounds?: readonly [number, number]): PastPoc => ({
  ...{ session: "a", end, poc },
  ...(bounds === undefined ? { certainty: "exact" } : { certainty: "bounded", bounds }),
});

test("rowTouches(), a later minute whose range meets the row touches it, a leap between minutes does not", () => {
  const touched = (...minutes: readonly Span[]) => rowTouches(past(10, 500), 10, [spans(minutes)]).poc;
  expect(touched(at(10, 510, 520), at(11, 480, 499))).toBe(false);
  expect(touched(at(10, 509, 515))).toBe(true);
  expect(touched(at(12, 490, 500))).toBe(true);
  // A leap over it within a minute touches it.
  expect(touched(at(15, 400, 600))).toBe(true);
  expect(touched(at(9, 500, 500))).toBe(false);
  expect(touched()).toBe(false);
});

test("rowTouches(), of any rows and minutes, in days of any order, are those of a plain search", () => {
  const minute = fc.record({ low: fc.nat({ max: 60 }), more: fc.nat({ max: 12 }) });
  const rows = fc.record({ from: fc.nat({ max: 20 }), more: fc.nat({ max: 12 }), own: fc.nat() });
  fc.assert(
    fc.property(
      fc.array(fc.option(minute, { freq: 3 }), { minLength: 1, maxLength: 90 }),
      fc.integer({ min: 1, max: 5 }),
      rows,
      fc.nat({ max: 90 }),
      fc.integer({ min: 1, max: 40 }),
      (made, rowUnits, { from, more, own }, end, dayLength) => {
        const all = made.flatMap((found, index) =>
          found === null ? [] : [at(index, found.low, found.low + found.more)],
        );
        const days = [];
        for (let lo = 0; lo < made.length; lo += dayLength)
          days.unshift(spans(all.filter((each) => each.minute >= lo && each.minute < lo + dayLength)));
        const edges = Array.from({ length: more + 1 }, (_, row) => (from + row) * rowUnits);
        const guess = edges[own % edges.length]!;
        const meets = (edge: number) =>
          all.some((each) => each.minute >= end && each.low < edge + rowUnits && each.high >= edge);
        const touched = edges.filter(meets).length;
        expect(rowTouches(past(end, guess, [edges[0]!, edges.at(-1)!]), rowUnits, days)).toEqual({
          poc: meets(guess),
          rows: touched === 0 ? "none" : touched === edges.length ? "all" : "some",
        });
        expect(rowTouches(past(end, guess), rowUnits, days).poc).toBe(meets(guess));
      },
    ),
  );
});
