/**
 * What a venue's 1-minute candle tells of a closed minute whose trades are not loaded. A `Candle` is one. Prices in
 * price units, volumes in size units, quote volumes in units of 10^-(priceScale + sizeScale). What a venue does not
 * tell is undefined, and only widens the bounds.
 */
export interface SkeletonCandle {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Σ price·size. */
  readonly quoteVolume?: bigint | undefined;
  /** Volume whose aggressor bought, and its Σ price·size. One without the other says nothing about prices. */
  readonly buyVolume?: number | undefined;
  readonly buyQuoteVolume?: bigint | undefined;
  /** Raw trades: each at one price, of one lot or more. */
  readonly rawCount?: number | undefined;
}

export type CandleField = Exclude<keyof SkeletonCandle, "minute">;

/** A candle that no set of trades can have made, and the field that shows it. */
export interface Inconsistency {
  readonly minute: number;
  readonly field: CandleField;
}

/** The grid that a window's bounds are reckoned on. */
export interface CertifyGrid {
  /** Bin size, price units. */
  readonly binUnits: number;
  /** Every price is a multiple of it. Give one only where the venue's tick size can be trusted. Default 1. */
  readonly tickUnits?: number;
  /** Every size is a multiple of it. Give one only where it can be trusted. Default 1. */
  readonly lotUnits?: number;
}
