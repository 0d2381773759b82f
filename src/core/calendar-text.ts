import {
  CalendarError,
  type OpeningRangeRule,
  type SessionHours,
  UTC_HOURS,
  WEEKDAYS,
  type Weekday,
} from "./calendar-rules.ts";

/** Of a faulty text, what an error shows. */
const SHOWN_CHARS_MAX = 80;

const NAMES: readonly string[] = WEEKDAYS;
const SESSION_FORM = 'utc, or hours such as "09:30-16:00 America/New_York mon-fri"';
const OPENING_RANGE_FORM =
  "times of day such as 08:00-08:10, or minutes of the session such as 10m or 5m-15m";
const DAYS_FORM = "days such as mon-fri or mon,wed,fri";

/**
 * Reads `utc`, or `HH:MM-HH:MM ZONE [DAYS]`: start and end by the zone's clock, and the days on which a session begins
 * (`mon-fri`, `sun-thu`, `mon,wed,fri`; every day when none are named). Throws {@link CalendarError}; that the times and
 * the zone make sense is found when a calendar is made of it.
 */
export function parseSessionHours(text: string): SessionHours {
  const words = text.trim().split(/\s+/);
  if (words.length === 1 && words[0]?.toLowerCase() === "utc") return UTC_HOURS;
  const [times = "", zone, days, ...rest] = words;
  const [start, end, ...more] = times.split("-");
  if (start === undefined || end === undefined || more.length > 0 || zone === undefined || rest.length > 0)
    throw new CalendarError("session", SESSION_FORM, shown(text));
  return { kind: "clock", start, end, zone, days: days === undefined ? WEEKDAYS : parseDays(days) };
}

/**
 * Reads `08:00-08:10` (times of day in the session's zone), `10m` (the session's first ten minutes) or `5m-15m`. Throws
 * {@link CalendarError}; that it lies inside the session is found when a calendar is made of it.
 */
export function parseOpeningRange(text: string): OpeningRangeRule {
  const trimmed = text.trim();
  const minutes = /^(?:(\d{1,4})m-)?(\d{1,4})m$/.exec(trimmed);
  if (minutes !== null) return { kind: "offset", from: Number(minutes[1] ?? 0), to: Number(minutes[2]) };
  const times = /^(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(trimmed);
  if (times === null) throw new CalendarError("openingRange", OPENING_RANGE_FORM, shown(text));
  return { kind: "clock", start: times[1]!, end: times[2]! };
}

/** The text that {@link parseSessionHours} reads as these hours. */
export function formatSessionHours(hours: SessionHours): string {
  if (hours.kind === "utc") return "utc";
  const days = WEEKDAYS.filter((day) => hours.days.includes(day)).join(",");
  return `${hours.start}-${hours.end} ${hours.zone} ${days}`;
}

/** `mon-fri`, `sun-thu`, `fri-mon`, `mon,wed-fri`: each day once, in the order of {@link WEEKDAYS}. */
function parseDays(text: string): readonly Weekday[] {
  const found = new Set<Weekday>();
  for (const part of text.toLowerCase().split(",")) {
    const [from, to, ...rest] = part.split("-").map((name) => NAMES.indexOf(name));
    if (from === undefined || from < 0 || to === -1 || rest.length > 0)
      throw new CalendarError("days", DAYS_FORM, shown(text));
    const length = (((to ?? from) - from + WEEKDAYS.length) % WEEKDAYS.length) + 1;
    for (let i = 0; i < length; i++) found.add(WEEKDAYS[(from + i) % WEEKDAYS.length]!);
  }
  return WEEKDAYS.filter((day) => found.has(day));
}

function shown(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
