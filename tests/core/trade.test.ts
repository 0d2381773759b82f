import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  DecimalError,
  formatUnits,
  InvariantError,
  pickRows,
  rescaleBatch,
  sliceBatch,
  sortedUnique,
  TradeBatchBuilder,
  type TradeText,
} from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf, rowsOf, SCALE_0 } from "./trades.ts";

function trade(id: number, price: string, size: string): TradeText {
  return { id, timeUs: id * 1_000, price, size, firstId: id * 10, lastId: id * 10 + 1, buy: id % 2 === 0 };
}

test("TradeBatchBuilder.push(), grows the scales and keeps every value", () => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0, 1);
  builder.push(trade(1, "100", "3"));
  builder.push(trade(2, "100.05", "2.5"));
  builder.push(trade(3, "99.5", "0.125"));
  const batch = builder.build();
  expect(batch.scales).toEqual({ priceScale: 2, sizeScale: 3 });
  expect([...batch.price]).toEqual([10_000, 10_005, 9_950]);
  expect([...batch.size]).toEqual([3_000, 2_500, 125]);
  expect(rowsOf(batch).map((row) => [row.id, row.firstId, row.lastId, row.buy])).toEqual([
    [1, 10, 11, false],
    [2, 20, 21, true],
    [3, 30, 31, false],
  ]);
});

test("TradeBatchBuilder.push(), gives back the decimals that it was given", () => {
  const text = fc.tuple(fc.integer({ min: 1, max: 999_999 }), fc.nat({ max: 6 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 30 }), (values) => {
      const builder = new TradeBatchBuilder("raw", SCALE_0, 2);
      const texts = values.map(([[p, ps], [s, ss]]) => [formatUnits(p, ps), formatUnits(s, ss)] as const);
      texts.forEach(([price, size], i) => {
        builder.push(trade(i, price, size));
      });
      const { price, size, scales, length } = builder.build();
      expect(length).toBe(values.length);
      expect(
        Array.from(price, (p, i) => [
          formatUnits(p, scales.priceScale),
          formatUnits(size[i]!, scales.sizeScale),
        ]),
      ).toEqual(texts.map((pair) => [...pair]));
    }),
  );
});

test("TradeBatchBuilder.push(), takes no print without price or size", () => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0);
  expect(builder.push(trade(1, "0.00000000", "0.00000000"))).toBe(false);
  expect(builder.push(trade(1, "1", "0"))).toBe(false);
  expect(builder.push(trade(1, "0", "1"))).toBe(false);
  expect(builder.length).toBe(0);
  expect(builder.scales).toEqual(SCALE_0);
});

test.each([
  ["a price that is no decimal", "1x", "1"],
  ["a price with more digits than any scale", `0.${"0".repeat(30)}1`, "1"],
  ["a price whose digits leave no room for the prices before", "0.0000000001", "1"],
  ["a size whose digits leave no room, after a price that grew the scale", "1.5", "0.0000000001"],
])("TradeBatchBuilder.push(), refuses %s and stays as it was", (_, price, size) => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0);
  builder.push(trade(1, "9000000", "9000000"));
  expect(() => builder.push(trade(2, price, size))).toThrow(DecimalError);
  expect(builder.scales).toEqual(SCALE_0);
  expect(rowsOf(builder.build())).toEqual(
    rowsOf(batchOf([])).concat([
      { id: 1, timeUs: 1_000, price: 9_000_000, size: 9_000_000, firstId: 10, lastId: 11, buy: false },
    ]),
  );
});

test("TradeBatchBuilder.build(), hands out a view that later pushes leave alone", () => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0, 8);
  builder.push(trade(1, "5", "7"));
  const early = builder.build();
  builder.push(trade(2, "5.25", "7.5"));
  expect([early.length, early.price[0], early.size[0], early.scales]).toEqual([1, 5, 7, SCALE_0]);
});

test("TradeBatchBuilder.append(), equals pushing the trades one by one", () => {
  fc.assert(
    fc.property(arbitraryTrades(), fc.nat({ max: 60 }), fc.nat({ max: 3 }), (trades, cut, finer) => {
      const whole = batchOf(trades);
      const builder = new TradeBatchBuilder("aggregate", SCALE_0, 1);
      builder.append(batchOf([]));
      const at = Math.min(cut, whole.length);
      builder.append(rescaleBatch(sliceBatch(whole, 0, at), { priceScale: finer, sizeScale: 0 }));
      builder.append(rescaleBatch(sliceBatch(whole, at, whole.length), { priceScale: 0, sizeScale: finer }));
      const scales = { priceScale: finer, sizeScale: finer };
      expect(builder.scales).toEqual(scales);
      expect(rowsOf(builder.build())).toEqual(rowsOf(rescaleBatch(whole, scales)));
    }),
  );
});

test("TradeBatchBuilder.append(), never mixes two kinds of tape", () => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0);
  expect(() => builder.append(batchOf([], "raw"))).toThrow(InvariantError);
});

test("TradeBatchBuilder.append(), leaves the builder as it was when the scales do not fit together", () => {
  const builder = new TradeBatchBuilder("aggregate", SCALE_0);
  builder.push(trade(1, "1", "1"));
  const wide = new TradeBatchBuilder("aggregate", SCALE_0);
  wide.push(trade(2, "9007199254740991", "0.5"));
  builder.growScales({ priceScale: 1, sizeScale: 0 });
  expect(() => builder.append(wide.build())).toThrow(DecimalError);
  expect([builder.length, builder.scales]).toEqual([1, { priceScale: 1, sizeScale: 0 }]);
});

test("rescaleBatch(), multiplies in new columns, and refuses to go back", () => {
  const batch = batchOf([{ id: 1, timeUs: 1, price: 5, size: 7, raw: 1, buy: true }]);
  expect(rescaleBatch(batch, SCALE_0)).toBe(batch);
  const finer = rescaleBatch(batch, { priceScale: 2, sizeScale: 1 });
  expect([finer.price[0], finer.size[0], batch.price[0], batch.size[0]]).toEqual([500, 70, 5, 7]);
  expect(() => rescaleBatch(finer, SCALE_0)).toThrow(InvariantError);
});

test("sortedUnique(), answers an ordered batch as it is", () => {
  const batch = batchOf([1, 2, 5].map((id) => ({ id, timeUs: id, price: 1, size: 1, raw: 1, buy: true })));
  expect(sortedUnique(batch)).toEqual({ batch, duplicates: 0 });
  expect(sortedUnique(batch).batch).toBe(batch);
});

test("sortedUnique(), orders by id and keeps the first row of each", () => {
  fc.assert(
    fc.property(arbitraryTrades(), fc.array(fc.nat({ max: 59 }), { maxLength: 80 }), (trades, picks) => {
      const source = batchOf(trades);
      const rows = picks.filter((pick) => pick < source.length);
      const shuffled = pickRows(source, rows);
      // The same id with other contents, so that "the first" can be told.
      shuffled.size.forEach((_, i) => {
        shuffled.size[i] = i + 1;
      });
      const firstOf = new Map<number, ReturnType<typeof rowsOf>[number]>();
      for (const row of rowsOf(shuffled)) if (!firstOf.has(row.id)) firstOf.set(row.id, row);
      const { batch, duplicates } = sortedUnique(shuffled);
      expect(rowsOf(batch)).toEqual([...firstOf.values()].sort((a, b) => a.id - b.id));
      expect(duplicates).toBe(shuffled.length - firstOf.size);
    }),
  );
});
