import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CronTimes, readCron } from "../../src/schedule/cron-times.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function times(cron: string, zone: string): CronTimes {
  const read = readCron(cron, zone, NOW);
  if (read.kind !== "times") throw new Error(`${cron} ${zone}: ${read.reason}`);
  return read.times;
}

function nextOf(cron: string, zone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(from);
  for (let n = 0; n < count; n++) {
    at = times(cron, zone).next(at) ?? Number.NaN;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe("readCron(), across clock changes", () => {
  const cases: readonly (readonly [
    what: string,
    cron: string,
    zone: string,
    from: string,
    expected: string[],
  ])[] = [
    [
      "Berlin in spring: the skipped 02:30 comes when the gap ends",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T00:00:00Z",
      ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
    ],
    [
      "Berlin in autumn: the repeated 02:30 comes once",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T00:00:00Z",
      ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
    ],
    [
      "New York in spring: the skipped 02:30 comes when the gap ends",
      "30 2 * * *",
      "America/New_York",
      "2026-03-07T00:00:00Z",
      ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"],
    ],
    [
      "New York in autumn: the repeated 01:30 comes once",
      "30 1 * * *",
      "America/New_York",
      "2026-10-31T00:00:00Z",
      ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"],
    ],
    [
      "New York in autumn: a list of hours comes once, too",
      "30 1,13 * * *",
      "America/New_York",
      "2026-11-01T00:00:00Z",
      ["2026-11-01T05:30", "2026-11-01T18:30", "2026-11-02T06:30"],
    ],
    [
      "New York in autumn: every hour goes on hour by hour",
      "0 * * * *",
      "America/New_York",
      "2026-11-01T04:30:00Z",
      ["2026-11-01T05:00", "2026-11-01T06:00", "2026-11-01T07:00"],
    ],
    [
      "Berlin in spring: every half hour goes on by the half hour",
      "*/30 * * * *",
      "Europe/Berlin",
      "2026-03-29T00:15:00Z",
      ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
    ],
    ["a leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00"]],
  ];
  test.each(cases)("%s", (_, cron, zone, from, expected) => {
    expect(nextOf(cron, zone, from, expected.length)).toEqual(expected);
  });
});

describe("readCron(), refuses", () => {
  const cases: readonly (readonly [cron: string, zone: string, kind: string, reason: RegExp])[] = [
    ["* * * *", "UTC", "bad_cron", /4 fields/],
    ["*/10 * * * * *", "UTC", "bad_cron", /6 fields/],
    ["@daily", "UTC", "bad_cron", /1 field/],
    ["2030-01-01T00:00:00", "UTC", "bad_cron", /1 field/],
    ["61 * * * *", "UTC", "bad_cron", /minute: 61/],
    ["0 0 * * someday", "UTC", "bad_cron", /./],
    ["0 0 30 2 *", "UTC", "bad_cron", /no time to come/],
    ["0 0 * * *", "Mars/Phobos", "bad_zone", /no such zone/],
    ["0 0 * * *", "+02:00", "bad_zone", /no such zone/],
    ["0 0 * * *", "", "bad_zone", /no such zone/],
  ];
  test.each(cases)("%s in %s", (cron, zone, kind, reason) => {
    const read = readCron(cron, zone, NOW);
    expect(read.kind as string).toBe(kind);
    expect(read.kind === "times" ? "" : read.reason).toMatch(reason);
  });
});

test("CronTimes.before(), is the inverse of next(), clock changes included", () => {
  const patterns = ["30 2 * * *", "0 */6 * * *", "*/15 * * * *", "0 1 * * 1", "30 1,13 1,15 * *"];
  const zones = ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"];
  fc.assert(
    fc.property(
      fc.constantFrom(...patterns),
      fc.constantFrom(...zones),
      fc.integer({ min: NOW, max: NOW + 365 * 86_400_000 }),
      (cron, zone, at) => {
        const of = times(cron, zone);
        const last = of.before(at, 1)[0]!;
        expect(last).toBeLessThanOrEqual(at);
        expect(of.next(last)!).toBeGreaterThan(at);
        expect(of.next(last - 1)).toBe(last);
        expect(of.before(last, 1)).toEqual([last]);
      },
    ),
    { numRuns: 150 },
  );
});
