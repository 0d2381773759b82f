import { expect, test } from "bun:test";
import * as v from "valibot";
import { BarService } from "../../src/app/bar-service.ts";
import { knownSymbols } from "../../src/app/known-symbols.ts";
import { type Coverage, dayRange, formatMinute, minuteOfMs, parseDay } from "../../src/core/mod.ts";
import { BARS_DEFAULT, Problem, WireBars, WireSymbols } from "../../src/protocol/mod.ts";
import { DayLoader, RESIDENT_DAYS_MAX, SeriesStore } from "../../src/store/mod.ts";
import { BIN_UNITS, contributionsOf, MinuteModel, minuteTrades } from "../store/minute-model.ts";
import { naiveBar } from "../store/naive-bar.ts";
import { instantTurns } from "../support/fake-clock.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";
import { fakeApp, NOW_MS } from "./fake-deps.ts";

const TODAY = parseDay("2026-01-03")!;
const NOW = minuteOfMs(NOW_MS);
const FIRST = dayRange(TODAY - 20).lo + 90;

/** The app over three weeks of trades, of which not all days are in memory. Reading one takes `loadMs`. */
function realApp({ loadMs = 0 } = {}) {
  const model = new MinuteModel();
  const series = new SeriesStore({
    ...{ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS },
  });
  const asked = { loads: 0, clockMs: 0 };
  const loader = new DayLoader(async (_, minutes: Coverage) => {
    asked.loads++;
    asked.clockMs += loadMs;
    return model.tape(minutes, series.grid);
  });
  for (let day = TODAY - 20; day <= TODAY; day++) {
    const range = { lo: Math.max(FIRST, dayRange(day).lo), hi: Math.min(NOW, dayRange(day).hi) };
    const trades = minuteTrades(range, day, SCALES);
    model.commit(trades);
    series.commit(range, contributionsOf(trades.values(), series.grid));
  }
  const followed = ["binance:BTCUSDT", "binance:ETHUSDT"];
  const store = {
    bySymbol: (symbol: string) => (symbol === "binance:BTCUSDT" ? series : undefined),
    list: () => [series],
  };
  const bars = new BarService({
    ...{ store, followed, loader, turns: instantTurns() },
    ...{ nowMs: () => NOW_MS, expectedEnd: () => NOW, now: () => asked.clockMs },
  });
  const symbols = { symbols: () => knownSymbols(store, followed) };
  const { app } = fakeApp({ bars, symbols });
  const ask = async (query: string, symbol = "BTCUSDT") => app.request(`/api/v1/bars/${symbol}?${query}`);
  const page = async (query: string) => v.parse(WireBars, await (await ask(query)).json());
  const trades = () => [...model.committed].flatMap(([, own]) => own.trades);
  return { app, ask, page, asked, series, trades };
}

test("GET /api/v1/bars/{symbol}, the newest bars, the running one included", async () => {
  const { page, trades } = realApp();
  const { symbol, interval, bars, next } = await page("interval=1h");
  expect([symbol, interval]).toEqual(["binance:BTCUSDT", "1h"]);
  expect(bars).toHaveLength(20 * 24 - 1 + 13);
  expect(bars.at(-1)).toMatchObject({ time: "2026-01-03T12:00:00.000Z", closed: false, covered: 1 });
  expect(bars.at(-2)).toMatchObject({ time: "2026-01-03T11:00:00.000Z", closed: true });
  // The first minutes of the first hour were never fetched.
  expect(bars[0]).toMatchObject({ covered: 0.5, missing_minutes: 30 });
  expect(next).toBeNull();
  for (const { time, volume, open } of bars.slice(-30)) {
    const lo = Date.parse(time) / 60_000;
    const naive = naiveBar(trades(), { lo, hi: lo + 60 });
    expect([volume, open]).toEqual([Number(naive.volume) / 1_000, naive.open! / 100]);
  }
});

test("GET /api/v1/bars/{symbol}, pages back and forth meet every bar once", async () => {
  const { page } = realApp();
  const all = await page("interval=15m&limit=5000");
  expect(all.next).toBeNull();
  const walk = async (query: string, first: WireBars["next"] = {}) => {
    const pages: WireBars["bars"][] = [];
    for (let next: WireBars["next"] = first; next !== null; ) {
      const at = Object.entries(next).map(([name, time]) => `${name}=${time}`);
      const found: WireBars = await page([query, ...at].join("&"));
      pages.push(found.bars);
      next = found.next;
    }
    return pages;
  };
  const back = await walk("interval=15m&limit=700");
  expect(back.map(({ length }) => length)).toEqual([700, 700, 565]);
  expect(back.reverse().flat()).toEqual(all.bars);
  const first = await page(`interval=15m&limit=700&from=${formatMinute(FIRST)}`);
  expect(first.bars).toEqual(all.bars.slice(0, 700));
  const rest = await walk("interval=15m&limit=700", first.next);
  expect([first.bars, ...rest].flat()).toEqual(all.bars);
});

test("GET /api/v1/bars/{symbol}, an answer that takes too long is a shorter page", async () => {
  const { page, asked } = realApp({ loadMs: 6_000 });
  const found = await page("interval=5m&limit=5000&from=2025-12-14");
  expect(asked.loads).toBe(2);
  expect(found.bars).toHaveLength(2 * 288);
  expect(found.next).toEqual({ from: "2025-12-16T00:00:00.000Z", to: "2026-01-03T12:35:00.000Z" });
});

test("GET /api/v1/bars/{symbol}, a day that left memory is read once for its hours", async () => {
  const { page, asked, series } = realApp();
  expect(series.absentDays({ lo: FIRST, hi: NOW }).length).toBe(21 - RESIDENT_DAYS_MAX);
  const before = await page("interval=4h&limit=200");
  const { loads } = asked;
  expect(loads).toBeGreaterThanOrEqual(21 - RESIDENT_DAYS_MAX);
  expect(await page("interval=4h&limit=200")).toEqual(before);
  expect((await page("interval=1d")).bars).toHaveLength(21);
  expect(asked.loads).toBe(loads);
});

test("GET /api/v1/bars/{symbol}, before anything is known bars are null, and none comes before the first by itself", async () => {
  const { page } = realApp();
  const found = await page("interval=1d&from=2025-12-01&to=2025-12-02");
  expect(found.bars).toHaveLength(2);
  expect(found.bars[0]).toMatchObject({
    ...{ time: "2025-12-01T00:00:00.000Z", open: null, vwap: null, volume: null, covered: 0 },
    ...{ missing_minutes: 1_440, trade_count: null, quality: null, closed: true },
  });
  expect((await page("interval=1d&to=2025-12-02")).bars).toEqual([]);
});

test("GET /api/v1/bars/{symbol}, refuses what it cannot mean, by name", async () => {
  const { ask } = realApp();
  const faults = async (query: string) => {
    const response = await ask(query);
    expect(response.status).toBe(400);
    return v.parse(Problem, await response.json()).errors?.map(({ path }) => path);
  };
  expect(await faults("")).toEqual(["query.interval"]);
  expect(await faults("interval=3m")).toEqual(["query.interval"]);
  expect(await faults("interval=1m&limit=5001")).toEqual(["query.limit"]);
  expect(await faults("interval=1m&limit=0")).toEqual(["query.limit"]);
  expect(await faults("interval=1m&from=noon&to=2026-13-01")).toEqual(["query.from", "query.to"]);
  expect(await faults("interval=1m&from=2026-01-02&to=2026-01-01")).toEqual(["query.to"]);
  expect(await faults("interval=1m&from=2026-02-01")).toEqual(["query.from"]);
  expect(await faults("interval=1m&size=1")).toEqual(["query.size"]);
  expect((await ask("interval=1m", "NOPE")).status).toBe(404);
  expect((await ask("interval=1m", "ETHUSDT")).status).toBe(503);
  expect(BARS_DEFAULT).toBe(500);
});

test("GET /api/v1/symbols, tells what each trades in and what is covered of it", async () => {
  const { app } = realApp();
  const { symbols } = v.parse(WireSymbols, await (await app.request("/api/v1/symbols")).json());
  expect(symbols).toEqual([
    {
      ...{ symbol: "binance:BTCUSDT", followed: true, price_scale: 2, size_scale: 3 },
      ...{ tick_size: 0.01, lot_size: 0.001, bin_size: 0.05, covered_minutes: NOW - FIRST },
      ...{ covered_from: formatMinute(FIRST), covered_to: formatMinute(NOW) },
    },
    {
      ...{ symbol: "binance:ETHUSDT", followed: true, price_scale: null, size_scale: null },
      ...{ tick_size: null, lot_size: null, bin_size: null, covered_minutes: 0 },
      ...{ covered_from: null, covered_to: null },
    },
  ]);
});
