import type { Instrument, MinuteRange, Timeframe } from "../core/mod.ts";
import type { CallOptions } from "./venue.ts";

/**
 * The port of whoever has candles: an exchange, or a vendor of aggregates that knows no trades. Smaller than `Venue`, and a
 * venue's adapter may be both.
 */
export interface CandleSource {
  readonly name: string;
  readonly market: string;
  /** The lengths that it has. */
  readonly timeframes: readonly Timeframe[];
  /** Digits after the point that quote volumes are rounded to; `Infinity` where they are exact. */
  readonly quoteDigits: number;

  /** What the symbol trades in. Fails `permanent` when the source does not know it. */
  instrument(symbol: string, options: CallOptions): Promise<Instrument>;

  /**
   * The source's own candles that open in `range`, ascending, each once; times it has none for are absent. The running candle is
   * among them as it stands. Fails `permanent` when the source does not know the symbol or has no such candles.
   */
  candleHistory(
    symbol: string,
    timeframe: Timeframe,
    range: MinuteRange,
    options: CallOptions,
  ): Promise<CandleHistory>;
}

export interface CandleHistory {
  readonly candles: readonly HistoryCandle[];
  /** Candles that open in this part of the asked range had closed, by the source's clock, before it was asked; undefined: none. */
  readonly closed: MinuteRange | undefined;
}

/** A candle as it is stored: exact decimals as text without trailing zeros, never through a float. */
export interface HistoryCandle {
  /** Milliseconds since the epoch. */
  readonly openMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  /** Σ price·size; absent where the source does not tell it. */
  readonly quoteVolume?: string | undefined;
  /** Volume whose aggressor bought. */
  readonly buyVolume?: string | undefined;
  /** Σ price·size of that volume. */
  readonly buyQuoteVolume?: string | undefined;
  /** Volume-weighted mean price; absent without volume. */
  readonly vwap?: string | undefined;
  /** Raw trades. */
  readonly trades?: number | undefined;
}
