import {
  type BarInterval,
  type BarMinute,
  type BarSums,
  barQuality,
  type Coverage,
  dayOfMinute,
  dayRange,
  foldBar,
  joinBars,
  type KnownBar,
  type MinuteContribution,
  type MinuteRange,
  NO_BAR_SUMS,
  rangeLength,
  timeframeMinutes,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import type { ToldMinute } from "./minute-candles.ts";
import type { MinuteChecks } from "./minute-checks.ts";
import type { SeriesChanges } from "./series-changes.ts";

const HOUR = 60;
const HOURS_PER_DAY = 24;
/** Days of one series whose hours are kept; a day takes some 5 kB. */
const HOUR_DAYS_MAX = 1_024;

/** A series as its bars see it. */
export interface BarSeries {
  readonly covered: Coverage;
  readonly certainty: { readonly checks: Pick<MinuteChecks, "within"> };
  readonly changes: Pick<SeriesChanges, "watch">;
  contributionOf(minute: number): MinuteContribution | undefined;
  absentDays(range: MinuteRange): number[];
  candleOf(minute: number): ToldMinute | undefined;
  withoutCandles(range: MinuteRange): readonly MinuteRange[];
}

/** When a bar is read. */
export interface BarMoment {
  /** The running minute. */
  readonly nowMinute: number;
  /** Minutes from here on are not expected to be known yet. */
  readonly expectedEnd: number;
}

/**
 * The bars of one series. Those of an hour and longer are joined out of whole hours, which are kept: a change costs the fold of its
 * hour, and a day that has left memory still tells them.
 */
export class SeriesBars {
  readonly #series: BarSeries;
  /** Sums of each hour of a day, undefined where they have to be folded; the longest unused day first. */
  readonly #hours = new Map<number, (BarSums | undefined)[]>();

  constructor(series: BarSeries) {
    this.#series = series;
    series.changes.watch((range, kind) => this.#changed(range, kind === "minutes"));
  }

  /** Days of a range whose bars can be told only after a load, ascending. */
  absentDays(range: MinuteRange, interval: BarInterval): number[] {
    const absent = this.#series.absentDays(range);
    if (timeframeMinutes(interval) < HOUR) return absent;
    return absent.filter((day) => {
      const hours = this.#hours.get(day);
      return hours === undefined || hours.includes(undefined);
    });
  }

  /** One bar, `range` being that of `barAt`; its day is not among the {@link absentDays}. */
  read(range: MinuteRange, { nowMinute, expectedEnd }: BarMoment): KnownBar {
    const series = this.#series;
    const ended = range.hi <= nowMinute;
    // A bar that has ended owes all of its minutes at once.
    const expected = {
      lo: range.lo,
      hi: ended ? range.hi : Math.max(range.lo, Math.min(range.hi, expectedEnd)),
    };
    const covered = series.covered.within(expected);
    const missing = covered.missing(expected).flatMap((gap) => series.withoutCandles(gap));
    const missingMinutes = missing.reduce((sum, part) => sum + rangeLength(part), 0);
    const about = { expectedMinutes: rangeLength(expected), coveredMinutes: covered.size };
    const checked = series.certainty.checks.within(expected);
    const compared = covered.size > 0 && checked.unchecked.size === 0;
    return {
      range,
      sums: this.#sums(range),
      ...about,
      missingMinutes,
      quality: compared ? barQuality({ ...about, mismatchingMinutes: checked.mismatching.size }) : null,
      closed: ended && (missingMinutes === 0 || range.hi <= expectedEnd),
    };
  }

  #sums(range: MinuteRange): BarSums {
    if (rangeLength(range) < HOUR) return foldBar(this.#minutes(range));
    const hours = this.#hoursOf(dayOfMinute(range.lo));
    let sums = NO_BAR_SUMS;
    const { lo } = dayRange(dayOfMinute(range.lo));
    for (let at = range.lo; at < range.hi; at += HOUR) {
      const hour = (at - lo) / HOUR;
      const own = hours[hour] ?? foldBar(this.#minutes({ lo: at, hi: at + HOUR }));
      hours[hour] = own;
      sums = joinBars(sums, own);
    }
    return sums;
  }

  #hoursOf(day: number): (BarSums | undefined)[] {
    const hours = this.#hours.get(day) ?? new Array<BarSums | undefined>(HOURS_PER_DAY).fill(undefined);
    this.#hours.delete(day);
    this.#hours.set(day, hours);
    for (const oldest of this.#hours.keys()) {
      if (this.#hours.size <= HOUR_DAYS_MAX) break;
      this.#hours.delete(oldest);
    }
    return hours;
  }

  /** What is known best of each minute: its trades if it is covered, else its candle, else the trades that came so far. */
  *#minutes({ lo, hi }: MinuteRange): Generator<BarMinute> {
    const { covered } = this.#series;
    for (let minute = lo; minute < hi; minute++) {
      const candle = covered.has(minute) ? undefined : this.#series.candleOf(minute);
      if (candle === null) continue;
      if (candle !== undefined) yield { kind: "candle", candle };
      else {
        const trades = this.#series.contributionOf(minute);
        if (trades !== undefined) yield { kind: "trades", trades };
      }
    }
  }

  /** Folded hours that hold one of these minutes are no longer right; candles change none that trades cover. */
  #changed(range: MinuteRange, trades: boolean): void {
    if (this.#hours.size === 0) return;
    const days = Number.isFinite(range.lo) ? daysOf(range) : [...this.#hours.keys()];
    for (const day of days) {
      const hours = this.#hours.get(day);
      if (hours === undefined) continue;
      const { lo } = dayRange(day);
      const first = Math.max(0, Math.floor((range.lo - lo) / HOUR));
      const end = Math.min(HOURS_PER_DAY, Math.ceil((range.hi - lo) / HOUR));
      for (let hour = first; hour < end; hour++) {
        const own = { lo: lo + hour * HOUR, hi: lo + (hour + 1) * HOUR };
        if (trades || !this.#series.covered.covers(own)) hours[hour] = undefined;
      }
    }
  }
}
