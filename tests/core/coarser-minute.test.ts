import { expect, test } from "bun:test";
import fc from "fast-check";
import { coarserMinute, foldMinutes } from "../../src/core/mod.ts";
import { batchOfTrades, madeTrades } from "../support/trades.ts";

const BIN_UNITS = 2;

test("coarserMinute(), holds what folding into wider bins holds", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (seed, count, coarser) => {
        const batch = batchOfTrades(madeTrades(seed, { count, fromMs: 0, toMs: 60_000 }));
        const [fine] = foldMinutes(batch, BIN_UNITS).minutes;
        expect(coarserMinute(fine!, coarser)).toEqual(foldMinutes(batch, BIN_UNITS * coarser).minutes[0]!);
      },
    ),
  );
});

test("coarserMinute(), bins grow by whole factors", () => {
  const [minute] = foldMinutes(
    batchOfTrades(madeTrades(1, { count: 3, fromMs: 0, toMs: 1 })),
    BIN_UNITS,
  ).minutes;
  expect(() => coarserMinute(minute!, 1.5)).toThrow("bins grow by whole factors, got 1.5");
  expect(() => coarserMinute(minute!, 0)).toThrow("bins grow by whole factors");
});
