import {
  contributionRows,
  type GridOf,
  intersectRanges,
  type MinuteContribution,
  type MinuteRange,
  Profile,
  type ProfileRows,
} from "../core/mod.ts";
import type { SeriesChanges } from "./series-changes.ts";

/** A series as a profile of one of its windows sees it. */
export interface ProfiledSeries {
  readonly grid: GridOf;
  readonly changes: Pick<SeriesChanges, "watch">;
  contributionOf(minute: number): MinuteContribution | undefined;
}

/**
 * The profile of a window, kept up a minute at a time, with the bins that were touched since somebody asked: a change costs the bins of
 * its minute, however many the window has. The days of the window stay in memory meanwhile. A series whose grid grows needs a new one.
 */
export class WindowProfile {
  readonly profile = new Profile();
  /** Bins are this many times as wide as the series'. */
  readonly coarser: number;
  readonly #series: ProfiledSeries;
  readonly #range: MinuteRange;
  /** What each minute of the window added. */
  readonly #applied: (MinuteContribution | undefined)[];
  /** Minutes to take in. */
  readonly #due = new Set<number>();
  /** Undefined until somebody has asked: then it is all of them. */
  #touched: Set<number> | undefined;
  readonly #unwatch: () => void;

  constructor(series: ProfiledSeries, range: MinuteRange, coarser: number) {
    this.#series = series;
    this.#range = range;
    this.coarser = coarser;
    this.#applied = new Array(range.hi - range.lo).fill(undefined);
    this.#note(range);
    this.#unwatch = series.changes.watch((changed, kind) => {
      if (kind === "minutes") this.#note(changed);
    });
  }

  /** Minutes that have not been taken in. */
  get behind(): number {
    return this.#due.size;
  }

  /** Takes in minutes that changed, so many at most. */
  step(minutesMax: number): void {
    let left = minutesMax;
    for (const minute of this.#due) {
      if (left-- <= 0) return;
      this.#due.delete(minute);
      this.#take(minute);
    }
  }

  /** Bins that were touched since the last call, of which some may hold what they held before; the first call tells all. */
  takeTouched(): ArrayLike<number> {
    const touched = this.#touched === undefined ? this.profile.rows().bins : [...this.#touched];
    this.#touched = new Set();
    return touched;
  }

  close(): void {
    this.#unwatch();
    this.#due.clear();
  }

  #take(minute: number): void {
    const at = minute - this.#range.lo;
    const former = this.#applied[at];
    const now = this.#series.contributionOf(minute);
    if (former === now) return;
    this.#applied[at] = now;
    if (former !== undefined) this.profile.subtract(this.#rows(former));
    if (now !== undefined) this.profile.add(this.#rows(now));
  }

  #rows(minute: MinuteContribution): ProfileRows {
    const rows = contributionRows(minute);
    const bins = this.coarser === 1 ? rows.bins : rows.bins.map((bin) => Math.floor(bin / this.coarser));
    if (this.#touched !== undefined) for (const bin of bins) this.#touched.add(bin);
    return { ...rows, bins };
  }

  #note(range: MinuteRange): void {
    const own = intersectRanges(range, this.#range);
    for (let minute = own?.lo ?? 0; minute < (own?.hi ?? 0); minute++) this.#due.add(minute);
  }
}
