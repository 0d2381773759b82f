import { type Candles, createCandles } from "./candles.ts";
import type { Market } from "./market.ts";
import { createTapeView, type TapeView } from "./tape-view.ts";

/** A market as the exchange shows it: its tape and its candles. */
export interface Listing {
  readonly market: Market;
  readonly view: TapeView;
  readonly candles: Candles;
}

/** The symbols of the exchange by name. */
export type Listings = ReadonlyMap<string, Listing>;

/** `giveWay` as in {@link createCandles}. */
export function listMarkets(markets: readonly Market[], giveWay: () => Promise<void>): Listings {
  return new Map(
    markets.map((market) => [
      market.spec.symbol,
      { market, view: createTapeView(market), candles: createCandles(market, giveWay) },
    ]),
  );
}
