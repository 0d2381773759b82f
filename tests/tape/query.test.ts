import { describe, expect, test } from "bun:test";
import { setTimeout } from "node:timers/promises";
import { DAY, SCALES, SERIES, spread, withTape } from "./support.ts";

/** Minutes of work, if nobody stops it. */
const ENDLESS = "SELECT sum(hash(a.range + b.range)) FROM range(1000000) a, range(1000000) b";

describe("query()", () => {
  test("runs SQL on the files, with their folders as columns", async () => {
    await withTape(async (tape) => {
      await tape.write({ series: SERIES, batch: spread(1_000, DAY), range: DAY, origin: "rest" });
      const answer = await tape.query(
        `SELECT venue, symbol, date::VARCHAR AS date, count(*)::INT AS trades, min(time)::VARCHAR AS first, min(price) AS low
         FROM read_parquet('${tape.glob}', hive_partitioning = true, union_by_name = true) GROUP BY ALL`,
      );
      expect(answer).toEqual({
        columns: ["venue", "symbol", "date", "trades", "first", "low"],
        rows: [["binance", "BTCUSDT", "2026-01-02", 1_000, "2026-01-02 00:00:00+00", "42000.00"]],
        truncated: false,
      });
    });
  });

  test("answers at most so many rows and says that there are more", async () => {
    await withTape(async (tape) => {
      const answer = await tape.query("SELECT range::INT FROM range(5000)", { rowsMax: 3 });
      expect(answer.rows).toEqual([[0], [1], [2]]);
      expect(answer.truncated).toBe(true);
    });
  });

  test("refuses anything but one SELECT", async () => {
    await withTape(async (tape) => {
      for (const sql of [
        "CREATE TABLE t (a INT)",
        `COPY (SELECT 1) TO '${tape.dir}/x.parquet'`,
        "SELECT 1; SELECT 2",
        "SET threads = 1",
        "ATTACH ':memory:' AS other",
        "",
      ])
        await expect(tape.query(sql)).rejects.toMatchObject({ code: "refused" });
    });
  });

  test("reaches nothing outside the tape", async () => {
    await withTape(async (tape) => {
      for (const sql of [
        "SELECT * FROM read_text('/etc/hostname')",
        `SELECT * FROM read_text('${tape.dir}/../../etc/hostname')`,
        "SELECT * FROM read_csv('/etc/passwd')",
      ])
        await expect(tape.query(sql)).rejects.toMatchObject({ code: "read" });
    });
  });

  test("is ended by its signal, while it runs and while it waits for its turn", async () => {
    await withTape(async (tape) => {
      const stop = new AbortController();
      const running = tape.query(ENDLESS, { signal: stop.signal });
      const waiting = tape.query(ENDLESS, { signal: stop.signal });
      const ended = Promise.allSettled([running, waiting]);
      await setTimeout(30);
      stop.abort();
      for (const end of await ended)
        expect(end).toMatchObject({ status: "rejected", reason: { code: "aborted" } });
      expect((await tape.query("SELECT 1")).rows).toEqual([[1]]);
    });
  });

  test("is ended by the time limit; others then go on", async () => {
    await withTape(
      async (tape) => {
        await expect(tape.query(ENDLESS)).rejects.toMatchObject({ code: "timeout", kind: "transient" });
        expect((await tape.query("SELECT 1")).rows).toEqual([[1]]);
      },
      { timeoutMs: 1_000 },
    );
  });
});

describe("close()", () => {
  test("ends what runs and what waits, twice without harm, and lets nothing in afterwards", async () => {
    await withTape(async (tape) => {
      const files = await tape.write({
        series: SERIES,
        batch: spread(60_000, DAY),
        range: DAY,
        origin: "rest",
      });
      const reader = tape.trades(files, { ranges: [DAY], scales: SCALES });
      await reader.next();
      const running = tape.query(ENDLESS).catch((error: unknown) => error);
      const waiting = tape.query(ENDLESS).catch((error: unknown) => error);
      await setTimeout(30);
      await Promise.all([tape.close(), tape.close()]);
      expect(await running).toMatchObject({ code: "closed", kind: "aborted" });
      expect(await waiting).toMatchObject({ code: "closed" });
      await expect(tape.query("SELECT 1")).rejects.toMatchObject({ code: "closed" });
      await expect(reader.next().then(() => reader.next())).rejects.toMatchObject({ code: "closed" });
    });
  });
});
