import { expect, test } from "bun:test";
import { sessionRanges } from "../../src/app/session-ranges.ts";
import { formatMinute, minuteOfMs, parseSessionHours, SessionCalendar } from "../../src/core/mod.ts";
import { SessionBench } from "./session-bench.ts";

const minute = (text: string) => minuteOfMs(Date.parse(text));
const shown = (calendar: SessionCalendar, now: string, count: number) =>
  sessionRanges(calendar, minute(now), count).map(
    ({ lo, hi }) => `${formatMinute(lo).slice(5, 16)} ${formatMinute(hi).slice(5, 16)}`,
  );

test("sessionRanges(), days of UTC are one range up to now", () => {
  const utc = new SessionCalendar();
  expect(shown(utc, "2026-01-03T10:07:00Z", 2)).toEqual(["01-02T00:00 01-03T10:07"]);
  expect(shown(utc, "2026-01-03T00:00:00Z", 2)).toEqual(["01-02T00:00 01-03T00:00"]);
  expect(shown(utc, "2026-01-03T00:00:00Z", 1)).toEqual([]);
});

test("sessionRanges(), the nights and the weekend between sessions are left out", () => {
  const equities = new SessionCalendar({ hours: parseSessionHours("09:30-16:00 America/New_York mon-fri") });
  // Monday; Friday before it.
  expect(shown(equities, "2026-01-05T15:00:00Z", 2)).toEqual([
    "01-05T14:30 01-05T15:00",
    "01-02T14:30 01-02T21:00",
  ]);
  // Saturday: Friday's stands.
  expect(shown(equities, "2026-01-03T12:00:00Z", 2)).toEqual([
    "01-02T14:30 01-02T21:00",
    "01-01T14:30 01-01T21:00",
  ]);
});

test("sessionRanges(), a session that crosses midnight is one range", () => {
  const globex = new SessionCalendar({ hours: parseSessionHours("18:00-17:00 America/Chicago sun-thu") });
  expect(shown(globex, "2026-01-06T12:00:00Z", 2)).toEqual([
    "01-06T00:00 01-06T12:00",
    "01-05T00:00 01-05T23:00",
  ]);
});

test("Sessions.backfilled() and repaired(), what is fetched at a start, and what gaps are looked for in", async () => {
  const bench = await SessionBench.open("2026-01-05T15:00:00Z", {
    hours: parseSessionHours("09:30-16:00 America/New_York mon-fri"),
  });
  try {
    const until = minute("2026-01-06T15:00:00Z");
    expect(bench.sessions.backfilled(until).map(({ lo }) => formatMinute(lo).slice(5, 10))).toEqual([
      "01-06",
      "01-05",
    ]);
    // This server runs without a start-up backfill: since it began, and not the night.
    expect(bench.sessions.repaired(until)).toEqual([
      { lo: minute("2026-01-06T14:30:00Z"), hi: until },
      { lo: minute("2026-01-05T15:00:00Z"), hi: minute("2026-01-05T21:00:00Z") },
    ]);
  } finally {
    await bench.close();
  }
});
