import {
  type CandleField,
  Coverage,
  dayOfMinute,
  dayRange,
  type GridOf,
  intersectRanges,
  type MinuteRange,
  type Scales,
  type SkeletonCandle,
  sameScales,
  unseenMinute,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import { DayCandles, finerCandle, type MinuteCandles, type ToldMinute } from "./minute-candles.ts";

/** Days of one series whose candles are kept; the ones longest unused make room. A day is about 0.3 MB. */
export const SKELETON_DAYS_MAX = 16;

export interface SkeletonHooks {
  /** Days that do not make room while others can. */
  readonly mustStay: (day: number) => boolean;
  /** A day's candles are no longer known. */
  readonly onForgotten: (day: number) => void;
}

/** The venue's 1-minute candles of the days in memory. */
export class Skeleton {
  /** The longest unused first. */
  readonly #days = new Map<number, DayCandles>();
  readonly #hooks: SkeletonHooks;
  #told: Coverage = Coverage.empty;
  /** Minutes whose candle no set of trades can have made, with the field that shows it. */
  #faulty: Coverage = Coverage.empty;
  readonly #faults = new Map<number, CandleField>();
  #quoteDigits = Number.POSITIVE_INFINITY;

  constructor(hooks: SkeletonHooks) {
    this.#hooks = hooks;
  }

  /** Minutes of which it is known what they traded. */
  get told(): Coverage {
    return this.#told;
  }

  get faulty(): Coverage {
    return this.#faulty;
  }

  faultAt(minute: number): CandleField | undefined {
    return this.#faults.get(minute);
  }

  /** Undefined where nobody told, null for a minute without trades. */
  at(minute: number): ToldMinute | undefined {
    return this.#days.get(dayOfMinute(minute))?.at(minute);
  }

  /** Takes the candles of a range, to a grid as fine as theirs or finer. Every minute of it without a candle had no trades. */
  put(range: MinuteRange, { scales: from, candles, quoteDigits }: MinuteCandles, grid: GridOf): void {
    this.#quoteDigits = Math.min(this.#quoteDigits, quoteDigits);
    const exact = this.#exactAt(grid.scales);
    const byMinute = new Map<number, SkeletonCandle>();
    for (const candle of candles)
      if (candle.volume > 0) byMinute.set(candle.minute, finerCandle(candle, from, grid.scales, exact));
    this.#clearFaults(range);
    for (const day of daysOf(range)) {
      const part = intersectRanges(range, dayRange(day));
      if (part === undefined) continue;
      const into = this.#open(day);
      for (let minute = part.lo; minute < part.hi; minute++) {
        const candle = byMinute.get(minute);
        into.put(minute, candle ?? null);
        if (candle !== undefined) this.#check(candle, grid);
      }
      this.#told = this.#told.add(part);
    }
  }

  /** Marks a day as used. */
  touch(day: number): void {
    const found = this.#days.get(day);
    if (found === undefined) return;
    this.#days.delete(day);
    this.#days.set(day, found);
  }

  forget(day: number): void {
    if (!this.#days.delete(day)) return;
    this.#told = this.#told.subtract(dayRange(day));
    this.#clearFaults(dayRange(day));
    this.#hooks.onForgotten(day);
  }

  rescale(from: Scales, to: Scales): void {
    if (sameScales(from, to)) return;
    const exact = this.#exactAt(to);
    for (const day of this.#days.values()) day.map((candle) => finerCandle(candle, from, to, exact));
  }

  #check(candle: SkeletonCandle, { binUnits }: GridOf): void {
    const fault = unseenMinute(candle, { binUnits })?.inconsistent;
    if (fault === undefined) return;
    this.#faults.set(candle.minute, fault);
    this.#faulty = this.#faulty.add({ lo: candle.minute, hi: candle.minute + 1 });
  }

  #clearFaults(range: MinuteRange): void {
    if (this.#faulty.within(range).ranges.length === 0) return;
    this.#faulty = this.#faulty.subtract(range);
    for (const minute of this.#faults.keys())
      if (minute >= range.lo && minute < range.hi) this.#faults.delete(minute);
  }

  #exactAt({ priceScale, sizeScale }: Scales): boolean {
    return this.#quoteDigits >= priceScale + sizeScale;
  }

  #open(day: number): DayCandles {
    this.touch(day);
    const found = this.#days.get(day);
    if (found !== undefined) return found;
    const created = new DayCandles(dayRange(day));
    this.#days.set(day, created);
    for (const candidate of [...this.#days.keys()]) {
      if (this.#days.size <= SKELETON_DAYS_MAX) break;
      if (candidate !== day && !this.#hooks.mustStay(candidate)) this.forget(candidate);
    }
    return created;
  }
}
