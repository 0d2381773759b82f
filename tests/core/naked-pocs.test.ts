import { expect, test } from "bun:test";
import fc from "fast-check";
import { Coverage, type PastPoc, pocTouches } from "../../src/core/mod.ts";

const past = (session: string, end: number, poc: number, whole = true): PastPoc => ({
  session,
  end,
  poc,
  whole,
});
const at = (minute: number, low: number, high: number) => ({ minute, low, high });
const whole = (until: number) => ({ known: Coverage.of([{ lo: 0, hi: until }]), until });
const touched = (pasts: readonly PastPoc[], rowUnits: number, minutes: readonly ReturnType<typeof at>[]) =>
  pocTouches(pasts, rowUnits, { minutes, ...whole(100) }).map(({ touchedAt }) => touchedAt);

test("pocTouches(), finds the first later minute whose range meets the POC's row", () => {
  const poc = [past("a", 10, 500)];
  expect(touched(poc, 10, [at(10, 510, 520), at(11, 480, 499)])).toEqual([null]);
  expect(touched(poc, 10, [at(10, 510, 520), at(11, 509, 515), at(12, 500, 500)])).toEqual([11]);
  expect(touched(poc, 10, [at(12, 490, 500)])).toEqual([12]);
  // A leap over it within a minute touches it.
  expect(touched(poc, 10, [at(15, 400, 600)])).toEqual([15]);
});

test("pocTouches(), counts only minutes after the session itself", () => {
  const pocs = [past("a", 10, 500), past("b", 20, 500)];
  const minutes = [at(9, 500, 500), at(12, 400, 600), at(19, 500, 500)];
  expect(touched(pocs, 1, minutes)).toEqual([12, null]);
});

test("pocTouches(), is exact only as far as nothing that is missing can change it", () => {
  const certainty = (poc: PastPoc, minutes: ReturnType<typeof at>[], known: Coverage) =>
    pocTouches([poc], 1, { minutes, known, until: 30 })[0]?.certainty;
  const all = Coverage.of([{ lo: 10, hi: 30 }]);
  const gap = all.subtract({ lo: 20, hi: 21 });
  const touch = [at(25, 500, 500)];
  expect(certainty(past("a", 10, 500), [], all)).toBe("exact");
  expect(certainty(past("a", 10, 500), [], gap)).toBe("estimate");
  expect(certainty(past("a", 21, 500), [], gap)).toBe("exact");
  expect(certainty(past("a", 10, 500), touch, gap)).toBe("exact");
  expect(certainty(past("a", 10, 500, false), touch, all)).toBe("estimate");
  // The session has just ended: nothing has come since.
  expect(certainty(past("a", 30, 500), [], Coverage.empty)).toBe("exact");
});

test("pocTouches(), equals looking at every session and every minute", () => {
  const pasts = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 60 })), { maxLength: 8 });
  const minutes = fc.array(fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 6 })), { maxLength: 30 });
  fc.assert(
    fc.property(pasts, minutes, fc.integer({ min: 1, max: 5 }), (ends, ranges, rowUnits) => {
      const pocs = ends.map(([end, poc], i) => past(`s${i}`, end, poc));
      const later = ranges.map(([low, span], minute) => at(minute, low, low + span));
      const naive = pocs.map(({ end, poc }) => {
        const meets = later.find((m) => m.minute >= end && m.low < poc + rowUnits && m.high >= poc);
        return meets?.minute ?? null;
      });
      expect(touched(pocs, rowUnits, later)).toEqual(naive);
    }),
  );
});
