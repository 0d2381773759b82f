import { pickRows, type TradeBatch } from "../core/mod.ts";
import type { Candle } from "./candles.ts";

/** Fields of a candle that can be made to contradict its trades. */
export const DISTORTED_FIELDS = ["high", "volume", "quote_volume", "buy_volume", "count"] as const;
export type DistortedField = (typeof DISTORTED_FIELDS)[number];

/** How a trade is told wrong: so many units too many in one of its values. */
export interface WrongTrade {
  readonly field: "price" | "size";
  readonly by: number;
}

/** A row told wrong: its id and time are the right ones. */
export function wrongRow(batch: TradeBatch, row: number, { field, by }: WrongTrade): TradeBatch {
  const own = pickRows(batch, [row]);
  return { ...own, [field]: own[field].map((units) => units + by) };
}

/** A candle with one unit too many in one field. */
export function distortedCandle(candle: Candle, field: DistortedField): Candle {
  switch (field) {
    case "high":
      return { ...candle, high: candle.high + 1 };
    case "volume":
      return { ...candle, volume: candle.volume + 1n };
    case "quote_volume":
      return { ...candle, quoteVolume: candle.quoteVolume + 1n };
    case "buy_volume":
      return { ...candle, buyVolume: candle.buyVolume + 1n };
    case "count":
      return { ...candle, rawCount: candle.rawCount + 1 };
  }
}
