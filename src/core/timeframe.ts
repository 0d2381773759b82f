import { MINUTES_PER_DAY, type MinuteRange, rangeLength } from "./time-range.ts";

/** Candle lengths, shortest first, as exchanges spell them. */
export const TIMEFRAMES = [
  "1m",
  "3m",
  "5m",
  "15m",
  "30m",
  "1h",
  "2h",
  "4h",
  "6h",
  "8h",
  "12h",
  "1d",
  "3d",
  "1w",
] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];

const MINUTES: Readonly<Record<Timeframe, number>> = {
  "1m": 1,
  "3m": 3,
  "5m": 5,
  "15m": 15,
  "30m": 30,
  "1h": 60,
  "2h": 120,
  "4h": 240,
  "6h": 360,
  "8h": 480,
  "12h": 720,
  "1d": MINUTES_PER_DAY,
  "3d": 3 * MINUTES_PER_DAY,
  "1w": 7 * MINUTES_PER_DAY,
};

/** Length of a candle, minutes. */
export function timeframeMinutes(timeframe: Timeframe): number {
  return MINUTES[timeframe];
}

export function isTimeframe(text: string): text is Timeframe {
  return TIMEFRAMES.some((timeframe) => timeframe === text);
}

/** Candles that open in `range` at most, wherever their grid lies. */
export function candlesUpTo(range: MinuteRange, timeframe: Timeframe): number {
  return Math.ceil(rangeLength(range) / MINUTES[timeframe]);
}

/**
 * The part of `range` whose candles have closed at `nowMinute`: a candle belongs to the minute it opens in, and one that
 * opens in minute m has closed when m + its length has come. Undefined when there is none.
 */
export function closedPart(
  range: MinuteRange,
  timeframe: Timeframe,
  nowMinute: number,
): MinuteRange | undefined {
  const hi = Math.min(range.hi, nowMinute - MINUTES[timeframe] + 1);
  return range.lo < hi ? { lo: range.lo, hi } : undefined;
}
