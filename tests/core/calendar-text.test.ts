import { expect, test } from "bun:test";
import {
  CalendarError,
  formatSessionHours,
  parseOpeningRange,
  parseSessionHours,
  SessionCalendar,
  WEEKDAYS,
} from "../../src/core/mod.ts";

/** The field, what was expected and what was found of a refusal. */
function refusal(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof CalendarError) return [error.field, error.expected, error.found];
    throw error;
  }
  return "accepted";
}

test("parseSessionHours(), reads utc and hours of a zone", () => {
  expect(parseSessionHours(" UTC ")).toEqual({ kind: "utc" });
  const hours = { kind: "clock", start: "09:30", end: "16:00", zone: "America/New_York" } as const;
  expect(parseSessionHours("09:30-16:00  America/New_York mon-fri")).toEqual({
    ...hours,
    days: ["mon", "tue", "wed", "thu", "fri"],
  });
  expect(parseSessionHours("09:30-16:00 America/New_York")).toEqual({ ...hours, days: WEEKDAYS });
});

test("parseSessionHours(), reads lists and ranges of days over the end of the week", () => {
  const daysOf = (text: string) => {
    const hours = parseSessionHours(`18:00-17:00 America/Chicago ${text}`);
    return hours.kind === "clock" ? hours.days : [];
  };
  expect(daysOf("sun-thu")).toEqual(["sun", "mon", "tue", "wed", "thu"]);
  expect(daysOf("Fri-Mon")).toEqual(["sun", "mon", "fri", "sat"]);
  expect(daysOf("wed,mon,wed")).toEqual(["mon", "wed"]);
  expect(daysOf("sat,mon-tue")).toEqual(["mon", "tue", "sat"]);
});

test("parseSessionHours(), says what it expects and what it found", () => {
  const form = 'utc, or hours such as "09:30-16:00 America/New_York mon-fri"';
  for (const text of ["", "gmt", "09:30 America/New_York", "1-2-3 UTC", "09:30-16:00", "1-2 UTC mon fri"])
    expect(refusal(() => parseSessionHours(text))).toEqual(["session", form, text]);
  for (const days of ["monday", "mon-", "-fri", "mon--fri", "mon-tue-wed", "mon,,fri", ","])
    expect(refusal(() => parseSessionHours(`09:30-16:00 UTC ${days}`))).toEqual([
      "days",
      "days such as mon-fri or mon,wed,fri",
      days,
    ]);
  expect(refusal(() => parseSessionHours("x".repeat(1_000)))[2]).toHaveLength(81);
});

test("formatSessionHours(), is read as the same hours", () => {
  for (const text of ["utc", "18:00-17:00 America/Chicago sun,mon,tue,wed,thu"])
    expect(formatSessionHours(parseSessionHours(text))).toBe(text);
});

test("parseOpeningRange(), reads times of day and minutes of the session", () => {
  expect(parseOpeningRange("08:00-08:10")).toEqual({ kind: "clock", start: "08:00", end: "08:10" });
  expect(parseOpeningRange(" 30m ")).toEqual({ kind: "offset", from: 0, to: 30 });
  expect(parseOpeningRange("5m-15m")).toEqual({ kind: "offset", from: 5, to: 15 });
  for (const text of ["", "10", "8:00-8:10", "08:00", "5-15m", "10m-", "99999m"])
    expect(refusal(() => parseOpeningRange(text))).toEqual([
      "openingRange",
      "times of day such as 08:00-08:10, or minutes of the session such as 10m or 5m-15m",
      text,
    ]);
});

test("SessionCalendar, refuses rules that make no calendar and names the field", () => {
  const of = (session: string, openingRange = "10m", initialBalanceMinutes = 60) =>
    refusal(
      () =>
        new SessionCalendar({
          hours: parseSessionHours(session),
          openingRange: parseOpeningRange(openingRange),
          initialBalanceMinutes,
        }),
    );
  const time = "a time of day such as 09:30";
  expect(of("9:30-16:00 UTC")).toEqual(["start", time, "9:30"]);
  expect(of("09:60-16:00 UTC")).toEqual(["start", time, "09:60"]);
  expect(of("24:00-16:00 UTC")).toEqual(["start", "HH:MM up to 23:59", "24:00"]);
  expect(of("09:30-24:01 UTC")).toEqual(["end", time, "24:01"]);
  expect(of("09:30-00:00 UTC")).toEqual(["end", "24:00 for midnight", "00:00"]);
  expect(of("09:30-16:00 Mars/Olympus")).toEqual([
    "zone",
    "a time zone such as America/New_York",
    "Mars/Olympus",
  ]);
  const inside = "times of day inside the session, the first before the second";
  expect(of("09:30-16:00 UTC", "09:00-09:40")).toEqual(["openingRange", inside, "09:00-09:40"]);
  expect(of("09:30-16:00 UTC", "15:55-16:01")).toEqual(["openingRange", inside, "15:55-16:01"]);
  expect(of("utc", "08:10-08:00")).toEqual(["openingRange", inside, "08:10-08:00"]);
  expect(of("utc", "00:00-00:00")).toEqual(["openingRange", inside, "00:00-00:00"]);
  const minutes = "a range of whole minutes inside the 390 minutes of the session";
  expect(of("09:30-16:00 UTC", "391m")).toEqual(["openingRange", minutes, "0m-391m"]);
  expect(of("09:30-16:00 UTC", "10m-10m")).toEqual(["openingRange", minutes, "10m-10m"]);
  for (const length of [0, 1_441, 1.5])
    expect(of("utc", "10m", length)).toEqual([
      "initialBalanceMinutes",
      "a whole number from 1 to 1440",
      String(length),
    ]);
  expect(refusal(() => new SessionCalendar({ hours: { ...HOURS, days: [] } }))[0]).toBe("days");
  expect(of("18:00-17:00 America/Chicago sun-thu", "00:30-01:00")).toBe("accepted");
});

const HOURS = { kind: "clock", start: "09:30", end: "16:00", zone: "UTC" } as const;
