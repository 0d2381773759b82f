import { expect, test } from "bun:test";
import fc from "fast-check";
import { Coverage, type PastPoc, pocTouches } from "../../src/core/mod.ts";
import { type MinuteSpans, touchingMinutes } from "../../src/store/mod.ts";

const DAY = 30;

test("touchingMinutes(), are all that pocTouches() needs of the minutes", () => {
  const minute = fc.record({ low: fc.integer({ min: 0, max: 60 }), more: fc.integer({ min: 0, max: 12 }) });
  fc.assert(
    fc.property(
      fc.array(fc.option(minute, { freq: 3 }), { minLength: 1, maxLength: 150 }),
      fc.array(fc.record({ end: fc.integer({ min: 0, max: 150 }), poc: fc.integer({ min: 0, max: 70 }) }), {
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 9 }),
      (made, ends, rowUnits) => {
        const all = made.flatMap((found, at) =>
          found === null ? [] : [{ minute: at, low: found.low, high: found.low + found.more }],
        );
        const days: MinuteSpans[] = [];
        for (let lo = 0; lo < made.length; lo += DAY) {
          const of = all.filter((each) => each.minute >= lo && each.minute < lo + DAY);
          if (of.length === 0) continue;
          days.push({
            minutes: Float64Array.from(of, (each) => each.minute),
            lows: Float64Array.from(of, ({ low }) => low),
            highs: Float64Array.from(of, ({ high }) => high),
          });
        }
        const pasts: PastPoc[] = ends.map((each, at) => ({ session: `s${at}`, whole: true, ...each }));
        const later = { known: Coverage.of([{ lo: 0, hi: made.length }]), until: made.length };
        const few = touchingMinutes(pasts, rowUnits, days);
        expect(few.length).toBeLessThanOrEqual(pasts.length);
        expect(pocTouches(pasts, rowUnits, { minutes: few, ...later })).toEqual(
          pocTouches(pasts, rowUnits, { minutes: all, ...later }),
        );
      },
    ),
  );
});
