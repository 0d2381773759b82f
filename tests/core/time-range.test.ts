import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  dayOfMinute,
  dayRange,
  formatDay,
  formatMinute,
  formatTime,
  intersectRanges,
  minuteOfMs,
  minuteOfUs,
  msOfMinute,
  parseDay,
  rangeLength,
} from "../../src/core/mod.ts";

const DAY = 18_180;

test("minuteOfUs() and minuteOfMs(), hold a minute's first and last instant", () => {
  expect([59_999_999, 60_000_000, 119_999_999].map(minuteOfUs)).toEqual([0, 1, 1]);
  expect([59_999, 60_000, -1].map(minuteOfMs)).toEqual([0, 1, -1]);
  expect(minuteOfMs(msOfMinute(26_000_000))).toBe(26_000_000);
});

test("dayRange(), is the 1,440 minutes of a UTC day", () => {
  const { lo, hi } = dayRange(DAY);
  expect([hi - lo, dayOfMinute(lo), dayOfMinute(hi - 1), dayOfMinute(hi)]).toEqual([
    1_440,
    DAY,
    DAY,
    DAY + 1,
  ]);
  expect(formatMinute(lo)).toBe("2019-10-11T00:00:00.000Z");
});

test("parseDay(), inverts formatDay()", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000 }), (day) => {
      expect(parseDay(formatDay(day))).toBe(day);
    }),
  );
});

test.each(["2019-02-29", "2019-13-01", "2019-00-10", "2019-1-1", "20191011", "2019-10-11T00:00:00Z", ""])(
  "parseDay(), refuses %j",
  (text) => {
    expect(parseDay(text)).toBeUndefined();
  },
);

test("parseDay(), knows leap days", () => {
  expect(formatDay(parseDay("2020-02-29")!)).toBe("2020-02-29");
});

test("formatTime(), is RFC 3339 with milliseconds", () => {
  expect(formatTime(1_570_752_011_620)).toBe("2019-10-11T00:00:11.620Z");
});

test("intersectRanges() and rangeLength(), treat touching and turned ranges as empty", () => {
  expect(intersectRanges({ lo: 0, hi: 5 }, { lo: 3, hi: 9 })).toEqual({ lo: 3, hi: 5 });
  expect(intersectRanges({ lo: 0, hi: 5 }, { lo: 5, hi: 9 })).toBeUndefined();
  expect([rangeLength({ lo: 2, hi: 5 }), rangeLength({ lo: 5, hi: 2 })]).toEqual([3, 0]);
});
