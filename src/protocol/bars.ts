import * as v from "valibot";
import {
  BAR_INTERVALS,
  type BarInterval,
  coverageRatio,
  formatMinute,
  type KnownBar,
  type Scales,
  vwap,
} from "../core/mod.ts";
import { decimalToWire, unitsToWire, WireNumber } from "./number.ts";

/** Newest bars that a `bars:` channel holds. */
export const BARS_KEPT = 300;

const Time = v.string();
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Price = v.nullable(WireNumber);

/** One bar, out of what is known of its minutes: trades, else the venue's candle. */
export const WireBar = v.object({
  /** Its start; it ends one interval later. */
  time: Time,
  /** Null where nothing traded, or nothing is known. */
  open: Price,
  high: Price,
  low: Price,
  close: Price,
  /** Null where nothing is known, 0 where nothing traded. */
  volume: v.nullable(WireNumber),
  /** Null too where a candle stands for trades and the venue does not tell. */
  quote_volume: v.nullable(WireNumber),
  buy_volume: v.nullable(WireNumber),
  vwap: Price,
  /** Trades as the tape counts them (aggregates, for Binance); null too where a candle stands for some. */
  trade_count: v.nullable(Count),
  /** Share of the minutes expected by now that trades cover, in [0, 1], rounded down. */
  covered: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  /** Traded minutes that the venue's candle stands for, because their trades are missing. */
  candle_minutes: Count,
  /** Expected minutes of which nothing is known: the bar is a part of what it will be. */
  missing_minutes: Count,
  /** Percentage of the expected minutes that are covered and agree with the venue's candle; null before that is compared. */
  quality: v.nullable(v.number()),
  /** Over, and all of it received or given up: only a correction or a backfill changes it. */
  closed: v.boolean(),
});
export type WireBar = v.InferOutput<typeof WireBar>;

/** `GET /api/v1/bars/{symbol}`. */
export const WireBars = v.object({
  symbol: v.string(),
  interval: v.picklist(BAR_INTERVALS),
  /** Ascending, without a hole between two of them. */
  bars: v.array(WireBar),
  /** `from` and `to` of the page that follows, in place of those that were asked with; null after the last one. */
  next: v.nullable(v.object({ from: v.optional(Time), to: v.optional(Time) })),
  revision: Count,
  as_of: Time,
});
export type WireBars = v.InferOutput<typeof WireBars>;

/** The state of a `bars:` channel. A frame has the members of `bars` that changed; one that left the window is null. */
export const WireBarsState = v.object({
  symbol: v.string(),
  interval: v.picklist(BAR_INTERVALS),
  /** By their `time`, the newest {@link BARS_KEPT}. */
  bars: v.record(Time, WireBar),
  /** Older bars of the window are still being read; they come as they are there. */
  loading: v.boolean(),
  revision: Count,
});
export type WireBarsState = v.InferOutput<typeof WireBarsState>;

/** Bars of one series, with all that is needed to answer them. */
export interface BarsPage {
  readonly symbol: string;
  readonly interval: BarInterval;
  readonly bars: readonly WireBar[];
  readonly next: { readonly from?: number; readonly to?: number } | null;
  readonly revision: number;
  readonly asOf: string;
}

export function barsToWire({ symbol, interval, bars, next, revision, asOf }: BarsPage): WireBars {
  return {
    symbol,
    interval,
    bars: [...bars],
    next: next && {
      ...(next.from === undefined ? {} : { from: formatMinute(next.from) }),
      ...(next.to === undefined ? {} : { to: formatMinute(next.to) }),
    },
    revision,
    as_of: asOf,
  };
}

export function barToWire(bar: KnownBar, scales: Scales): WireBar {
  const { priceScale, sizeScale } = scales;
  const { open, high, low, close, volume, quoteVolume, buyVolume, tradeCount, candles } = bar.sums;
  const price = (units: number | null) => (units === null ? null : unitsToWire(units, priceScale));
  const size = (units: bigint | null, scale: number) =>
    units === null || isUnknown(bar) ? null : unitsToWire(units, scale);
  const mean = quoteVolume === null ? null : vwap(quoteVolume, volume, scales);
  return {
    time: formatMinute(bar.range.lo),
    open: price(open),
    high: price(high),
    low: price(low),
    close: price(close),
    volume: size(volume, sizeScale),
    quote_volume: size(quoteVolume, priceScale + sizeScale),
    buy_volume: size(buyVolume, sizeScale),
    vwap: mean === null ? null : decimalToWire(mean),
    trade_count: isUnknown(bar) ? null : tradeCount,
    covered: coverageRatio(bar),
    candle_minutes: candles,
    missing_minutes: bar.missingMinutes,
    quality: bar.quality,
    closed: bar.closed,
  };
}

/** None of its minutes is known, though some should be: what its sums say is nothing. */
function isUnknown({ expectedMinutes, missingMinutes, sums }: KnownBar): boolean {
  return expectedMinutes > 0 && missingMinutes === expectedMinutes && sums.volume === 0n;
}
