import { Coverage, type MinuteRange, minuteOfMs } from "../../core/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";

/** A minute's candle is asked for this long after the minute's end: when live trades have proved it whole, if they can. */
const SETTLE_MS = 4_000;
/** Minutes that live trades have covered wait for the others of their window: one request for each. */
export const WINDOW_MINUTES = 5;

/** What of a skeleton is missing. */
export interface DueMinutes {
  /** Closed minutes that neither trades nor a candle tell of: the levels have no certainty without them. */
  readonly urgent: Coverage;
  /** Those, and the minutes whose trades are there and whose candle only confirms them. */
  readonly all: Coverage;
}

/** The minutes of `range` whose candles are to be had now. */
export function dueMinutes(
  series: Pick<SeriesStore, "covered" | "withoutCandles">,
  { lo, hi }: MinuteRange,
  nowMs: number,
): DueMinutes {
  const closed = minuteOfMs(nowMs - SETTLE_MS);
  const without = series.withoutCandles({ lo, hi: Math.max(lo, Math.min(hi, closed)) });
  if (without.length === 0) return { urgent: Coverage.empty, all: Coverage.empty };
  const { covered } = series;
  const urgent = without.flatMap((range) => covered.missing(range));
  const ended = { lo, hi: Math.floor(closed / WINDOW_MINUTES) * WINDOW_MINUTES };
  return {
    urgent: Coverage.of(urgent),
    all: Coverage.of([...urgent, ...Coverage.of(without).within(ended).ranges]),
  };
}
