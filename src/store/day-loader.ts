import {
  type Coverage,
  dayRange,
  invariant,
  type MinuteContributions,
  type MinuteRange,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import type { SeriesStore } from "./series-store.ts";

/** Reads the committed minutes of a window from the tape. */
export type ReadMinutes = (series: SeriesStore, minutes: Coverage) => Promise<MinuteContributions>;

/** Days of the widest window, which are in memory at once: a month that begins and ends inside a day. */
export const LOAD_DAYS_MAX = 32;

/** Brings days that were evicted, or were committed before this process began, into memory. */
export class DayLoader {
  readonly #read: ReadMinutes;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(read: ReadMinutes) {
    this.#read = read;
  }

  /**
   * Loads every absent day of `range`, at most {@link LOAD_DAYS_MAX} days. Afterwards, until the next await, the whole
   * window can be folded.
   */
  async load(series: SeriesStore, range: MinuteRange): Promise<void> {
    const wanted = daysOf(range);
    invariant(
      wanted.length <= LOAD_DAYS_MAX,
      `a window of ${wanted.length} days was asked for, ${LOAD_DAYS_MAX} are the most`,
    );
    // Pinned, the first day cannot make room for the last one.
    for (const day of wanted) series.pin(day);
    try {
      for (let days = series.absentDays(range); days.length > 0; days = series.absentDays(range))
        for (const day of days) await this.#loadDay(series, day);
    } finally {
      for (const day of wanted) series.release(day);
    }
  }

  #loadDay(series: SeriesStore, day: number): Promise<void> {
    const key = `${series.seriesId}/${day}`;
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    const load = this.#readDay(series, day).finally(() => this.#loading.delete(key));
    this.#loading.set(key, load);
    return load;
  }

  async #readDay(series: SeriesStore, day: number): Promise<void> {
    series.beginLoad(day);
    let contributions: MinuteContributions | undefined;
    try {
      contributions = await this.#read(series, series.committedWithin(dayRange(day)));
    } finally {
      series.endLoad(day, contributions);
    }
  }
}
