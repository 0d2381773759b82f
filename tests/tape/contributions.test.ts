import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { foldMinutes, rescaleBatch, rescaleContributions } from "../../src/core/mod.ts";
import { narrowUnitsBelow } from "../../src/tape/square-sums.ts";
import {
  batches,
  batchOf,
  DAY,
  DAY_LO,
  SCALES,
  SERIES,
  spread,
  TWO_DAYS,
  within,
  withTape,
} from "./support.ts";

const T0 = DAY_LO * 60_000_000;

describe("contributions()", () => {
  test("equals folding the trades, bit for bit, for any batch, bin size and ranges", async () => {
    await withTape(async (tape) => {
      const lo = fc.integer({ min: 0, max: 2_880 });
      await fc.assert(
        fc.asyncProperty(
          batches(),
          fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 2 ** 40 })),
          fc.array(fc.tuple(lo, lo), { maxLength: 3 }),
          async (batch, binUnits, pairs) => {
            const files = await tape.write({ series: SERIES, batch, range: TWO_DAYS, origin: "rest" });
            const ranges = [
              { lo: DAY_LO, hi: DAY_LO + 2 },
              ...pairs.map(([a, b]) => ({ lo: DAY_LO + Math.min(a, b), hi: DAY_LO + Math.max(a, b) })),
            ];
            const got = await tape.contributions(files, { ranges, scales: SCALES, binUnits });
            expect(got).toEqual(foldMinutes(within(batch, ranges), binUnits));
          },
        ),
        { numRuns: 40 },
      );
    });
  }, 60_000);

  test("sums price × size exactly beyond 2^53 and beyond 2^64", async () => {
    await withTape(async (tape) => {
      const max = Number.MAX_SAFE_INTEGER;
      const batch = batchOf([
        { id: 1, timeUs: T0, price: max, size: 2 ** 52 - 1 },
        { id: 2, timeUs: T0 + 1, price: max - 2, size: 2 ** 51 + 1, buy: true },
      ]);
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
      const { minutes } = await tape.contributions(files, { ranges: [DAY], scales: SCALES, binUnits: 7 });
      expect(minutes[0]!.quoteVolume).toBe(
        BigInt(max) * BigInt(2 ** 52 - 1) + BigInt(max - 2) * BigInt(2 ** 51 + 1),
      );
      expect(minutes).toEqual([...foldMinutes(batch, 7).minutes]);
    });
  });

  test("sums price² × size exactly at every scale, on both sides of what 64 bits hold", async () => {
    await withTape(async (tape) => {
      const max = Number.MAX_SAFE_INTEGER;
      for (const priceScale of [0, 2, 8, 9, 10, 13, 18])
        for (const sizeScale of [0, 8, 18]) {
          const limit = narrowUnitsBelow({ priceScale, sizeScale });
          // One minute of small prices, one of large ones, and one of both.
          const prices = [1, limit - 1, limit, max, 1, limit - 1, max - 2].map((price) => Math.max(1, price));
          const rows = prices.map((price, i) => ({
            ...{ id: i + 1, price, size: 2 ** 49 + i, buy: true },
            timeUs: T0 + Math.floor(i / 2) * 60_000_000,
          }));
          const batch = batchOf(rows, { priceScale, sizeScale });
          const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
          const scales = { priceScale, sizeScale };
          const got = await tape.contributions(files, { ranges: [DAY], scales, binUnits: 1_000 });
          expect(got).toEqual(foldMinutes(batch, 1_000));
        }
    });
  });

  test("refuses a minute whose volume is beyond 2^53 − 1, as folding does", async () => {
    await withTape(async (tape) => {
      const batch = batchOf([
        { id: 1, timeUs: T0, price: 1, size: Number.MAX_SAFE_INTEGER },
        { id: 2, timeUs: T0 + 1, price: 2, size: 1 },
      ]);
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
      const reading = tape.contributions(files, { ranges: [DAY], scales: SCALES, binUnits: 1 });
      await expect(reading).rejects.toMatchObject({ name: "InvariantError" });
      expect(() => foldMinutes(batch, 1)).toThrow("beyond 2^53");
    });
  });

  test("joins files of different scales at the finest, exactly", async () => {
    await withTape(async (tape) => {
      const coarse = { priceScale: 1, sizeScale: 3 };
      const fine = { priceScale: 4, sizeScale: 8 };
      const first = batchOf([{ id: 1, timeUs: T0, price: 421_234, size: 1_500 }], coarse);
      const second = batchOf(
        [
          { id: 2, timeUs: T0 + 1_000, price: 421_234_567, size: 123_456_789, buy: true },
          { id: 3, timeUs: T0 + 60_000_000, price: 1, size: 1 },
        ],
        fine,
      );
      const files = [
        ...(await tape.write({ series: SERIES, batch: first, range: DAY, origin: "rest" })),
        ...(await tape.write({ series: SERIES, batch: second, range: DAY, origin: "rest" })),
      ];
      const whole = batchOf(
        [
          { id: 1, timeUs: T0, price: 421_234_000, size: 150_000_000 },
          { id: 2, timeUs: T0 + 1_000, price: 421_234_567, size: 123_456_789, buy: true },
          { id: 3, timeUs: T0 + 60_000_000, price: 1, size: 1 },
        ],
        fine,
      );
      const request = { ranges: [DAY], scales: fine, binUnits: 1_000 };
      expect(await tape.contributions(files, request)).toEqual(foldMinutes(whole, 1_000));
      // One file alone, finer than it is.
      const alone = await tape.contributions(files.slice(0, 1), request);
      expect(alone).toEqual(rescaleContributions(foldMinutes(first, 1), fine));
      expect(alone.minutes).toEqual([...foldMinutes(rescaleBatch(first, fine), 1_000).minutes]);
    });
  });

  test("refuses scales that would round", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({ series: SERIES, batch: spread(10, DAY), range: DAY, origin: "rest" });
      for (const scales of [
        { priceScale: 1, sizeScale: 5 },
        { priceScale: 2, sizeScale: 4 },
      ]) {
        const reading = tape.contributions(files, { ranges: [DAY], scales, binUnits: 1 });
        await expect(reading).rejects.toThrow("coarser than 2/5");
      }
    });
  });

  test("takes of each file only the minutes that it still owns", async () => {
    await withTape(async (tape) => {
      const whole = { lo: DAY_LO, hi: DAY_LO + 10 };
      const part = { lo: DAY_LO + 3, hi: DAY_LO + 5 };
      const old = spread(100, whole);
      const corrected = spread(7, part, 31);
      const [before] = await tape.write({ series: SERIES, batch: old, range: whole, origin: "live" });
      const [after] = await tape.write({ series: SERIES, batch: corrected, range: part, origin: "rest" });
      const kept = [
        { lo: DAY_LO, hi: DAY_LO + 3 },
        { lo: DAY_LO + 5, hi: DAY_LO + 10 },
      ];
      const request = { ranges: [whole], scales: SCALES, binUnits: 10 };
      const got = await tape.contributions(
        [
          { ...before!, ranges: kept },
          { ...after!, ranges: [part] },
        ],
        request,
      );
      const want = [
        ...foldMinutes(within(old, kept), 10).minutes,
        ...foldMinutes(corrected, 10).minutes,
      ].toSorted((a, b) => a.minute - b.minute);
      expect(got.minutes).toEqual(want);
      // Without saying who owns what, trades 31 to 37 would count twice.
      await expect(tape.contributions([before!, after!], request)).rejects.toThrow("two files");
    });
  });

  test("answers no minutes for no files, no ranges and minutes without trades", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({ series: SERIES, batch: spread(10, DAY), range: DAY, origin: "rest" });
      const request = { ranges: [DAY], scales: SCALES, binUnits: 3 };
      const none = { scales: SCALES, binUnits: 3, minutes: [] };
      expect(await tape.contributions([], request)).toEqual(none);
      expect(await tape.contributions(files, { ...request, ranges: [] })).toEqual(none);
      const ranges = [{ lo: DAY_LO + 1, hi: DAY_LO + 2 }];
      expect(await tape.contributions(files, { ...request, ranges })).toEqual(none);
    });
  });

  test("folds a busy day of many minutes and bins", async () => {
    await withTape(async (tape) => {
      const batch = spread(120_000, DAY);
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "archive" });
      const got = await tape.contributions(files, { ranges: [DAY], scales: SCALES, binUnits: 2 });
      expect(got.minutes).toHaveLength(1_440);
      expect(got).toEqual(foldMinutes(batch, 2));
    });
  });
});
