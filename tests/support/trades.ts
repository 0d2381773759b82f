import type { Instrument, Scales, TradeBatch, TradeKind } from "../../src/core/mod.ts";

/** A trade in plain integers at one pair of scales. */
export interface MadeTrade {
  readonly id: number;
  readonly timeMs: number;
  /** Price and size units. */
  readonly price: number;
  readonly size: number;
  readonly buy: boolean;
}

export const SCALES: Scales = { priceScale: 2, sizeScale: 3 };

/** A symbol that trades at {@link SCALES}, in ticks of 0.01. */
export function instrumentNamed(symbol: string, scales: Scales = SCALES): Instrument {
  return { venue: "binance", market: "spot", symbol, ...scales, tickUnits: 1, lotUnits: 1 };
}

/** Reproducible numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * `count` trades with ids from `firstId` on, their times spread over `[fromMs, toMs)` and ascending, several sharing a
 * millisecond, their price walking around 100.00.
 */
export function madeTrades(
  seed: number,
  {
    count,
    fromMs,
    toMs,
    firstId = 1,
  }: { readonly count: number; readonly fromMs: number; readonly toMs: number; readonly firstId?: number },
): MadeTrade[] {
  const random = seededRandom(seed);
  const times = Array.from({ length: count }, () => fromMs + Math.floor(random() * (toMs - fromMs)));
  times.sort((a, b) => a - b);
  let price = 10_000;
  return times.map((timeMs, i) => {
    price = Math.max(1, price + Math.floor(random() * 7) - 3);
    return { id: firstId + i, timeMs, price, size: 1 + Math.floor(random() * 5_000), buy: random() < 0.5 };
  });
}

/** The trades as a batch, in the order given. */
export function batchOfTrades(
  trades: readonly MadeTrade[],
  { kind = "aggregate", scales = SCALES }: { readonly kind?: TradeKind; readonly scales?: Scales } = {},
): TradeBatch {
  const column = (pick: (trade: MadeTrade) => number) => Float64Array.from(trades, pick);
  const id = column((trade) => trade.id);
  return {
    kind,
    scales,
    length: trades.length,
    id,
    timeUs: column((trade) => trade.timeMs * 1_000),
    price: column((trade) => trade.price),
    size: column((trade) => trade.size),
    firstId: id,
    lastId: id,
    buy: Uint8Array.from(trades, (trade) => (trade.buy ? 1 : 0)),
  };
}

/** Ids of a batch, in its order. */
export function idsOf(batch: TradeBatch): number[] {
  return [...batch.id.subarray(0, batch.length)];
}
