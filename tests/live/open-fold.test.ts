import { expect, test } from "bun:test";
import fc from "fast-check";
import { foldMinutes, rescaleBatch, sliceBatch } from "../../src/core/mod.ts";
import { OpenFold } from "../../src/live/open-fold.ts";
import { batchOfTrades, madeTrades, SCALES } from "../support/trades.ts";

const MINUTE = 28_000_000;
const FROM_MS = MINUTE * 60_000;

const batchOf = (seed: number, count: number) =>
  batchOfTrades(madeTrades(seed, { count, fromMs: FROM_MS, toMs: FROM_MS + 60_000 }));

test("OpenFold.upTo(), after any growth contributes what its trades do from scratch, on any grid", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(
        fc.record({ grows: fc.nat({ max: 12 }), finer: fc.nat({ max: 1 }), binUnits: fc.constantFrom(5, 7) }),
        { minLength: 1, maxLength: 8 },
      ),
      (seed, steps) => {
        const all = batchOf(seed, 100);
        const fold = new OpenFold(MINUTE);
        let end = 1;
        for (const { grows, finer, binUnits } of steps) {
          end += grows;
          const batch = sliceBatch(all, 0, end);
          const scales = { ...SCALES, priceScale: SCALES.priceScale + finer };
          const grid = { scales, binUnits: binUnits * 10 ** finer };
          expect(fold.upTo(batch, grid)).toEqual(foldMinutes(rescaleBatch(batch, scales), grid.binUnits));
        }
      },
    ),
  );
});

test("OpenFold.upTo(), what it answered before stays as it was", () => {
  const all = batchOf(1, 60);
  const fold = new OpenFold(MINUTE);
  const grid = { scales: SCALES, binUnits: 5 };
  const former = fold.upTo(sliceBatch(all, 0, 20), grid);
  fold.upTo(all, grid);
  expect(former).toEqual(foldMinutes(sliceBatch(all, 0, 20), 5));
});
