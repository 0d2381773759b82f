import {
  type Coverage,
  dayRange,
  invariant,
  type MinuteContributions,
  type MinuteRange,
} from "../core/mod.ts";
import type { SeriesStore } from "./series-store.ts";

/** Reads the committed minutes of a window from the tape. */
export type ReadMinutes = (series: SeriesStore, minutes: Coverage) => Promise<MinuteContributions>;

/** A load that commits overtake more often than this is a bug: commits do not come that fast. */
const OVERTAKEN_MAX = 50;

/** Brings days that were evicted, or were committed before this process began, into memory. */
export class DayLoader {
  readonly #read: ReadMinutes;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(read: ReadMinutes) {
    this.#read = read;
  }

  /** Loads every absent day of `range`. Afterwards, until the next await, the whole window can be folded. */
  async load(series: SeriesStore, range: MinuteRange): Promise<void> {
    for (let days = series.absentDays(range); days.length > 0; days = series.absentDays(range))
      for (const day of days) await this.#loadDay(series, day);
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
    for (let tries = 0; tries < OVERTAKEN_MAX; tries++) {
      const version = series.dayVersion(day);
      const contributions = await this.#read(series, series.committedWithin(dayRange(day)));
      if (series.putDay(day, version, contributions)) return;
    }
    invariant(false, `${series.symbol}: day ${day} changed ${OVERTAKEN_MAX} times while it was read`);
  }
}
