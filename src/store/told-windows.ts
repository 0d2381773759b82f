import type { MinuteContribution, MinuteRange, SkeletonCandle, ToldWindow } from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import type { SeriesCoverage } from "./series-coverage.ts";
import type { Skeleton } from "./skeleton.ts";

/**
 * Whether every minute of a window up to now is known by trades or candle and none is in doubt; `tail`: all but the running
 * minute or those that ended just now.
 */
export type WindowKnown = "all" | "tail" | "gaps";

/** What candles tell of a window beside the fold of its trades. */
export interface ToldBeside extends Pick<ToldWindow, "partial" | "candles"> {
  /** False: the running minute, or one that ended just now, is not known whole. */
  readonly upToNow: boolean;
}

export interface ToldWindowsDeps {
  readonly coverage: SeriesCoverage;
  readonly skeleton: Skeleton;
  /** Undefined without trades, and for a day that is not in memory. */
  readonly contributionOf: (minute: number) => MinuteContribution | undefined;
  readonly knowledge: (range: MinuteRange, nowMinute: number) => WindowKnown;
}

/** What the candles of one series tell of any windows, minute by minute, whether their days are in memory or not. */
export class ToldWindows {
  readonly #deps: ToldWindowsDeps;

  constructor(deps: ToldWindowsDeps) {
    this.#deps = deps;
  }

  /**
   * What candles tell of ranges whose fold is at hand; undefined where an earlier minute is unknown, where candles are in doubt,
   * or where trades of an open minute contradict its candle.
   */
  beside(ranges: readonly MinuteRange[], nowMinute: number): ToldBeside | undefined {
    const { skeleton, contributionOf, knowledge } = this.#deps;
    const known = ranges.map((range) => knowledge(range, nowMinute));
    if (known.includes("gaps")) return undefined;
    const candles: SkeletonCandle[] = [];
    const partial: MinuteContribution[] = [];
    for (const range of ranges)
      for (const minute of this.#uncovered(range, nowMinute)) {
        const told = skeleton.at(minute);
        if (told === undefined) continue;
        const soFar = contributionOf(minute);
        if (soFar !== undefined) {
          if (told === null || soFar.low < told.low || soFar.high > told.high || soFar.volume > told.volume)
            return undefined;
          partial.push(soFar);
        }
        if (told !== null) candles.push(told);
      }
    return { upToNow: known.every((each) => each === "all"), candles, partial };
  }

  /** Whether every minute of a range up to and with the running one is known, by its trades or by a candle that is believed. */
  isKnown(range: MinuteRange, nowMinute: number): boolean {
    const { coverage, knowledge } = this.#deps;
    return coverage.isWhole(range, nowMinute) || knowledge(range, nowMinute) === "all";
  }

  /** Candles of the uncovered minutes of a range up to now that traded, ascending; those that contradict themselves are left out. */
  candlesWithin(range: MinuteRange, nowMinute: number): SkeletonCandle[] {
    const { skeleton } = this.#deps;
    const candles: SkeletonCandle[] = [];
    for (const minute of this.#uncovered(range, nowMinute)) {
      const told = skeleton.at(minute);
      if (told && skeleton.faultAt(minute) === undefined) candles.push(told);
    }
    return candles;
  }

  *#uncovered({ lo, hi }: MinuteRange, nowMinute: number): Generator<number> {
    const { coverage, skeleton } = this.#deps;
    const begun = { lo, hi: Math.max(lo, Math.min(hi, nowMinute + 1)) };
    for (const gap of coverage.covered.missing(begun)) {
      for (const day of daysOf(gap)) skeleton.touch(day);
      for (let minute = gap.lo; minute < gap.hi; minute++) yield minute;
    }
  }
}
