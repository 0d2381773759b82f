import fc from "fast-check";
import { type Scales, type TradeBatch, TradeBatchBuilder, type TradeKind } from "../../src/core/mod.ts";

/** A trade in integers, as the tests' own models compute with it. */
export interface PlainTrade {
  readonly id: number;
  readonly timeUs: number;
  readonly price: number;
  readonly size: number;
  /** Raw trades behind it. */
  readonly raw: number;
  readonly buy: boolean;
}

/** A batch at scale 0 in the order given; raw ids run on without holes. */
export function batchOf(trades: readonly PlainTrade[], kind: TradeKind = "aggregate"): TradeBatch {
  const builder = new TradeBatchBuilder(kind, { priceScale: 0, sizeScale: 0 }, 4);
  let firstId = 1_000;
  for (const { raw, price, size, ...rest } of trades) {
    builder.push({ ...rest, price: String(price), size: String(size), firstId, lastId: firstId + raw - 1 });
    firstId += raw;
  }
  return builder.build();
}

/** Trades in id order, spread over some minutes; times may run backwards, as venues' do. */
export function arbitraryTrades({
  priceMax = 400,
  sizeMax = 1_000,
  maxLength = 60,
}: {
  readonly priceMax?: number;
  readonly sizeMax?: number;
  readonly maxLength?: number;
} = {}): fc.Arbitrary<PlainTrade[]> {
  const trade = fc.record({
    timeUs: fc.integer({ min: 0, max: 5 * 60_000_000 - 1 }),
    price: fc.integer({ min: 1, max: priceMax }),
    size: fc.integer({ min: 1, max: sizeMax }),
    raw: fc.integer({ min: 1, max: 4 }),
    buy: fc.boolean(),
  });
  return fc.array(trade, { maxLength }).map((trades) => trades.map((t, i) => ({ ...t, id: i + 1 })));
}

/** The rows of a batch as plain objects. */
export function rowsOf(batch: TradeBatch) {
  return Array.from({ length: batch.length }, (_, i) => ({
    id: batch.id[i]!,
    timeUs: batch.timeUs[i]!,
    price: batch.price[i]!,
    size: batch.size[i]!,
    firstId: batch.firstId[i]!,
    lastId: batch.lastId[i]!,
    buy: batch.buy[i] === 1,
  }));
}

export const SCALE_0: Scales = { priceScale: 0, sizeScale: 0 };
