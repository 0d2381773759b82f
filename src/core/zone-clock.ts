import { BoundedCache } from "./bounded-cache.ts";
import { CalendarError } from "./calendar-rules.ts";
import { invariant } from "./invariant.ts";
import { MINUTES_PER_DAY, MS_PER_MINUTE, msOfMinute } from "./time-range.ts";

/** Offsets that are kept: those at the midnights (UTC) of about four years. */
const OFFSETS_MAX = 1_500;

/**
 * The wall clock of a time zone, in whole minutes. A *wall minute* counts minutes since 1970-01-01 00:00 as the zone's
 * clock shows it. The rules of a zone are those of the runtime's own `Intl`: part of the language, so nothing has to be
 * shipped and kept up to date beside it. Exact from 1970 on, for zones that change their offset at most once in three days.
 */
export class ZoneClock {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new BoundedCache<number>(OFFSETS_MAX);

  /** `zone` an IANA name such as `America/New_York`. Throws {@link CalendarError} when the runtime does not know it. */
  constructor(zone: string) {
    this.zone = zone;
    this.#format = formatOf(zone);
  }

  /** Minutes that the zone's clock is ahead of UTC at `minute` (since the epoch); negative west of Greenwich. */
  offsetAt(minute: number): number {
    const parts = this.#format.formatToParts(msOfMinute(minute));
    const part = (wanted: Intl.DateTimeFormatPartTypes) =>
      Number(parts.find(({ type }) => type === wanted)?.value);
    const ms = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"));
    invariant(Number.isFinite(ms), `minute ${minute} has no wall clock in ${this.zone}`);
    return ms / MS_PER_MINUTE - minute;
  }

  /**
   * The first minute (since the epoch) at which the clock stands at or beyond `wall`. So a time that the clock skips is
   * the first minute after the gap, and one that it shows twice is the first of both.
   */
  firstMinuteAt(wall: number): number {
    const day = Math.floor(wall / MINUTES_PER_DAY);
    // No offset reaches a day, so the minute that is sought lies between these two midnights.
    const before = (day - 1) * MINUTES_PER_DAY;
    const after = (day + 2) * MINUTES_PER_DAY;
    const offsetBefore = this.#offsets.get(before, (at) => this.offsetAt(at));
    const offsetAfter = this.#offsets.get(after, (at) => this.offsetAt(at));
    const minute = wall - offsetBefore;
    if (offsetBefore === offsetAfter) return minute;
    const change = this.#changeBetween(before, after, offsetBefore);
    return minute < change ? minute : Math.max(change, wall - offsetAfter);
  }

  /** The first minute with another offset than `offset`, which holds at `low`; the one at `high` is another. */
  #changeBetween(low: number, high: number, offset: number): number {
    while (high - low > 1) {
      const mid = Math.floor((low + high) / 2);
      if (this.offsetAt(mid) === offset) low = mid;
      else high = mid;
    }
    return high;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  } catch (cause) {
    throw new CalendarError("zone", "a time zone such as America/New_York", zone, { cause });
  }
}
