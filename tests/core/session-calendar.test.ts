import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  formatMinute,
  type MinuteRange,
  parseDay,
  parseOpeningRange,
  parseSessionHours,
  rangeLength,
  type Session,
  SessionCalendar,
  utcSession,
} from "../../src/core/mod.ts";

const calendarOf = (session: string, openingRange?: string) =>
  new SessionCalendar({
    hours: parseSessionHours(session),
    ...(openingRange === undefined ? {} : { openingRange: parseOpeningRange(openingRange) }),
  });
const US_EQUITIES = "09:30-16:00 America/New_York mon-fri";
const GLOBEX = "18:00-17:00 America/Chicago sun-thu";
const NEW_YORK_DAY = "00:00-24:00 America/New_York";

/** `2024-03-08T14:30` of both ends. */
const times = ({ lo, hi }: MinuteRange) => [lo, hi].map((minute) => formatMinute(minute).slice(0, 16));
const minuteOf = (text: string) => Date.parse(`${text}:00Z`) / 60_000;

test("SessionCalendar, is the UTC day by default, as utcSession() has it", () => {
  const calendar = new SessionCalendar();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40_000 }), fc.nat({ max: 1_439 }), (day, minute) => {
      const session = calendar.at(day * 1_440 + minute)!;
      expect(session).toEqual(utcSession(day));
      expect(calendar.named(session.name)).toBe(session);
      expect(calendar.latest(day * 1_440 + minute)).toBe(session);
      expect(calendar.before(session)).toEqual(utcSession(day - 1));
      expect(calendar.after(session)).toEqual(utcSession(day + 1));
    }),
  );
  expect(calendar.named("2024-02-30")).toBeUndefined();
  expect(calendar.named("1969-12-31")).toBeUndefined();
});

test("SessionCalendar, follows New York's clock through a US equity week with a clock change", () => {
  const calendar = calendarOf(US_EQUITIES);
  const friday = calendar.named("2024-03-08")!;
  const monday = calendar.named("2024-03-11")!;
  expect(times(friday.range)).toEqual(["2024-03-08T14:30", "2024-03-08T21:00"]);
  expect(times(monday.range)).toEqual(["2024-03-11T13:30", "2024-03-11T20:00"]);
  expect(monday.previous).toEqual(friday.range);
  expect(times(monday.openingRange)).toEqual(["2024-03-11T13:30", "2024-03-11T13:40"]);
  expect(times(monday.initialBalance)).toEqual(["2024-03-11T13:30", "2024-03-11T14:30"]);
  expect(calendar.after(friday)).toBe(monday);
  expect(calendar.before(monday)).toBe(friday);
  expect(["2024-03-09", "2024-03-10"].map((name) => calendar.named(name))).toEqual([undefined, undefined]);
});

test("SessionCalendar, has no session between two, and tells the last and the next", () => {
  const calendar = calendarOf(US_EQUITIES);
  const saturday = minuteOf("2024-03-09T12:00");
  expect(calendar.at(saturday)).toBeUndefined();
  expect(calendar.latest(saturday).name).toBe("2024-03-08");
  expect(calendar.next(saturday).name).toBe("2024-03-11");
  const opens = minuteOf("2024-03-11T13:30");
  expect(calendar.at(opens - 1)).toBeUndefined();
  expect([calendar.at(opens)?.name, calendar.at(opens + 389)?.name]).toEqual(["2024-03-11", "2024-03-11"]);
  expect(calendar.at(opens + 390)).toBeUndefined();
  expect(calendar.next(opens).name).toBe("2024-03-12");
});

test("SessionCalendar, names a session across midnight by the day it ends, as CME's trade date", () => {
  const calendar = calendarOf(GLOBEX);
  // Sunday evening, an hour after the clocks of Chicago went back.
  const monday = calendar.named("2024-11-04")!;
  expect(times(monday.range)).toEqual(["2024-11-04T00:00", "2024-11-04T23:00"]);
  const friday = calendar.named("2024-11-01")!;
  expect(times(friday.range)).toEqual(["2024-10-31T23:00", "2024-11-01T22:00"]);
  expect(monday.previous).toEqual(friday.range);
  expect(calendar.at(minuteOf("2024-11-04T01:00"))).toBe(monday);
  // Between two evenings there is an hour without a session, and none begins on a Friday or a Saturday.
  expect(calendar.at(minuteOf("2024-11-04T23:30"))).toBeUndefined();
  const week = [...calendar.within({ lo: friday.range.hi, hi: minuteOf("2024-11-09T00:00") })];
  expect(week.map(({ name }) => name)).toEqual([
    "2024-11-04",
    "2024-11-05",
    "2024-11-06",
    "2024-11-07",
    "2024-11-08",
  ]);
});

test("SessionCalendar, has days of 23 and of 25 hours where a zone changes its clocks", () => {
  const calendar = calendarOf(NEW_YORK_DAY);
  const hours = (name: string) => rangeLength(calendar.named(name)!.range) / 60;
  expect(["2024-03-09", "2024-03-10", "2024-03-11"].map(hours)).toEqual([24, 23, 24]);
  expect(["2024-11-02", "2024-11-03", "2024-11-04"].map(hours)).toEqual([24, 25, 24]);
});

test("SessionCalendar, begins after the gap at a time that is left out, and at the first of two", () => {
  const spring = calendarOf("02:30-04:00 America/New_York").named("2024-03-10")!;
  expect(times(spring.range)).toEqual(["2024-03-10T07:00", "2024-03-10T08:00"]);
  const autumn = calendarOf("01:30-04:00 America/New_York").named("2024-11-03")!;
  expect(times(autumn.range)).toEqual(["2024-11-03T05:30", "2024-11-03T09:00"]);
});

test("SessionCalendar, has no session for a day that a zone left out", () => {
  const calendar = calendarOf("00:00-24:00 Pacific/Apia");
  expect(calendar.named("2011-12-30")).toBeUndefined();
  const before = calendar.named("2011-12-29")!;
  expect(calendar.after(before).name).toBe("2011-12-31");
  expect(calendar.named("2011-12-31")?.previous).toEqual(before.range);
});

test("SessionCalendar, takes an opening range by the clock of its zone or by minutes of the session", () => {
  const range = (session: string, text: string, name: string) =>
    times(calendarOf(session, text).named(name)!.openingRange);
  expect(range("utc", "08:00-08:10", "2024-03-01")).toEqual(["2024-03-01T08:00", "2024-03-01T08:10"]);
  expect(range(US_EQUITIES, "10:00-10:30", "2024-03-08")).toEqual(["2024-03-08T15:00", "2024-03-08T15:30"]);
  expect(range(US_EQUITIES, "5m-15m", "2024-03-08")).toEqual(["2024-03-08T14:35", "2024-03-08T14:45"]);
  // 08:30 in Chicago lies on the second day of a Globex session.
  expect(range(GLOBEX, "08:30-08:45", "2024-11-04")).toEqual(["2024-11-04T14:30", "2024-11-04T14:45"]);
  expect(range(GLOBEX, "23:50-00:10", "2024-11-05")).toEqual(["2024-11-05T05:50", "2024-11-05T06:10"]);
});

test("SessionCalendar, keeps opening range and initial balance inside a session that a clock change cut short", () => {
  const calendar = new SessionCalendar({
    hours: parseSessionHours("01:50-03:10 America/New_York"),
    openingRange: { kind: "offset", from: 30, to: 70 },
  });
  const { range, openingRange, initialBalance } = calendar.named("2024-03-10")!;
  expect(rangeLength(range)).toBe(20);
  expect(openingRange).toEqual({ lo: range.hi, hi: range.hi });
  expect(initialBalance).toEqual(range);
});

test("SessionCalendar.ended(), gives the last sessions that are over, oldest first", () => {
  const calendar = calendarOf(US_EQUITIES);
  const names = (text: string, count: number) =>
    calendar.ended(minuteOf(text), count).map(({ name }) => name);
  expect(names("2024-03-11T19:59", 2)).toEqual(["2024-03-07", "2024-03-08"]);
  expect(names("2024-03-11T20:00", 2)).toEqual(["2024-03-08", "2024-03-11"]);
  expect(names("2024-03-10T00:00", 3)).toEqual(["2024-03-06", "2024-03-07", "2024-03-08"]);
  expect(names("2024-03-10T00:00", 0)).toEqual([]);
});

test("SessionCalendar.within(), gives each session that has a minute in the range, and none for an empty one", () => {
  const calendar = calendarOf(US_EQUITIES);
  const monday = calendar.named("2024-03-11")!.range;
  const names = (lo: number, hi: number) => [...calendar.within({ lo, hi })].map(({ name }) => name);
  expect(names(monday.lo, monday.lo + 1)).toEqual(["2024-03-11"]);
  expect(names(monday.hi - 1, monday.hi + 1_440)).toEqual(["2024-03-11", "2024-03-12"]);
  expect(names(monday.hi, monday.hi + 60)).toEqual([]);
  expect(names(monday.lo, monday.lo)).toEqual([]);
});

for (const text of [
  US_EQUITIES,
  GLOBEX,
  NEW_YORK_DAY,
  "17:00-17:00 America/New_York",
  "22:00-01:30 Europe/London",
]) {
  test(`SessionCalendar, has sessions in order that never overlap, each found by all its names: ${text}`, () => {
    const calendar = calendarOf(text);
    const other = calendarOf(text);
    const lo = parseDay("2024-02-20")! * 1_440;
    const hi = parseDay("2024-11-20")! * 1_440;
    const sessions: Session[] = [...calendar.within({ lo, hi })];
    expect(sessions.length).toBeGreaterThan(190);
    for (const [i, session] of sessions.entries()) {
      const { range } = session;
      const before = sessions[i - 1];
      if (before !== undefined) {
        expect(before.range.hi).toBeLessThanOrEqual(range.lo);
        expect(session.previous).toEqual(before.range);
        expect(other.after(before).name).toBe(session.name);
      }
      expect(other.named(session.name)).toEqual(session);
      expect([range.lo, range.hi - 1].map((minute) => other.at(minute)?.name)).toEqual([
        session.name,
        session.name,
      ]);
    }
  });
}

test("SessionCalendar, answers the same whatever it was asked before", () => {
  const asked = fc.array(fc.integer({ min: 28_000_000, max: 29_500_000 }), { minLength: 1, maxLength: 30 });
  const busy = calendarOf(GLOBEX);
  fc.assert(
    fc.property(asked, (minutes) => {
      for (const minute of minutes) busy.at(minute);
      const minute = minutes.at(-1)!;
      const fresh = calendarOf(GLOBEX);
      expect([busy.at(minute), busy.latest(minute), busy.next(minute)]).toEqual([
        fresh.at(minute),
        fresh.latest(minute),
        fresh.next(minute),
      ]);
    }),
    { numRuns: 50 },
  );
});
