import type { KnownBar } from "../../src/core/mod.ts";
import type { MadeTrade } from "../support/trades.ts";

/** The sums of a bar from its trades, with nothing but bigint and a loop. */
export function naiveBar(trades: readonly MadeTrade[], { lo, hi }: KnownBar["range"]): KnownBar["sums"] {
  const own = trades
    .filter(({ timeMs }) => timeMs >= lo * 60_000 && timeMs < hi * 60_000)
    .sort((a, b) => a.id - b.id);
  let volume = 0n;
  let quoteVolume = 0n;
  let buyVolume = 0n;
  for (const { price, size, buy } of own) {
    volume += BigInt(size);
    quoteVolume += BigInt(price) * BigInt(size);
    if (buy) buyVolume += BigInt(size);
  }
  const prices = own.map(({ price }) => price);
  return {
    open: prices[0] ?? null,
    high: prices.length === 0 ? null : Math.max(...prices),
    low: prices.length === 0 ? null : Math.min(...prices),
    close: prices.at(-1) ?? null,
    ...{ volume, quoteVolume, buyVolume, tradeCount: own.length, candles: 0 },
  };
}
