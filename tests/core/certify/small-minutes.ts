import type { SkeletonCandle } from "../../../src/core/mod.ts";

/** One trade of a small minute. */
export interface SmallTrade {
  readonly price: number;
  readonly size: number;
  readonly buy: boolean;
}

/** Every minute of up to `tradesMax` trades at the given prices and sizes, in the order they were made. */
export function* everyMinute(
  prices: readonly number[],
  sizes: readonly number[],
  tradesMax: number,
): Generator<readonly SmallTrade[]> {
  const trades = prices.flatMap((price) =>
    sizes.flatMap((size) => [true, false].map((buy): SmallTrade => ({ price, size, buy }))),
  );
  function* longer(minute: readonly SmallTrade[]): Generator<readonly SmallTrade[]> {
    if (minute.length > 0) yield minute;
    if (minute.length < tradesMax) for (const trade of trades) yield* longer([...minute, trade]);
  }
  yield* longer([]);
}

/** What a venue's candle may leave out. */
export type Told = "all" | "no sides" | "no count" | "no sides, no count" | "no quote volume";
export const TOLD: readonly Told[] = ["all", "no sides", "no count", "no sides, no count", "no quote volume"];

export function candleOf(trades: readonly SmallTrade[], told: Told, minute = 0): SkeletonCandle {
  const prices = trades.map(({ price }) => price);
  const sum = (of: (trade: SmallTrade) => number) => trades.reduce((total, trade) => total + of(trade), 0);
  return {
    minute,
    open: prices[0]!,
    high: Math.max(...prices),
    low: Math.min(...prices),
    close: prices.at(-1)!,
    volume: sum((t) => t.size),
    ...(told !== "no quote volume" && { quoteVolume: BigInt(sum((t) => t.price * t.size)) }),
    ...(!told.includes("no sides") && {
      buyVolume: sum((t) => (t.buy ? t.size : 0)),
      buyQuoteVolume: BigInt(sum((t) => (t.buy ? t.price * t.size : 0))),
    }),
    ...(!told.includes("no count") && { rawCount: trades.length }),
  };
}
