import { expect, test } from "bun:test";
import fc from "fast-check";
import { CalendarError, MINUTES_PER_DAY, parseDay, ZoneClock } from "../../src/core/mod.ts";

/** Days on which clocks did unusual things: an hour, half an hour, at midnight, back over midnight, a day left out. */
const UNUSUAL = [
  ["America/New_York", "2024-03-10"],
  ["America/New_York", "2024-11-03"],
  ["Europe/London", "2024-10-27"],
  ["Australia/Lord_Howe", "2024-04-07"],
  ["Australia/Lord_Howe", "2024-10-06"],
  ["America/Sao_Paulo", "2018-02-18"],
  ["America/Sao_Paulo", "2018-11-04"],
  ["America/St_Johns", "2010-11-07"],
  ["America/Havana", "2024-11-03"],
  ["Pacific/Apia", "2011-12-30"],
  ["Asia/Kathmandu", "2024-01-01"],
] as const;

/** The offset as the runtime writes it: another way than the one under test. */
function writtenOffset(zone: string, minute: number): number {
  const text = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" })
    .formatToParts(minute * 60_000)
    .find(({ type }) => type === "timeZoneName")?.value;
  const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?$/.exec(text ?? "");
  expect(match).not.toBeNull();
  const [, sign, hours = "0", minutes = "0"] = match!;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

for (const [zone, date] of UNUSUAL) {
  test(`ZoneClock.offsetAt(), is what the runtime writes: ${zone} around ${date}`, () => {
    const clock = new ZoneClock(zone);
    const noon = parseDay(date)! * MINUTES_PER_DAY + 720;
    for (let minute = noon - 2_880; minute < noon + 2_880; minute += 97)
      expect(clock.offsetAt(minute)).toBe(writtenOffset(zone, minute));
  });

  test(`ZoneClock.firstMinuteAt(), is the first minute that shows the time or a later one: ${zone}, ${date}`, () => {
    const clock = new ZoneClock(zone);
    const midnight = parseDay(date)! * MINUTES_PER_DAY;
    // The wall clock minute by minute, from a day before to a day after any offset.
    const from = midnight - 2 * MINUTES_PER_DAY;
    const walls = Array.from({ length: 5 * MINUTES_PER_DAY }, (_, i) => from + i + clock.offsetAt(from + i));
    fc.assert(
      fc.property(fc.integer({ min: -120, max: 1_560 }), (minuteOfDay) => {
        const wall = midnight + minuteOfDay;
        expect(clock.firstMinuteAt(wall)).toBe(from + walls.findIndex((shown) => shown >= wall));
      }),
      { numRuns: 200 },
    );
  });
}

test("ZoneClock, refuses a zone that the runtime does not know and names it", () => {
  const make = () => new ZoneClock("America/New_Yrok");
  expect(make).toThrow(CalendarError);
  expect(make).toThrow(
    'session calendar, zone: expected a time zone such as America/New_York, found "America/New_Yrok"',
  );
});
