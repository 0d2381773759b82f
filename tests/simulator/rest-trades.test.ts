import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import {
  ArchiveFileError,
  createGeneratedMarket,
  createRecordedMarket,
  type Exchange,
  PRESETS,
} from "../../src/simulator/mod.ts";
import { type AggTradeRow, aggTrades, holdExchange, XRPETH_CSV } from "./support.ts";

const DAY_MS = 86_400_000;
const DAY_START_MS = 20_454 * DAY_MS;
const LATER_MS = DAY_START_MS + 3 * DAY_MS;
const hasRealData = existsSync(XRPETH_CSV) || process.env["CI"] === "true";
const generous = { limitPerMinute: 1_000_000_000 };

/** Every trade of a window as a client fetches it: by time first, then by id. */
async function download(
  exchange: Exchange,
  symbol: string,
  startMs: number,
  endMs: number,
  limit: number,
): Promise<AggTradeRow[]> {
  const rows: AggTradeRow[] = [];
  let page = await aggTrades(
    exchange,
    `symbol=${symbol}&startTime=${startMs}&endTime=${endMs - 1}&limit=${limit}`,
  );
  while (page.length > 0) {
    rows.push(...page.filter((row) => row.T < endMs));
    if (page.length < limit || page.at(-1)!.T >= endMs) break;
    page = await aggTrades(exchange, `symbol=${symbol}&fromId=${page.at(-1)!.a + 1}&limit=${limit}`);
  }
  return rows;
}

test("GET aggTrades by time, then by fromId, covers any window exactly", async () => {
  const thin = createGeneratedMarket({ symbol: "XRPETH", preset: PRESETS.thin });
  const { exchange } = holdExchange(LATER_MS, { markets: [thin], weights: generous });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2_000),
      fc.integer({ min: 1, max: 1_440 }),
      fc.constantFrom(1_000, 97, 500),
      async (from, length, limit) => {
        const lo = DAY_START_MS / 60_000 + from;
        const rows = await download(exchange, "XRPETH", lo * 60_000, (lo + length) * 60_000, limit);
        expect(rows.map((row) => row.a)).toEqual(
          Array.from({ length: rows.length }, (_, i) => thin.positionAt(lo) + i),
        );
        expect(rows).toHaveLength(thin.positionAt(lo + length) - thin.positionAt(lo));
      },
    ),
    { numRuns: 25 },
  );
});

test("GET aggTrades covers a day of 200,000 trades exactly", async () => {
  const demo = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
  const { exchange } = holdExchange(LATER_MS, { markets: [demo], weights: generous });
  const lo = DAY_START_MS / 60_000;
  let expected = demo.positionAt(lo);
  for (const row of await download(exchange, "ETHUSDT", DAY_START_MS, DAY_START_MS + DAY_MS, 1_000)) {
    if (row.a !== expected) throw new Error(`expected trade ${expected}, found ${row.a}`);
    expected++;
  }
  expect(expected).toBe(demo.positionAt(lo + 1_440));
});

test("GET aggTrades never shows a trade of the future", async () => {
  const demo = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
  const { exchange, timers } = holdExchange(DAY_START_MS + 12_345_678, { markets: [demo] });
  const newest = await aggTrades(exchange, "symbol=ETHUSDT");
  expect(newest).toHaveLength(500);
  expect(newest.at(-1)!.T).toBeLessThanOrEqual(timers.nowMs());
  expect(await aggTrades(exchange, `symbol=ETHUSDT&fromId=${newest.at(-1)!.a + 1}`)).toEqual([]);
  expect(await aggTrades(exchange, `symbol=ETHUSDT&startTime=${timers.nowMs() + 1}`)).toEqual([]);
  timers.advance(60_000);
  const next = await aggTrades(exchange, `symbol=ETHUSDT&fromId=${newest.at(-1)!.a + 1}`);
  expect(next[0]?.a).toBe(newest.at(-1)!.a + 1);
});

test("GET aggTrades stands at the clock plus the offset", async () => {
  const demo = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
  const { exchange } = holdExchange(DAY_START_MS, { markets: [demo], clockOffsetMs: -DAY_MS / 2 });
  expect((await aggTrades(exchange, "symbol=ETHUSDT&limit=1"))[0]!.T).toBeWithin(
    DAY_START_MS - DAY_MS / 2 - 60_000,
    DAY_START_MS - DAY_MS / 2 + 1,
  );
});

test.skipIf(!hasRealData)("a recorded day is served row by row as the file has it", async () => {
  const csv = readFileSync(XRPETH_CSV, "utf8");
  const market = createRecordedMarket(csv, { symbol: "XRPETH" });
  const { exchange } = holdExchange(LATER_MS, { markets: [market] });
  const day = Date.UTC(2019, 9, 11);
  const rows = await download(exchange, "XRPETH", day, day + DAY_MS, 1_000);
  const lines = csv.trimEnd().split("\n");
  expect(rows).toHaveLength(5_929);
  expect(rows.length).toBe(lines.length);
  for (const [i, { a, p, q, f, l, T, m, M }] of rows.entries()) {
    const python = (flag: boolean) => (flag ? "True" : "False");
    expect([a, p, q, f, l, T, python(m), python(M)].join(",")).toBe(lines[i]!);
  }
});

test.skipIf(!hasRealData)("a recorded day moved by whole days keeps everything but its date", async () => {
  const csv = readFileSync(XRPETH_CSV, "utf8");
  const shiftDays = 20_454 - Date.UTC(2019, 9, 11) / DAY_MS;
  const market = createRecordedMarket(csv, { symbol: "XRPETH", shiftDays });
  const { exchange } = holdExchange(LATER_MS, { markets: [market] });
  const rows = await download(exchange, "XRPETH", DAY_START_MS, DAY_START_MS + DAY_MS, 1_000);
  expect(rows).toHaveLength(5_929);
  expect(rows[0]).toMatchObject({
    a: 13_519_807,
    p: "0.00141342",
    T: 1_570_752_011_620 + shiftDays * DAY_MS,
  });
});

test("createRecordedMarket() reads a header, microseconds, holes in the ids and repeated ids", async () => {
  const csv = [
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match",
    "10,1.5,2,20,21,1735689600123456,true,true",
    "10,1.5,2,20,21,1735689600123456,true,true",
    "14,1.6,3,22,22,1735689601000001,false,true",
  ].join("\n");
  const { exchange } = holdExchange(LATER_MS, { markets: [createRecordedMarket(csv, { symbol: "AAABTC" })] });
  const rows = await aggTrades(exchange, "symbol=AAABTC&fromId=11");
  expect(rows.map((row) => row.a)).toEqual([14]);
  const all = await aggTrades(exchange, "symbol=AAABTC&startTime=1735689600123&endTime=1735689601000");
  expect(all.map(({ a, T, m }) => [a, T, m])).toEqual([
    [10, 1_735_689_600_123, true],
    [14, 1_735_689_601_000, false],
  ]);
});

test("createRecordedMarket() names the line that is wrong", () => {
  const good = "1,1.5,2,1,1,1570752060000,True,True\n";
  for (const bad of [
    "2,1.5,2,2,2,1570752060000,True",
    "2,x,2,2,2,1570752060000,True,True",
    "2,1,2,2,2,1.5,True,True",
  ])
    expect(() => createRecordedMarket(good + bad, { symbol: "A" })).toThrow(/archive line 2/);
  expect(() => createRecordedMarket(`${good}2,1,2,2,2,1570752000000,True,True`, { symbol: "A" })).toThrow(
    ArchiveFileError,
  );
});
