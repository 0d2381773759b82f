import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { sliceBatch } from "../../src/core/mod.ts";
import { splitDays } from "../../src/tape/day-parts.ts";
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
  withTape,
} from "./support.ts";

const T0 = DAY_LO * 60_000_000;

describe("write()", () => {
  test("answers what is on the disk: bytes, sha256, rows, ids and times", async () => {
    await withTape(async (tape) => {
      const batch = spread(5_000, DAY, 100);
      const [file, ...more] = await tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
      expect(more).toEqual([]);
      const content = await readFile(join(tape.dir, file!.path));
      const sha256 = createHash("sha256").update(content).digest("hex");
      expect(file).toEqual({
        path: `venue=binance/market=spot/symbol=BTCUSDT/date=2026-01-02/0000-2400-${sha256.slice(0, 12)}.parquet`,
        bytes: content.length,
        sha256,
        rows: 5_000,
        firstId: 100,
        lastId: 5_099,
        firstTimeUs: T0,
        lastTimeUs: batch.timeUs[4_999]!,
      });
      expect(await readdir(join(tape.dir, ".incoming"))).toEqual([]);
    });
  });

  test("keeps a batch of one trade, and the largest numbers, exactly", async () => {
    await withTape(async (tape) => {
      const max = Number.MAX_SAFE_INTEGER;
      const batch = {
        ...batchOf([{ id: max, timeUs: T0 + 1, price: max, size: max, buy: true }], {
          priceScale: 18,
          sizeScale: 0,
        }),
        firstId: Float64Array.of(0),
        lastId: Float64Array.of(max),
      };
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "live" });
      expect(files).toHaveLength(1);
      const read = await gather(tape.trades(files, { ranges: [DAY], scales: batch.scales }), batch.scales);
      expect(read).toEqual(batch);
    });
  });

  test("makes no file of an empty batch", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({ series: SERIES, batch: batchOf([]), range: DAY, origin: "rest" });
      expect(files).toEqual([]);
      expect(await readdir(tape.dir)).toEqual([".incoming"]);
    });
  });

  test("makes one file a UTC day, each trade in the day of its time, in id order", async () => {
    await withTape(async (tape) => {
      const midnight = T0 + 86_400_000_000;
      const rows = [
        { id: 1, timeUs: midnight - 2, price: 1, size: 1 },
        { id: 2, timeUs: midnight, price: 2, size: 2 },
        { id: 3, timeUs: midnight - 1, price: 3, size: 3 },
        { id: 4, timeUs: midnight + 1, price: 4, size: 4 },
      ];
      const range = { lo: DAY_LO + 1_430, hi: DAY_LO + 1_450 };
      const files = await tape.write({ series: SERIES, batch: batchOf(rows), range, origin: "rest" });
      expect(files.map(({ path }) => path.split("/").slice(3).join("/").slice(0, 25))).toEqual([
        "date=2026-01-02/2350-2400",
        "date=2026-01-03/0000-0010",
      ]);
      expect(files.map(({ rows, firstId, lastId }) => [rows, firstId, lastId])).toEqual([
        [2, 1, 3],
        [2, 2, 4],
      ]);
      const read = await gather(tape.trades(files, { ranges: [range], scales: SCALES }));
      expect(read).toEqual(batchOf(rows));
    });
  });

  test("writes the same content under the same name", async () => {
    await withTape(async (tape) => {
      const request = { series: SERIES, batch: spread(3_000, DAY), range: DAY, origin: "rest" };
      const first = await tape.write(request);
      expect(await tape.write(request)).toEqual(first);
      expect(await tape.verifyAll(first)).toEqual([{ file: first[0]!, result: { kind: "ok" } }]);
    });
  });

  test("takes batches of more rows than one chunk, one flush and one row group", async () => {
    await withTape(async (tape) => {
      const batch = spread(150_001, DAY);
      const files = await tape.write({ series: SERIES, batch, range: DAY, origin: "archive" });
      expect(files.map(({ rows }) => rows)).toEqual([150_001]);
      expect(await gather(tape.trades(files, { ranges: [DAY], scales: SCALES }))).toEqual(batch);
    });
  });

  test("takes symbols that are no file names", async () => {
    await withTape(async (tape) => {
      const series = { venue: "ven ue", market: "a=b", symbol: "../'é/*" };
      const files = await tape.write({ series, batch: spread(10, DAY), range: DAY, origin: "it's" });
      expect(files[0]!.path).toStartWith(
        "venue=ven%20ue/market=a%3Db/symbol=..%2F%27%C3%A9%2F%2A/date=2026-01-02/",
      );
      expect((await stat(join(tape.dir, files[0]!.path))).size).toBe(files[0]!.bytes);
      const read = await gather(tape.trades(files, { ranges: [DAY], scales: SCALES }));
      expect(read.length).toBe(10);
    });
  });

  test("refuses what is not sorted, unique, inside its range and a trade", async () => {
    await withTape(async (tape) => {
      const good = { id: 5, timeUs: T0, price: 1, size: 1 };
      const bad = [
        [good, { ...good, id: 4 }],
        [good, good],
        [{ ...good, timeUs: T0 - 1 }],
        [{ ...good, timeUs: T0 + 86_400_000_000 }],
        [{ ...good, price: 0 }],
        [{ ...good, size: 0.5 }],
        [{ ...good, id: Number.NaN }],
        [{ ...good, raw: 0 }],
      ];
      for (const rows of bad) {
        const batch = batchOf(rows);
        const writing = tape.write({ series: SERIES, batch, range: DAY, origin: "rest" });
        await expect(writing).rejects.toMatchObject({ name: "InvariantError" });
      }
      expect(await readdir(tape.dir)).toEqual([".incoming"]);
    });
  });

  test("keeps batches apart that are written at once", async () => {
    await withTape(async (tape) => {
      const requests = [0, 1, 2, 3].map((hour) => {
        const range = { lo: DAY_LO + hour * 60, hi: DAY_LO + hour * 60 + 60 };
        return { series: SERIES, batch: spread(6_000, range, 1 + hour * 6_000), range, origin: "rest" };
      });
      const files = await Promise.all(requests.map((request) => tape.write(request)));
      for (const [i, { batch, range }] of requests.entries())
        expect(await gather(tape.trades(files[i]!, { ranges: [range], scales: SCALES }))).toEqual(batch);
    });
  });

  test("leaves nothing behind when it is aborted", async () => {
    await withTape(async (tape) => {
      const request = { series: SERIES, batch: spread(20_000, DAY), range: DAY, origin: "rest" };
      const writing = tape.write(request, { signal: AbortSignal.abort() });
      await expect(writing).rejects.toMatchObject({ code: "aborted" });
      expect(await readdir(tape.dir)).toEqual([".incoming"]);
      expect(await readdir(join(tape.dir, ".incoming"))).toEqual([]);
    });
  });
});

const giveWay = () => Promise.resolve();

describe("splitDays()", () => {
  test("cuts a day into parts of at most so many trades, in id order", async () => {
    const batch = spread(25, DAY);
    const parts = await splitDays(batch, DAY, 10, giveWay);
    expect(parts.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(parts.map(({ rowAt }) => rowAt(0))).toEqual([0, 10, 20]);
    expect(parts[1]!.firstTimeUs).toBe(batch.timeUs[10]!);
    expect(parts[1]!.lastTimeUs).toBe(batch.timeUs[19]!);
  });

  test("puts every row into exactly one part, ascending, whatever the times", async () => {
    await fc.assert(
      fc.asyncProperty(batches(), fc.integer({ min: 1, max: 20 }), async (batch, rowsMax) => {
        const parts = await splitDays(batch, TWO_DAYS, rowsMax, giveWay);
        const rows = parts.map(({ length, rowAt }) => Array.from({ length }, (_, i) => rowAt(i)));
        for (const part of rows) {
          expect(part.length).toBeLessThanOrEqual(rowsMax);
          expect(part).toEqual(part.toSorted((a, b) => a - b));
        }
        expect(rows.flat().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: batch.length }, (_, i) => i),
        );
        parts.forEach((part, i) => {
          const days = rows[i]!.map((row) => Math.floor(batch.timeUs[row]! / 86_400_000_000));
          expect(new Set(days)).toEqual(new Set([part.day]));
        });
      }),
      { numRuns: 50 },
    );
  });

  test("sees a slice of a larger batch only", async () => {
    const parts = await splitDays(sliceBatch(spread(100, DAY), 40, 60), DAY, 1_000, giveWay);
    expect(parts.map(({ length }) => length)).toEqual([20]);
  });
});
