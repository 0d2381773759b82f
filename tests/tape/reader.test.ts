import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BATCH_ROWS_MAX } from "../../src/tape/mod.ts";
import {
  batches,
  batchOf,
  DAY,
  DAY_LO,
  gather,
  SCALES,
  SERIES,
  spread,
  TWO_DAYS,
  within,
  withTape,
} from "./support.ts";

describe("trades()", () => {
  test("gives back any batch exactly, over files of several days", async () => {
    await withTape(async (tape) => {
      await fc.assert(
        fc.asyncProperty(batches(), async (batch) => {
          const files = await tape.write({ series: SERIES, batch, range: TWO_DAYS, origin: "rest" });
          expect(await gather(tape.trades(files, { ranges: [TWO_DAYS], scales: SCALES }))).toEqual(batch);
        }),
        { numRuns: 25 },
      );
    });
  }, 60_000);

  test("orders files by id, whatever their order in the list", async () => {
    await withTape(async (tape) => {
      const files = [];
      for (const hour of [2, 0, 1]) {
        const range = { lo: DAY_LO + hour * 60, hi: DAY_LO + hour * 60 + 60 };
        const batch = spread(3_000, range, 1 + hour * 3_000);
        files.push(...(await tape.write({ series: SERIES, batch, range, origin: "rest" })));
      }
      const read = await gather(tape.trades(files, { ranges: [DAY], scales: SCALES }));
      expect(Array.from(read.id)).toEqual(Array.from({ length: 9_000 }, (_, i) => i + 1));
    });
  });

  test("takes only the wanted minutes, in bounded batches", async () => {
    await withTape(async (tape) => {
      const batch = spread(100_000, DAY);
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
      const ranges = [
        { lo: DAY_LO + 700, hi: DAY_LO + 1_200 },
        { lo: DAY_LO + 10, hi: DAY_LO + 11 },
      ];
      const lengths: number[] = [];
      for await (const part of tape.trades(files, { ranges, scales: SCALES })) lengths.push(part.length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(BATCH_ROWS_MAX);
      expect(lengths.length).toBeGreaterThan(1);
      expect(await gather(tape.trades(files, { ranges, scales: SCALES }))).toEqual(within(batch, ranges));
    });
  });

  test("hands out batches that stay as they are while reading goes on", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({
        series: SERIES,
        batch: spread(40_000, DAY),
        range: DAY,
        origin: "rest",
      });
      const held = [];
      for await (const part of tape.trades(files, { ranges: [DAY], scales: SCALES }))
        held.push({ part, first: part.id[0] });
      for (const { part, first } of held) expect(part.id[0]).toBe(first!);
      expect(held.reduce((sum, { part }) => sum + part.length, 0)).toBe(40_000);
    });
  });

  test("reads files of different scales at the finest, and raw trades as raw", async () => {
    await withTape(async (tape) => {
      const fine = { priceScale: 4, sizeScale: 6 };
      const at = DAY_LO * 60_000_000;
      const a = batchOf([{ id: 1, timeUs: at, price: 5, size: 7 }], { priceScale: 0, sizeScale: 6 }, "raw");
      const b = batchOf([{ id: 2, timeUs: at, price: 9, size: 3 }], { priceScale: 4, sizeScale: 0 }, "raw");
      const files = [
        ...(await tape.write({ series: SERIES, batch: a, range: DAY, origin: "live" })),
        ...(await tape.write({ series: SERIES, batch: b, range: DAY, origin: "live" })),
      ];
      const read = await gather(tape.trades(files, { ranges: [DAY], scales: fine }), fine);
      expect(read).toEqual(
        batchOf(
          [
            { id: 1, timeUs: at, price: 50_000, size: 7 },
            { id: 2, timeUs: at, price: 9, size: 3_000_000 },
          ],
          fine,
          "raw",
        ),
      );
    });
  });

  test("never mixes aggregates and raw trades", async () => {
    await withTape(async (tape) => {
      const row = { timeUs: DAY_LO * 60_000_000, price: 5, size: 7 };
      const files = [
        ...(await tape.write({
          series: SERIES,
          batch: batchOf([{ ...row, id: 1 }]),
          range: DAY,
          origin: "a",
        })),
        ...(await tape.write({
          series: SERIES,
          batch: batchOf([{ ...row, id: 2 }], SCALES, "raw"),
          range: DAY,
          origin: "b",
        })),
      ];
      const reading = gather(tape.trades(files, { ranges: [DAY], scales: SCALES }));
      await expect(reading).rejects.toThrow("expected one kind of trades");
    });
  });

  test("refuses a trade that stands in two files", async () => {
    await withTape(async (tape) => {
      const one = { series: SERIES, batch: spread(10, DAY, 1), range: DAY, origin: "a" };
      const two = { series: SERIES, batch: spread(10, DAY, 10), range: DAY, origin: "b" };
      const files = [...(await tape.write(one)), ...(await tape.write(two))];
      const reading = gather(tape.trades(files, { ranges: [DAY], scales: SCALES }));
      await expect(reading).rejects.toThrow("gave trade 10 after 10");
    });
  });

  test("frees its connection when the reader leaves early", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({
        series: SERIES,
        batch: spread(40_000, DAY),
        range: DAY,
        origin: "rest",
      });
      for (let i = 0; i < 20; i++)
        for await (const part of tape.trades(files, { ranges: [DAY], scales: SCALES })) {
          expect(part.length).toBeGreaterThan(0);
          break;
        }
      expect((await tape.query("SELECT 1")).rows).toEqual([[1]]);
    });
  });

  test("ends with the signal, also between two batches", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({
        series: SERIES,
        batch: spread(60_000, DAY),
        range: DAY,
        origin: "rest",
      });
      const stop = new AbortController();
      const reading = (async () => {
        for await (const _ of tape.trades(files, { ranges: [DAY], scales: SCALES }, { signal: stop.signal }))
          stop.abort();
      })();
      await expect(reading).rejects.toMatchObject({ code: "aborted" });
    });
  });
});
