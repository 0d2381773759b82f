import type { MinuteRange, Scales, TradeBatch } from "../core/mod.ts";

/** What one symbol of the exchange trades in. */
export interface SymbolSpec {
  /** Upper case, e.g. `BTCUSDT`. */
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  /** Scales of every batch of the market; at most 8 digits, as the wire has. */
  readonly scales: Scales;
  /** Smallest price step, price units. */
  readonly tickUnits: number;
  /** Smallest size step, size units. */
  readonly lotUnits: number;
}

/**
 * A tape that can be entered at any minute. Trades are counted by their *position*, contiguous from the first to the
 * last, so that time, id and page are all ranges of positions.
 *
 * Every answer depends on the argument alone. Trades of the future are answered too: the reader cuts at its clock.
 */
export interface Market {
  readonly spec: SymbolSpec;
  /** Minutes outside of this range have neither trades nor candles. */
  readonly span: MinuteRange;
  /** All trades of a minute in id order, time not descending. The batch is shared: read only. */
  tradesOf(minute: number): TradeBatch;
  /** Position of the first trade at or after the start of `minute`. Ascending; cheap. */
  positionAt(minute: number): number;
  /** The minute whose trades hold `position`; `position` lies in [positionAt(span.lo), positionAt(span.hi)). */
  minuteOfPosition(position: number): number;
  /** Position of the first trade whose id is `id` or more. */
  positionOfId(id: number): number;
}

const QUOTES = ["USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "BTC", "ETH", "BNB", "EUR", "TRY"];

/** Splits `XRPETH` into its assets; a symbol with an unknown quote is split in the middle. */
export function assetsOf(symbol: string): { readonly baseAsset: string; readonly quoteAsset: string } {
  const quote = QUOTES.find((q) => symbol.endsWith(q) && symbol.length > q.length);
  const at = quote === undefined ? Math.ceil(symbol.length / 2) : symbol.length - quote.length;
  return { baseAsset: symbol.slice(0, at), quoteAsset: symbol.slice(at) };
}
