import type { Candle, Instrument, MinuteRange, Scales, TradeBatch, TradeKind } from "../core/mod.ts";

/** The port of an exchange. Every adapter is a folder beside this file and passes one contract suite. */
export interface Venue {
  readonly name: string;
  readonly market: string;

  /** What the symbol trades in. Fails `permanent` when the venue does not know it. */
  instrument(symbol: string, options: CallOptions): Promise<Instrument>;

  /** The venue's clock, milliseconds since the epoch. */
  serverTimeMs(options: CallOptions): Promise<number>;

  /** The venue's own 1-minute candles of `range`, ascending; minutes it has none for are absent. */
  candles(instrument: Instrument, range: MinuteRange, options: CallOptions): Promise<CandlesOfRange>;

  /** Every trade of `range`, by exchange time, in id order, each once. */
  trades(instrument: Instrument, range: MinuteRange, options: CallOptions): Promise<TradesOfRange>;

  /** The newest trade of a symbol, or undefined when it never traded. */
  newestTrade(instrument: Instrument, options: CallOptions): Promise<TradePosition | undefined>;

  /**
   * Roughly what the symbol costs, price units of the instrument (finer digits cut off); undefined when it never traded.
   * For choosing a bin size, never for arithmetic.
   */
  newestPrice(instrument: Instrument, options: CallOptions): Promise<number | undefined>;

  /** Opens the live stream of some symbols. It reconnects by itself until it is closed. */
  openFeed(options: FeedOptions): TradeFeed;
}

export interface CallOptions {
  /** Ends the call, waits included, with an `aborted` failure. */
  readonly signal: AbortSignal;
  /**
   * Who goes first when the venue's budget is short: `repair` (live gaps), then `skeleton` (candles that bound what is not
   * loaded yet), then `history`. Default `history`.
   */
  readonly priority?: RequestPriority;
}

export type RequestPriority = "repair" | "skeleton" | "history";

/** Candles and the scales of their integers: the instrument's, or finer where an older candle needs more digits. */
export interface CandlesOfRange {
  readonly scales: Scales;
  readonly candles: readonly Candle[];
}

/** The trades of a window and what stood beside them. */
export interface TradesOfRange {
  readonly batch: TradeBatch;
  /** Prints that are no market trades (no price or size, insurance fund, ADL). */
  readonly dropped: number;
  /** Rows whose id had come already. */
  readonly duplicates: number;
  /** Ids that the venue left out, asked again included: half-open id ranges. */
  readonly idGaps: readonly IdRange[];
  readonly requests: number;
  /** No trade at or after the window's end was seen: whether its last minutes are over only a clock can tell. */
  readonly openEnd?: true;
}

/** Half-open range of trade ids `[from, to)`. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/** Where a tape stands: the id and time of a trade. */
export interface TradePosition {
  readonly id: number;
  readonly timeUs: number;
}

export interface FeedOptions {
  readonly instruments: readonly Instrument[];
  readonly kind: TradeKind;
  readonly listener: FeedListener;
}

/**
 * What a feed tells. Calls are synchronous and in the order of arrival; the listener must not throw.
 * Frames may repeat, come out of order or be missing: proving continuity is the listener's work (by ids),
 * keeping a connection alive is the feed's.
 */
export interface FeedListener {
  /**
   * The stream of `symbol` is subscribed on a fresh connection. Nothing is known of what came before.
   * Not told when one connection takes over from another that still delivers: then neither `down` nor `up` is.
   */
  up(symbol: string): void;
  trades(symbol: string, batch: TradeBatch): void;
  /** A print that is no market trade took this id: it is no hole in the tape. */
  dropped?(symbol: string, id: number): void;
  /** The connection that carried `symbol` has ended, or is no longer believed. */
  down(symbol: string, reason: string): void;
}

export interface FeedCounters {
  readonly frames: number;
  readonly trades: number;
  /** Frames that are not trades: acknowledgements, books, other events. */
  readonly ignored: number;
  /** Frames that should have been trades and could not be read. */
  readonly faulty: number;
  /** Prints that are no market trades. */
  readonly dropped: number;
  readonly connects: number;
}

export interface TradeFeed {
  readonly counters: FeedCounters;
  /** Ends the connection; no listener call follows. */
  close(): Promise<void>;
}
