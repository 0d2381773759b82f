import { INITIAL_BALANCE_MINUTES } from "./session.ts";
import { MINUTES_PER_DAY } from "./time-range.ts";

/** In the order of `Date.getUTCDay`. */
export const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Sessions by the wall clock of a time zone. */
export interface ClockHours {
  readonly kind: "clock";
  /** `HH:MM`, 00:00 to 23:59. */
  readonly start: string;
  /** `HH:MM`, 00:01 to 24:00. At or before `start` it is the next day's: the session crosses midnight. */
  readonly end: string;
  /** IANA name, e.g. `America/New_York`. */
  readonly zone: string;
  /** Days on which a session begins. */
  readonly days: readonly Weekday[];
}

/** When sessions are: the UTC day, or by a zone's wall clock. */
export type SessionHours = { readonly kind: "utc" } | ClockHours;

/** Where the opening range lies: minutes after the session's start, or times of day in its zone; half-open. */
export type OpeningRangeRule =
  | { readonly kind: "offset"; readonly from: number; readonly to: number }
  | { readonly kind: "clock"; readonly start: string; readonly end: string };

export interface CalendarRules {
  /** Default: the UTC day. */
  readonly hours?: SessionHours;
  /** Default: 08:00–08:10 of a UTC day, the first 10 minutes of any other session. */
  readonly openingRange?: OpeningRangeRule;
  /** Length of the initial balance in minutes. Default 60; it ends with the session at the latest. */
  readonly initialBalanceMinutes?: number;
}

export type CalendarField =
  | "session"
  | "start"
  | "end"
  | "zone"
  | "days"
  | "openingRange"
  | "initialBalanceMinutes";

/** Rules that make no calendar: which field, what was expected and what was found. */
export class CalendarError extends Error {
  override readonly name = "CalendarError";
  readonly field: CalendarField;
  readonly expected: string;
  readonly found: string;

  constructor(field: CalendarField, expected: string, found: string, options?: ErrorOptions) {
    super(`session calendar, ${field}: expected ${expected}, found "${found}"`, options);
    this.field = field;
    this.expected = expected;
    this.found = found;
  }
}

/** Rules in minutes. Times of day count from 00:00 of the day on which the session begins. */
export interface ResolvedRules {
  readonly zone: string;
  /** In [0, 1440). */
  readonly start: number;
  /** In (start, start + 1440]. */
  readonly end: number;
  /** By {@link WEEKDAYS}: whether a session begins on it. */
  readonly begins: readonly boolean[];
  readonly openingRange: { readonly by: "offset" | "clock"; readonly from: number; readonly to: number };
  readonly initialBalanceMinutes: number;
}

export const UTC_HOURS: SessionHours = { kind: "utc" };
const UTC_OPENING_RANGE: OpeningRangeRule = { kind: "clock", start: "08:00", end: "08:10" };
const FIRST_MINUTES: OpeningRangeRule = { kind: "offset", from: 0, to: 10 };
const UTC_DAY: ClockHours = { kind: "clock", start: "00:00", end: "24:00", zone: "UTC", days: WEEKDAYS };

/** Checks rules and puts them into minutes. Throws {@link CalendarError}; an unknown zone is found by whoever uses it. */
export function resolveRules({
  hours = UTC_HOURS,
  openingRange = hours.kind === "utc" ? UTC_OPENING_RANGE : FIRST_MINUTES,
  initialBalanceMinutes = INITIAL_BALANCE_MINUTES,
}: CalendarRules): ResolvedRules {
  const { zone, days, ...times } = hours.kind === "utc" ? UTC_DAY : hours;
  const start = timeOfDay("start", times.start);
  if (start === MINUTES_PER_DAY) throw new CalendarError("start", "HH:MM up to 23:59", times.start);
  const endOfDay = timeOfDay("end", times.end);
  if (endOfDay === 0) throw new CalendarError("end", "24:00 for midnight", times.end);
  const end = endOfDay > start ? endOfDay : endOfDay + MINUTES_PER_DAY;
  if (days.length === 0) throw new CalendarError("days", "at least one of the days mon to sun", "");
  if (
    !Number.isSafeInteger(initialBalanceMinutes) ||
    initialBalanceMinutes < 1 ||
    initialBalanceMinutes > MINUTES_PER_DAY
  )
    throw new CalendarError(
      "initialBalanceMinutes",
      `a whole number from 1 to ${MINUTES_PER_DAY}`,
      String(initialBalanceMinutes),
    );
  return {
    ...{ zone, start, end, initialBalanceMinutes },
    begins: WEEKDAYS.map((day) => days.includes(day)),
    openingRange: resolveOpeningRange(openingRange, start, end),
  };
}

function resolveOpeningRange(
  rule: OpeningRangeRule,
  start: number,
  end: number,
): ResolvedRules["openingRange"] {
  const length = end - start;
  if (rule.kind === "offset") {
    const { from, to } = rule;
    const whole = Number.isSafeInteger(from) && Number.isSafeInteger(to);
    if (!whole || from < 0 || to <= from || to > length)
      throw new CalendarError(
        "openingRange",
        `a range of whole minutes inside the ${length} minutes of the session`,
        `${from}m-${to}m`,
      );
    return { by: "offset", from, to };
  }
  const opens = timeOfDay("openingRange", rule.start);
  const from = opens >= start ? opens : opens + MINUTES_PER_DAY;
  const closes = timeOfDay("openingRange", rule.end);
  const to = closes > opens ? from + closes - opens : from + closes - opens + MINUTES_PER_DAY;
  if (to > end || closes === opens)
    throw new CalendarError(
      "openingRange",
      "times of day inside the session, the first before the second",
      `${rule.start}-${rule.end}`,
    );
  return { by: "clock", from, to };
}

/** Minutes since midnight of `HH:MM`, 24:00 included. Throws {@link CalendarError} for `field`. */
function timeOfDay(field: CalendarField, text: string): number {
  const match = /^(\d{2}):(\d{2})$/.exec(text);
  const minutes = match === null ? Number.NaN : Number(match[1]) * 60 + Number(match[2]);
  if (!(minutes <= MINUTES_PER_DAY) || Number(match?.[2]) > 59)
    throw new CalendarError(field, "a time of day such as 09:30", text);
  return minutes;
}
