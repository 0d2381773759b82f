import type { Decimal } from "../decimal.ts";
import type { Scales } from "../instrument.ts";
import { vwap } from "../vwap.ts";
import type { SkeletonCandle } from "./skeleton-candle.ts";

/** A closed interval that holds a sum; a point where the sum is known. */
export interface SumInterval<T> {
  readonly low: T;
  readonly high: T;
}

/**
 * Sums of minutes of which some are loaded and the others known by their candles. A candle tells them as its trades do,
 * so they equal the complete tape's; only what a venue's candles leave out is an interval. Prices are null while nothing
 * traded.
 */
export interface KnownSums {
  readonly volume: number;
  readonly quoteVolume: SumInterval<bigint>;
  readonly buyVolume: SumInterval<number>;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly last: number | null;
}

/** A minute's quote volume; without the venue's word every trade is somewhere between the minute's low and its high. */
export function quoteOf({ quoteVolume, volume, low, high }: SkeletonCandle): SumInterval<bigint> {
  if (volume === 0) return { low: 0n, high: 0n };
  if (quoteVolume !== undefined) return { low: quoteVolume, high: quoteVolume };
  return { low: BigInt(volume) * BigInt(low), high: BigInt(volume) * BigInt(high) };
}

/**
 * A minute's Σ price²·size: between that of all its volume at the mean price and that of volume at its low and its high alone.
 * Without a mean, between all of it at the low and all of it at the high.
 */
export function squareOf({ quoteVolume, volume, low, high }: SkeletonCandle): SumInterval<bigint> {
  if (volume === 0) return { low: 0n, high: 0n };
  const [v, l, h] = [BigInt(volume), BigInt(low), BigInt(high)];
  if (quoteVolume === undefined) return { low: v * l * l, high: v * h * h };
  // It is a whole number, so its lower end is rounded up.
  return { low: (quoteVolume * quoteVolume + v - 1n) / v, high: quoteVolume * (l + h) - v * l * h };
}

/** Sums up minutes in ascending order; `quoteVolume` where the sum of theirs is at hand, for it takes the most time. */
export function knownSums(minutes: Iterable<SkeletonCandle>, quoteVolume?: SumInterval<bigint>): KnownSums {
  let volume = 0;
  let quoteLow = 0n;
  let quoteHigh = 0n;
  let buyLow = 0;
  let buyHigh = 0;
  let open: number | null = null;
  let high: number | null = null;
  let low: number | null = null;
  let last: number | null = null;
  for (const minute of minutes) {
    if (minute.volume === 0) continue;
    volume += minute.volume;
    if (quoteVolume === undefined) {
      const quote = quoteOf(minute);
      quoteLow += quote.low;
      quoteHigh += quote.high;
    }
    buyLow += minute.buyVolume ?? 0;
    buyHigh += minute.buyVolume ?? minute.volume;
    open ??= minute.open;
    // Open and close are within high and low, but for a candle that contradicts itself.
    high = Math.max(high ?? 0, minute.high, minute.open, minute.close, minute.low);
    low = Math.min(low ?? minute.low, minute.low, minute.open, minute.close, minute.high);
    last = minute.close;
  }
  return {
    volume,
    quoteVolume: quoteVolume ?? { low: quoteLow, high: quoteHigh },
    buyVolume: { low: buyLow, high: buyHigh },
    open,
    high,
    low,
    last,
  };
}

/** The VWAP's interval, each end rounded as the value is, so that it holds the rounded value. Null without volume. */
export function vwapInterval(sums: KnownSums, scales: Scales): SumInterval<Decimal> | null {
  const low = vwap(sums.quoteVolume.low, sums.volume, scales);
  const high = vwap(sums.quoteVolume.high, sums.volume, scales);
  return low === null || high === null ? null : { low, high };
}

/** The cumulative delta's interval, size units: buys minus sells. */
export function deltaInterval({ volume, buyVolume }: KnownSums): SumInterval<number> {
  return { low: 2 * buyVolume.low - volume, high: 2 * buyVolume.high - volume };
}
