import { BoundedCache } from "./bounded-cache.ts";
import { type CalendarRules, type ResolvedRules, resolveRules, WEEKDAYS } from "./calendar-rules.ts";
import { invariant } from "./invariant.ts";
import type { Session } from "./session.ts";
import {
  dayOfMinute,
  formatDay,
  intersectRanges,
  MINUTES_PER_DAY,
  type MinuteRange,
  parseDay,
} from "./time-range.ts";
import { ZoneClock } from "./zone-clock.ts";

/** Sessions that are kept; the year that a composite may ask for, and some. */
const SESSIONS_MAX = 512;
/** A zone's date is at most a day away from the UTC day, and a session ends a day after it began. */
const DAYS_APART = 2;
/** Days to the next one of a weekly rhythm, with room for a date that a zone has skipped. */
const SEARCH_DAYS_MAX = 16;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_DAY_0 = 4;

/** A day without a session, as the cache keeps it. */
const NONE = { lo: 0, hi: 0 };

/**
 * Answers which session a day names and which one a minute belongs to. Sessions never overlap; between them there may
 * be minutes of no session.
 *
 * A session is named by the date on which it ends by its zone's clock (24:00 belongs to the day before it), which for
 * hours within one day is the date itself and for hours across midnight the trade date, as CME names Globex sessions. Where
 * the clock is set forward over a start or an end, it is the first minute after the gap; where it shows the time twice,
 * the first of both. So `00:00-24:00` of a zone has 23 hours on one day of spring and 25 on one of autumn.
 */
export class SessionCalendar {
  readonly #rules: ResolvedRules;
  readonly #clock: ZoneClock;
  /** Days from the date on which a session begins to the one that names it. */
  readonly #nameShift: 0 | 1;
  /** By the date on which a session begins, days since the epoch. */
  readonly #ranges = new BoundedCache<MinuteRange>(SESSIONS_MAX);
  readonly #sessions = new BoundedCache<Session>(SESSIONS_MAX);
  #recent: Session | undefined;

  /** Throws {@link CalendarError} for rules that make no calendar, an unknown zone among them. */
  constructor(rules: CalendarRules = {}) {
    this.#rules = resolveRules(rules);
    this.#clock = new ZoneClock(this.#rules.zone);
    this.#nameShift = this.#rules.end > MINUTES_PER_DAY ? 1 : 0;
  }

  /** The session of a name such as `2026-01-02`; undefined when there is none, or none since 1970. */
  named(name: string): Session | undefined {
    const day = parseDay(name);
    return day === undefined || day < 0 ? undefined : this.#sessionOf(day - this.#nameShift);
  }

  /** The session that a minute (since the epoch) belongs to; undefined between two sessions. */
  at(minute: number): Session | undefined {
    const recent = this.#recent;
    if (recent !== undefined && contains(recent.range, minute)) return recent;
    const last = this.latest(minute);
    return contains(last.range, minute) ? last : undefined;
  }

  /** The session that runs at a minute, or the last one that began before it. */
  latest(minute: number): Session {
    const day = dayOfMinute(minute) + DAYS_APART;
    const found = this.#search(day, -1, ({ lo }) => lo <= minute);
    this.#recent = found;
    return found;
  }

  /** The first session that begins after a minute. */
  next(minute: number): Session {
    return this.#search(dayOfMinute(minute) - DAYS_APART, 1, ({ lo }) => lo > minute);
  }

  /** The session before a session of this calendar. */
  before({ range }: Session): Session {
    return this.latest(range.lo - 1);
  }

  /** The session after a session of this calendar. */
  after({ range }: Session): Session {
    return this.next(range.lo);
  }

  /** The sessions that have a minute in `range`, oldest first. They are made as they are asked for. */
  *within(range: MinuteRange): Generator<Session, void, undefined> {
    if (range.lo >= range.hi) return;
    const end = dayOfMinute(range.hi - 1) + DAYS_APART;
    for (let day = dayOfMinute(range.lo) - DAYS_APART; day <= end; day++)
      if (intersectRanges(this.#rangeOf(day), range) !== undefined) yield this.#known(day);
  }

  /** The last `count` sessions that have ended when `minute` begins, oldest first. */
  ended(minute: number, count: number): Session[] {
    const sessions: Session[] = [];
    let session = this.latest(minute);
    if (session.range.hi > minute) session = this.before(session);
    for (; sessions.length < count; session = this.before(session)) sessions.push(session);
    return sessions.reverse();
  }

  /** The session nearest to `day` in a direction for which `fits` holds. */
  #search(day: number, step: 1 | -1, fits: (range: MinuteRange) => boolean): Session {
    for (let i = 0; i < SEARCH_DAYS_MAX; i++, day += step) {
      const range = this.#rangeOf(day);
      if (range !== NONE && fits(range)) return this.#known(day);
    }
    invariant(false, `no session within ${SEARCH_DAYS_MAX} days of ${formatDay(day)}`);
  }

  #sessionOf(day: number): Session | undefined {
    return this.#rangeOf(day) === NONE ? undefined : this.#known(day);
  }

  /** The session that begins on a date on which one does. */
  #known(day: number): Session {
    return this.#sessions.get(day, () => this.#make(day));
  }

  #make(day: number): Session {
    const { openingRange: opening, initialBalanceMinutes } = this.#rules;
    const range = this.#rangeOf(day);
    let before = day - 1;
    while (this.#rangeOf(before) === NONE) before--;
    const openingRange =
      opening.by === "offset"
        ? { lo: range.lo + opening.from, hi: range.lo + opening.to }
        : this.#hours(day, opening.from, opening.to);
    return {
      name: formatDay(day + this.#nameShift),
      range,
      previous: this.#rangeOf(before),
      // On the day of a clock change they may reach over the session's end.
      openingRange: clipped(openingRange, range),
      initialBalance: clipped({ lo: range.lo, hi: range.lo + initialBalanceMinutes }, range),
    };
  }

  /** The minutes of the session that begins on a date; {@link NONE} when none does. */
  #rangeOf(day: number): MinuteRange {
    return this.#ranges.get(day, () => {
      const { begins, start, end } = this.#rules;
      const weekday = (((day + WEEKDAY_OF_DAY_0) % WEEKDAYS.length) + WEEKDAYS.length) % WEEKDAYS.length;
      if (begins[weekday] !== true) return NONE;
      const range = this.#hours(day, start, end);
      return range.lo < range.hi ? range : NONE;
    });
  }

  /** Minutes between two times of day of a date by the zone's clock. */
  #hours(day: number, from: number, to: number): MinuteRange {
    const midnight = day * MINUTES_PER_DAY;
    return { lo: this.#clock.firstMinuteAt(midnight + from), hi: this.#clock.firstMinuteAt(midnight + to) };
  }
}

function contains({ lo, hi }: MinuteRange, minute: number): boolean {
  return lo <= minute && minute < hi;
}

/** The part of `range` inside `within`; empty at its end where there is none. */
function clipped(range: MinuteRange, within: MinuteRange): MinuteRange {
  const lo = Math.min(range.lo, within.hi);
  return { lo, hi: Math.max(lo, Math.min(range.hi, within.hi)) };
}
