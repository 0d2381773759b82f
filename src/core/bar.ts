import type { SkeletonCandle } from "./certify/skeleton-candle.ts";
import type { MinuteContribution } from "./minute.ts";
import type { MinuteRange } from "./time-range.ts";
import { type Timeframe, timeframeMinutes } from "./timeframe.ts";

/** Lengths of the bars that are folded here: each divides a UTC day, so a bar never lies in two of them. */
export const BAR_INTERVALS = ["1m", "5m", "15m", "1h", "4h", "1d"] as const satisfies readonly Timeframe[];
export type BarInterval = (typeof BAR_INTERVALS)[number];

/** The minutes of the bar that a minute (since the epoch) belongs to; bars begin at multiples of their length from 00:00 UTC on. */
export function barAt(interval: BarInterval, minute: number): MinuteRange {
  const length = timeframeMinutes(interval);
  const lo = Math.floor(minute / length) * length;
  return { lo, hi: lo + length };
}

/**
 * What known minutes of a bar sum up to. Prices in price units, null while nothing traded; volumes in size units, `quoteVolume` in
 * units of 10^-(priceScale + sizeScale). Null where a venue's candle stands for trades and does not tell.
 */
export interface BarSums {
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly close: number | null;
  readonly volume: bigint;
  readonly quoteVolume: bigint | null;
  readonly buyVolume: bigint | null;
  /** Trades as the tape counts them; a candle counts others. */
  readonly tradeCount: number | null;
  /** Minutes that a candle with trades stands for. */
  readonly candles: number;
}

export const NO_BAR_SUMS: BarSums = {
  ...{ open: null, high: null, low: null, close: null },
  ...{ volume: 0n, quoteVolume: 0n, buyVolume: 0n, tradeCount: 0, candles: 0 },
};

/** What one minute adds to its bar: its trades, or the candle that stands for them; undefined where there is nothing to add. */
export type BarMinute =
  | { readonly kind: "trades"; readonly trades: MinuteContribution }
  | { readonly kind: "candle"; readonly candle: SkeletonCandle };

/** Sums up minutes in ascending order. */
export function foldBar(minutes: Iterable<BarMinute>): BarSums {
  let { open, high, low, close, volume, quoteVolume, buyVolume, tradeCount, candles } = NO_BAR_SUMS;
  for (const minute of minutes) {
    const of = minute.kind === "trades" ? minute.trades : minute.candle;
    if (of.volume === 0) continue;
    open ??= of.open;
    // Open and close are within high and low, but for a candle that contradicts itself.
    high = Math.max(high ?? of.high, of.high, of.open, of.close);
    low = Math.min(low ?? of.low, of.low, of.open, of.close);
    close = of.close;
    volume += BigInt(of.volume);
    quoteVolume = added(quoteVolume, of.quoteVolume);
    buyVolume = added(buyVolume, of.buyVolume === undefined ? undefined : BigInt(of.buyVolume));
    if (minute.kind === "candle") candles++;
    tradeCount = minute.kind === "candle" || tradeCount === null ? null : tradeCount + minute.trades.count;
  }
  return { open, high, low, close, volume, quoteVolume, buyVolume, tradeCount, candles };
}

/** The sums of two runs of minutes, `later` after `earlier`. */
export function joinBars(earlier: BarSums, later: BarSums): BarSums {
  return {
    open: earlier.open ?? later.open,
    high: furthest(Math.max, earlier.high, later.high),
    low: furthest(Math.min, earlier.low, later.low),
    close: later.close ?? earlier.close,
    volume: earlier.volume + later.volume,
    quoteVolume: added(earlier.quoteVolume, later.quoteVolume),
    buyVolume: added(earlier.buyVolume, later.buyVolume),
    tradeCount:
      earlier.tradeCount === null || later.tradeCount === null ? null : earlier.tradeCount + later.tradeCount,
    candles: earlier.candles + later.candles,
  };
}

/** A bar as far as it is known. */
export interface KnownBar {
  readonly range: MinuteRange;
  readonly sums: BarSums;
  /** Minutes that should be known by now; those of them that trades cover, and those that nothing is known of. */
  readonly expectedMinutes: number;
  readonly coveredMinutes: number;
  readonly missingMinutes: number;
  /** The bar quality of its minutes, percent; null while one of its covered minutes was not compared, or none is covered. */
  readonly quality: number | null;
  /** It has ended, and what the live stream had to bring of it is here or will not come: only a correction or a backfill changes it. */
  readonly closed: boolean;
}

function added(sum: bigint | null, more: bigint | null | undefined): bigint | null {
  return sum === null || more === null || more === undefined ? null : sum + more;
}

function furthest(pick: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : pick(a, b);
}
