import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf, type MinuteRange, type TradeBatch } from "../../../src/core/mod.ts";
import { Binance } from "../../../src/venues/mod.ts";
import { instrumentNamed } from "../../support/trades.ts";
import { FakeBinance, type FakeTrade, fakeTrades } from "../support/fake-binance.ts";
import { machineClock } from "../support/manual-clock.ts";

const signal = new AbortController().signal;
const MINUTE = 60_000;
const START = 1_700_000_040_000;
const LO = START / MINUTE;

const instrument = instrumentNamed("BTCUSDT", { priceScale: 2, sizeScale: 5 });

let fake: FakeBinance;
let venue: Binance;
beforeEach(() => {
  fake = new FakeBinance();
  venue = new Binance({ clock: machineClock, restUrl: fake.restUrl, random: () => 0, attempts: 1 });
});
afterEach(() => fake.stop());

function read(range: MinuteRange) {
  return venue.trades(instrument, range, { signal });
}

function ids(batch: TradeBatch): number[] {
  return [...batch.id];
}

function idsWithin(trades: readonly FakeTrade[], range: MinuteRange): number[] {
  return trades.filter((t) => t.T >= range.lo * MINUTE && t.T < range.hi * MINUTE).map((t) => t.a);
}

describe("trades()", () => {
  test("says whether a trade behind the window was seen", async () => {
    fake.trades = fakeTrades(300, START, 400);
    expect((await read({ lo: LO, hi: LO + 1 })).openEnd).toBeUndefined();
    expect((await read({ lo: LO, hi: LO + 3 })).openEnd).toBe(true);
    expect((await read({ lo: LO + 5, hi: LO + 6 })).openEnd).toBe(true);
  });

  test("pages by time first and then by id, several trades sharing a millisecond", async () => {
    fake.trades = fakeTrades(4_500, START - 5_000, 0.05);
    fake.trades.push(...fakeTrades(500, START + MINUTE, 100, 4_501));
    const range = { lo: LO - 1, hi: LO + 1 };
    const { batch, idGaps, requests, duplicates, dropped } = await read(range);
    expect(ids(batch)).toEqual(idsWithin(fake.trades, range));
    expect([idGaps.length, duplicates, dropped, requests]).toEqual([0, 0, 0, 6]);
    expect(fake.requests.map((r) => /fromId=\d+|startTime=\d+&endTime=\d+/.exec(r)?.[0])).toEqual([
      `startTime=${(LO - 1) * MINUTE}&endTime=${(LO + 1) * MINUTE - 1}`,
      "fromId=0",
      "fromId=1001",
      "fromId=2001",
      "fromId=3001",
      "fromId=4001",
    ]);
  });

  test("keeps what stands in the columns exact", async () => {
    fake.trades = fakeTrades(1, START, 1, 9).map((t) => ({ ...t, p: "61837.63", q: "0.1234567", m: true }));
    const { batch } = await read({ lo: LO, hi: LO + 1 });
    expect(batch.scales).toEqual({ priceScale: 2, sizeScale: 7 });
    expect([batch.id[0], batch.timeUs[0], batch.price[0], batch.size[0], batch.buy[0]]).toEqual([
      9,
      START * 1_000,
      6_183_763,
      1_234_567,
      0,
    ]);
    expect([batch.firstId[0], batch.lastId[0]]).toEqual([18, 19]);
  });

  test("reads times in microseconds as they are", async () => {
    fake.trades = fakeTrades(1, START, 1);
    fake.twist = (rows) => rows.map((row) => ({ ...row, T: row.T * 1_000 + 7 }));
    const { batch } = await read({ lo: LO, hi: LO + 1 });
    expect(batch.timeUs[0]).toBe(START * 1_000 + 7);
  });

  test("answers an empty window after one request an hour", async () => {
    const { batch, requests } = await read({ lo: LO, hi: LO + 150 });
    expect([batch.length, requests]).toEqual([0, 3]);
  });

  test("ends inside the window where the tape ends", async () => {
    fake.trades = fakeTrades(10, START, 10);
    const { batch, requests } = await read({ lo: LO, hi: LO + 10 });
    expect([batch.length, requests]).toEqual([10, 3]);
  });

  test("sorts unordered rows and counts rows that came already", async () => {
    fake.trades = fakeTrades(2_500, START, 10);
    fake.twist = (rows) => [...rows.slice(0, 3), ...rows].reverse();
    const range = { lo: LO, hi: LO + 1 };
    const { batch, duplicates, idGaps } = await read(range);
    expect(ids(batch)).toEqual(idsWithin(fake.trades, range));
    expect(idGaps).toEqual([]);
    expect(duplicates).toBe(9);
  });

  test("asks once more for missing ids, and finds them", async () => {
    fake.trades = fakeTrades(1_500, START, 10);
    let twisted = false;
    fake.twist = (rows) => {
      if (twisted) return rows;
      twisted = true;
      return rows.filter((row) => row.a !== 5 && (row.a < 100 || row.a > 120) && row.a !== 1_000);
    };
    const { batch, idGaps } = await read({ lo: LO, hi: LO + 1 });
    expect(ids(batch)).toEqual(fake.trades.map((t) => t.a));
    expect(idGaps).toEqual([]);
    expect(fake.requests.filter((r) => r.includes("fromId=5&limit=1")).length).toBe(1);
  });

  test("reports ids that the venue does not have", async () => {
    fake.trades = fakeTrades(1_500, START, 10).filter((t) => t.a !== 7 && (t.a < 1_000 || t.a > 1_003));
    const { batch, idGaps } = await read({ lo: LO, hi: LO + 1 });
    expect(ids(batch)).toEqual(fake.trades.map((t) => t.a));
    expect(idGaps).toEqual([
      { from: 7, to: 8 },
      { from: 1_000, to: 1_004 },
    ]);
  });

  test("completes a page by time that left out its first rows", async () => {
    fake.trades = fakeTrades(3_000, START - 10_000, 10);
    const range = { lo: LO, hi: LO + 1 };
    for (const missing of [1, 2, 900]) {
      fake.twist = (rows, url) => (url.searchParams.has("startTime") ? rows.slice(missing) : rows);
      const { batch, idGaps } = await read(range);
      expect(ids(batch)).toEqual(idsWithin(fake.trades, range));
      expect(idGaps).toEqual([]);
    }
  });

  test("drops placeholders without price or size; their ids are no gap", async () => {
    fake.trades = fakeTrades(5, START, 10).map((t) =>
      t.a === 3 ? { ...t, p: "0", q: "0", f: -1, l: -1 } : t,
    );
    const { batch, dropped, idGaps } = await read({ lo: LO, hi: LO + 1 });
    expect([ids(batch), dropped, idGaps]).toEqual([[1, 2, 4, 5], 1, []]);
  });

  test("fails transient when a page makes no progress", async () => {
    fake.trades = fakeTrades(1_500, START, 10);
    fake.twist = () => fake.trades.slice(0, 1_000);
    const failure = failureOf(await read({ lo: LO, hi: LO + 1 }).catch((thrown: unknown) => thrown));
    expect(failure.kind).toBe("transient");
    expect(failure.message).toContain(
      "expected ids from 1001 on, found 1000 rows of which the last has id 1000",
    );
    expect(fake.requests.length).toBe(3);
  });

  test("fails permanent for an unknown symbol, transient for a decimal that is none", async () => {
    const other = { ...instrument, symbol: "NOPE" };
    const unknown = await venue.trades(other, { lo: LO, hi: LO + 1 }, { signal }).catch((e: unknown) => e);
    expect(failureOf(unknown).kind).toBe("permanent");
    fake.trades = fakeTrades(1, START, 1).map((t) => ({ ...t, p: "1e5" }));
    expect(failureOf(await read({ lo: LO, hi: LO + 1 }).catch((e: unknown) => e)).kind).toBe("transient");
  });

  test("neighbouring windows hold every trade exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 0, 0, 1, 3, 40, 2_000, 61_000), { minLength: 1, maxLength: 2_500 }),
        fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 4 }),
        async (steps, lengths) => {
          let time = START;
          fake.trades = fakeTrades(steps.length, START, 0).map((t, i) => {
            time += steps[i] ?? 0;
            return { ...t, T: time };
          });
          let lo = LO;
          for (const length of lengths) {
            const range = { lo, hi: lo + length };
            const { batch, idGaps } = await read(range);
            expect(ids(batch)).toEqual(idsWithin(fake.trades, range));
            expect(idGaps).toEqual([]);
            lo = range.hi;
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});
