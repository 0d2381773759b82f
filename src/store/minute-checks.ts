import {
  type CheckedField,
  Coverage,
  checkedText,
  checkMinute,
  dayRange,
  intersectRanges,
  type MinuteContribution,
  type MinuteRange,
  rangeLength,
  type Scales,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import type { ToldMinute } from "./minute-candles.ts";

/** A covered minute whose trades and candle contradict each other; values as decimal text. */
export interface FoundMismatch {
  readonly minute: number;
  readonly field: CheckedField;
  readonly ours: string;
  readonly theirs: string;
}

/** What one look compared. */
export interface CheckedMinutes {
  readonly matching: Coverage;
  readonly mismatching: readonly FoundMismatch[];
  /** There are more minutes to compare than one look takes. */
  readonly more: boolean;
}

/** A series as its comparison sees it. */
export interface CheckedSeries {
  readonly scales: () => Scales;
  readonly covered: () => Coverage;
  /** Minutes of which a candle, or that they had no trades, is told. */
  readonly told: () => Coverage;
  readonly candleOf: (minute: number) => ToldMinute | undefined;
  readonly contributionOf: (minute: number) => MinuteContribution | undefined;
  /** Days of a range that are covered somewhere and not in memory. */
  readonly absentDays: (range: MinuteRange) => readonly number[];
  /** These minutes have a verdict, or had one that no longer holds. */
  readonly onCompared: (range: MinuteRange) => void;
}

/** Which covered minutes were compared with the venue's candles, and what came out. Each change is compared once. */
export class MinuteChecks {
  readonly #series: CheckedSeries;
  /** Minutes that changed since they were compared. */
  #due: Coverage = Coverage.empty;
  /** Minutes with a verdict; one that changed keeps its former verdict until it is compared again. */
  #checked: Coverage = Coverage.empty;
  readonly #mismatches = new Map<number, FoundMismatch>();

  constructor(series: CheckedSeries) {
    this.#series = series;
  }

  /** What these minutes contribute, or their candles, changed. */
  changed(range: MinuteRange): void {
    this.#due = this.#due.add(range);
  }

  /** Every minute with a verdict is to be compared again. */
  again(): void {
    for (const range of this.#checked.ranges) this.#due = this.#due.add(range);
  }

  /** A day and its candles left memory: nothing of it is checked any more. */
  drop(range: MinuteRange): void {
    this.#due = this.#due.subtract(range);
    this.#forget(range);
  }

  /** Compares what is due and can be compared, `minutesMax` minutes at most: some microseconds each. */
  look(minutesMax: number): CheckedMinutes {
    const ready = this.#ready();
    const matching: MinuteRange[] = [];
    const mismatching: FoundMismatch[] = [];
    let left = minutesMax;
    for (const { lo, hi } of ready) {
      const range = { lo, hi: Math.min(hi, lo + left) };
      if (range.lo >= range.hi) break;
      left -= rangeLength(range);
      this.#due = this.#due.subtract(range);
      this.#forget(range);
      this.#checked = this.#checked.add(range);
      for (let minute = range.lo; minute < range.hi; minute++) {
        const found = this.#compare(minute);
        if (found === undefined) matching.push({ lo: minute, hi: minute + 1 });
        else {
          mismatching.push(found);
          this.#mismatches.set(minute, found);
        }
      }
      this.#series.onCompared(range);
    }
    const more = ready.reduce((sum, range) => sum + rangeLength(range), 0) > minutesMax;
    return { matching: Coverage.of(matching), mismatching, more };
  }

  /** The contradiction that the last comparison of a minute found, if that still holds. */
  mismatchAt(minute: number): FoundMismatch | undefined {
    return this.#due.has(minute) ? undefined : this.#mismatches.get(minute);
  }

  /** Covered minutes of a range that contradict their candle, and those that were never compared. */
  within(range: MinuteRange): { readonly mismatching: Coverage; readonly unchecked: Coverage } {
    const covered = this.#series.covered().within(range);
    const mismatching: MinuteRange[] = [];
    for (const minute of this.#mismatches.keys())
      if (minute >= range.lo && minute < range.hi && covered.has(minute))
        mismatching.push({ lo: minute, hi: minute + 1 });
    const unchecked = covered.ranges.flatMap((part) => this.#checked.missing(part));
    return { mismatching: Coverage.of(mismatching), unchecked: Coverage.of(unchecked) };
  }

  #ready(): MinuteRange[] {
    if (this.#due.ranges.length === 0) return [];
    const { told, covered, absentDays } = this.#series;
    const known = covered();
    return told()
      .ranges.flatMap((range) => this.#due.within(range).ranges)
      .flatMap((range) => known.within(range).ranges)
      .flatMap((range) => daysOf(range).map((day) => intersectRanges(range, dayRange(day))))
      .filter((range) => range !== undefined)
      .filter((range) => absentDays(range).length === 0);
  }

  #compare(minute: number): FoundMismatch | undefined {
    const { contributionOf, candleOf, scales } = this.#series;
    const check = checkMinute(contributionOf(minute), candleOf(minute));
    if (check.kind !== "mismatch") return undefined;
    const { field, ours, theirs } = check;
    const text = (units: number | bigint) => checkedText(field, units, scales());
    return { minute, field, ours: text(ours), theirs: text(theirs) };
  }

  #forget(range: MinuteRange): void {
    this.#checked = this.#checked.subtract(range);
    if (this.#mismatches.size === 0) return;
    for (const minute of this.#mismatches.keys())
      if (minute >= range.lo && minute < range.hi) this.#mismatches.delete(minute);
  }
}
