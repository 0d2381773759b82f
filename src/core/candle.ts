/** A venue's own candle of one minute: prices in price units, volumes in size units, at the instrument's scales. */
export interface Candle {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Σ price·size, units of 10^-(priceScale + sizeScale). */
  readonly quoteVolume: bigint;
  /** Volume whose aggressor bought. */
  readonly buyVolume: number;
  /** Σ price·size of that volume, in the units of `quoteVolume`. */
  readonly buyQuoteVolume: bigint;
  /** Raw trades, not aggregates. */
  readonly rawCount: number;
}
