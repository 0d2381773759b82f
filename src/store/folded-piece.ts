import {
  MINUTES_PER_DAY,
  type MinuteRange,
  Profile,
  type ProfileRows,
  type WindowFold,
  type WindowSums,
} from "../core/mod.ts";
import type { SeriesStore } from "./series-store.ts";

/** Bytes that a piece takes beside its rows. */
const PIECE_BYTES = 1_024;
/** Three doubles. */
const ROW_BYTES = 24;
/** A minute number and two prices. */
const SPAN_BYTES = 24;

/** The price ranges of the minutes of a day that traded, ascending; price units. */
export interface MinuteSpans {
  /** Since the epoch. */
  readonly minutes: Float64Array;
  readonly lows: Float64Array;
  readonly highs: Float64Array;
}

/** Minutes folded for good: their sums and profile without the minutes themselves. Never changed. */
export interface FoldedPiece {
  readonly range: MinuteRange;
  /** {@link SeriesChanges.of} when it was folded: at another number it is no longer right. */
  readonly changes: number;
  readonly sums: WindowSums;
  /** Whichever takes less memory: pages where most bins traded, rows where few did. */
  readonly profile: Profile | ProfileRows;
  /** Of a whole day. */
  readonly spans: MinuteSpans | undefined;
  readonly bytes: number;
}

/** A piece out of a fold, with a profile of its own. */
export function foldedPiece(series: SeriesStore, range: MinuteRange, fold: WindowFold): FoldedPiece {
  const { profile, ...sums } = fold;
  // Merged into an empty one, it takes no more memory than its pages need.
  const pages = new Profile();
  pages.merge(profile);
  const rows = pages.rows();
  const rowBytes = rows.bins.length * ROW_BYTES;
  const spans = isDay(range) ? spansOf(series, range) : undefined;
  return {
    range,
    changes: series.changes.of(range),
    sums,
    profile: rowBytes < pages.bytes ? rows : pages,
    spans,
    bytes: PIECE_BYTES + Math.min(rowBytes, pages.bytes) + (spans?.minutes.length ?? 0) * SPAN_BYTES,
  };
}

/** The spans of minutes that are in memory. */
export function spansOf(series: SeriesStore, { lo, hi }: MinuteRange): MinuteSpans {
  const [minutes, lows, highs] = [
    new Float64Array(hi - lo),
    new Float64Array(hi - lo),
    new Float64Array(hi - lo),
  ];
  let count = 0;
  for (let minute = lo; minute < hi; minute++) {
    const found = series.contributionOf(minute);
    if (found === undefined) continue;
    minutes[count] = minute;
    lows[count] = found.low;
    highs[count++] = found.high;
  }
  return { minutes: minutes.slice(0, count), lows: lows.slice(0, count), highs: highs.slice(0, count) };
}

export function isDay({ lo, hi }: MinuteRange): boolean {
  return hi - lo === MINUTES_PER_DAY && lo % MINUTES_PER_DAY === 0;
}
