import { beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import {
  BAR_INTERVALS,
  barAt,
  dayRange,
  foldMinutes,
  type MinuteContributions,
  type SkeletonCandle,
} from "../../src/core/mod.ts";
import { barToWire } from "../../src/protocol/mod.ts";
import { RESIDENT_DAYS_MAX, SeriesStore } from "../../src/store/mod.ts";
import { readFileTrades } from "../support/csv-day.ts";
import { testWithData } from "../support/shared-data.ts";
import { batchOfTrades, instrumentNamed, type MadeTrade, SCALES } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf, MinuteModel, minuteTrades } from "./minute-model.ts";
import { naiveBar } from "./naive-bar.ts";

const DAY = 20_000;
const { lo: LO } = dayRange(DAY);
const AFTER = { nowMinute: LO + 3 * 1_440, expectedEnd: LO + 3 * 1_440 };
const HOUR = barAt("1h", LO);

let series: SeriesStore;
beforeEach(() => {
  series = new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS });
});

const minutes = (lo: number, hi: number) => ({ lo: LO + lo, hi: LO + hi });
const trade = (minute: number, price: number, size = 2, id = minute): MadeTrade => ({
  ...{ id, timeMs: (LO + minute) * 60_000, price, size, buy: true },
});

function contributions(trades: readonly MadeTrade[]): MinuteContributions {
  return { ...foldMinutes(batchOfTrades(trades), BIN_UNITS) };
}

function candles(trades: readonly MadeTrade[]) {
  const list: SkeletonCandle[] = contributions(trades).minutes.map(
    ({ minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount }) => ({
      ...{ minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount },
    }),
  );
  return { scales: SCALES, candles: list, quoteDigits: Number.POSITIVE_INFINITY };
}

test("SeriesBars, bars of any interval equal a naive fold of the trades, however these came", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          kind: fc.constantFrom("commit", "sealed", "open", "uncover"),
          from: fc.integer({ min: 0, max: 2 * 1_440 - 1 }),
          length: fc.integer({ min: 1, max: 200 }),
          seed: fc.integer({ min: 0, max: 1_000_000 }),
          look: fc.constantFrom(...BAR_INTERVALS),
        }),
        { maxLength: 12 },
      ),
      (steps) => {
        const store = new SeriesStore({
          ...{ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS },
        });
        const model = new MinuteModel();
        for (const { kind, from, length, seed, look } of steps) {
          const range = minutes(from, Math.min(from + length, 2 * 1_440));
          const trades = minuteTrades(range, seed, SCALES);
          const folded = contributionsOf(trades.values(), store.grid);
          if (kind === "commit") {
            model.commit(trades);
            store.commit(range, folded);
          } else if (kind === "uncover") {
            model.uncover(range);
            store.uncover(range);
          } else {
            const traded = new Map(
              [...trades].filter(([, own]) => own.trades.length > 0 || kind === "sealed"),
            );
            // Open minutes do not take the place of sealed ones.
            if (kind === "open") for (const minute of model.sealed.keys()) traded.delete(minute);
            model.live(traded, kind);
            const put = { ...folded, minutes: folded.minutes.filter(({ minute }) => traded.has(minute)) };
            store.putLive(put, kind === "sealed" ? range : undefined);
          }
          // Looked at in between, so that what was kept has to be let go.
          const bar = barAt(look, range.lo);
          expect(store.bars.read(bar, AFTER).sums).toEqual(naiveBar(tradesOf(model), bar));
        }
        for (const interval of BAR_INTERVALS)
          for (let at = LO; at < LO + 2 * 1_440; ) {
            const bar = barAt(interval, at);
            const read = store.bars.read(bar, AFTER);
            expect(read.sums).toEqual(naiveBar(tradesOf(model), bar));
            expect(read.coveredMinutes).toBe(model.covered.within(bar).size);
            expect(read.missingMinutes).toBe(bar.hi - bar.lo - read.coveredMinutes);
            // Every bar of the longer ones, some of the shorter.
            at = interval === "1m" ? at + 97 : bar.hi;
          }
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

function tradesOf(model: MinuteModel): MadeTrade[] {
  return [...model.committed, ...model.sealed, ...model.open].flatMap(([, { trades }]) => trades);
}

test("SeriesBars, a bar is open, then closed, then corrected", () => {
  const bar = { lo: LO, hi: LO + 5 };
  series.putLive(contributions([trade(4, 100)]), undefined);
  const running = series.bars.read(bar, { nowMinute: LO + 4, expectedEnd: LO + 4 });
  expect(running).toMatchObject({ closed: false, expectedMinutes: 4, missingMinutes: 4 });
  expect(running.sums).toMatchObject({ open: 100, close: 100, volume: 2n });
  // Over, and its last minute may still be proven whole.
  const justOver = { nowMinute: LO + 5, expectedEnd: LO + 4 };
  series.putLive(contributions([trade(0, 90), trade(4, 110)]), minutes(0, 4));
  expect(series.bars.read(bar, justOver)).toMatchObject({ closed: false, missingMinutes: 1 });
  series.putLive(contributions([trade(4, 110)]), minutes(4, 5));
  expect(series.bars.read(bar, justOver)).toMatchObject({
    closed: true,
    missingMinutes: 0,
    coveredMinutes: 5,
  });
  series.commit(bar, contributions([trade(1, 70)]));
  expect(series.bars.read(bar, justOver).sums).toMatchObject({ open: 70, high: 70, close: 70 });
});

test("SeriesBars, a bar whose minutes never come is closed once they are no longer waited for", () => {
  const bar = { lo: LO, hi: LO + 5 };
  const read = series.bars.read(bar, { nowMinute: LO + 5, expectedEnd: LO + 5 });
  expect(read).toMatchObject({ closed: true, missingMinutes: 5, coveredMinutes: 0, quality: null });
  expect(read.sums).toMatchObject({ open: null, volume: 0n });
});

test("SeriesBars, the venue's candle stands for trades that are missing, and says so", () => {
  series.commit(minutes(0, 2), contributions([trade(0, 100), trade(1, 120)]));
  series.putCandles(minutes(0, 5), candles([trade(0, 100), trade(1, 120), trade(3, 130, 5)]));
  const read = series.bars.read({ lo: LO, hi: LO + 5 }, AFTER);
  expect(read).toMatchObject({ coveredMinutes: 2, missingMinutes: 0, closed: true });
  expect(read.sums).toMatchObject({
    ...{ open: 100, high: 130, close: 130, volume: 9n, quoteVolume: 1_090n, candles: 1, tradeCount: null },
  });
  // A candle is taken back by trades.
  series.commit(minutes(3, 4), contributions([trade(3, 140, 1)]));
  expect(series.bars.read({ lo: LO, hi: LO + 5 }, AFTER).sums).toMatchObject({
    close: 140,
    candles: 0,
    tradeCount: 3,
  });
});

test("SeriesBars, hours take up candles that come later", () => {
  expect(series.bars.read(HOUR, AFTER).sums.volume).toBe(0n);
  series.putCandles(HOUR, candles([trade(7, 100, 5)]));
  expect(series.bars.read(HOUR, AFTER)).toMatchObject({
    missingMinutes: 0,
    sums: { volume: 5n, candles: 1 },
  });
});

test("SeriesBars, quality is told once every covered minute was compared", () => {
  series.commit(minutes(0, 5), contributions([trade(0, 100), trade(1, 120)]));
  const bar = { lo: LO, hi: LO + 5 };
  const told: unknown[] = [];
  series.changes.watch((range, kind) => told.push([range, kind]));
  series.putCandles(minutes(0, 5), candles([trade(0, 100), trade(1, 999)]));
  expect(series.bars.read(bar, AFTER).quality).toBeNull();
  series.certainty.checks.look(100);
  expect(series.bars.read(bar, AFTER).quality).toBe(80);
  expect(told).toEqual([
    [bar, "told"],
    [bar, "told"],
  ]);
});

test("SeriesBars, a day that has left memory still tells its hours, until a commit touches it", () => {
  const day = dayRange(DAY);
  series.commit(day, contributions([trade(61, 100), trade(200, 300)]));
  expect(series.bars.absentDays(day, "1d")).toEqual([]);
  const before = series.bars.read(day, AFTER);
  for (let other = 1; other <= RESIDENT_DAYS_MAX; other++)
    series.commit(
      { lo: LO + other * 1_440, hi: LO + other * 1_440 + 1 },
      contributions([trade(other * 1_440, 1)]),
    );
  expect(series.absentDays(day)).toEqual([DAY]);
  expect(series.bars.absentDays(day, "5m")).toEqual([DAY]);
  expect(series.bars.absentDays(day, "4h")).toEqual([]);
  expect(series.bars.read(day, AFTER)).toEqual(before);
  series.commit(minutes(61, 62), contributions([trade(61, 500)]));
  expect(series.bars.absentDays(day, "4h")).toEqual([DAY]);
});

testWithData(
  ["derived/XRPETH-aggTrades-2019-10-11.csv", "derived/XRP_ETH-5m-2019-10-11.csv"],
  "SeriesBars, the 5-minute bars of a real day are those of another program",
  ([tradesPath = "", barsPath = ""]) => {
    const scales = { priceScale: 8, sizeScale: 8 };
    const trades = readFileTrades(tradesPath).map(({ id, price, size, timeMs, buy }) => ({
      ...{ id, price: Number(price), size: Number(size), timeMs, buy },
    }));
    const xrp = new SeriesStore({
      ...{ seriesId: 1, instrument: instrumentNamed("XRPETH", scales), binUnits: 100 },
    });
    const day = dayRange(Math.floor(trades[0]!.timeMs / 86_400_000));
    xrp.commit(day, foldMinutes(batchOfTrades(trades, { scales }), 100));
    const [, ...lines] = readFileSync(barsPath, "utf8").trim().split("\n");
    expect(lines.length).toBeGreaterThan(280);
    for (const line of lines) {
      const [openTime, open, high, low, close, volume] = line.split(",").map(Number);
      const bar = barAt("5m", openTime! / 60_000);
      const read = barToWire(xrp.bars.read(bar, { nowMinute: day.hi, expectedEnd: day.hi }), scales);
      expect(read).toMatchObject({ time: new Date(openTime!).toISOString(), covered: 1, closed: true });
      // Where nothing traded the other program repeats the close before.
      const traded = { open: open!, high: high!, low: low!, close: close!, volume: volume! };
      expect(read).toMatchObject(volume === 0 ? { open: null, volume: 0, trade_count: 0 } : traded);
    }
  },
);
