/**
 * Windows of a year of a liquid symbol: 366 generated days of 15,000 rows each, read through the store of folded days. Prints
 * what a warm window costs (fold and all levels), beside the same from scratch, out of its minutes. A quiet machine is meant.
 *
 *   bun scripts/bench/windows.ts [--days 366] [--windows 200]
 *
 * Exit: 0, or 1 where a window differs from the fold from scratch, or the median of a year is over 10 ms.
 */
import { parseArgs } from "node:util";
import {
  type Coverage,
  compareWindows,
  dayRange,
  foldWindow,
  type GridOf,
  MINUTES_PER_DAY,
  type MinuteContribution,
  type MinuteContributions,
  type MinuteRange,
  Profile,
  VALUE_AREA_METHODS,
  type WindowFold,
  windowLevels,
} from "../../src/core/mod.ts";
import { DayLoader, DayProfiles, SeriesStore } from "../../src/store/mod.ts";
import { seededRandom, wholeWindow } from "../../tests/support/mod.ts";
import { percentile } from "./percentile.ts";

const BUDGET_MS = 10;
/** 2025-01-01. */
const FIRST_DAY = 20_089;
/** Bins that a minute trades in, and how often each of them. */
const BINS_OF_MINUTE = 60;
/** A day's range is 3 % of the price, a bin two millionths of it: what `auto` chooses. */
const BIN_UNITS = 20;
const START_PRICE_UNITS = 6_700_000;
const DAY_RANGE = 0.03;

const { values: options } = parseArgs({
  options: { days: { type: "string", default: "366" }, windows: { type: "string", default: "200" } },
});
const days = Number(options.days);

const GRID: GridOf = { scales: { priceScale: 2, sizeScale: 5 }, binUnits: BIN_UNITS };

/** The lowest price of each day; the seed makes a year that spans 370,000 bins. */
const lowOfDay = (() => {
  const random = seededRandom(9_835);
  let price = START_PRICE_UNITS;
  return Array.from({ length: days }, () => {
    price *= 1 + (random() - 0.5) * 0.06;
    return Math.round(price);
  });
})();

function minutesOfDay(day: number): MinuteContribution[] {
  const random = seededRandom(day);
  const low = lowOfDay[day - FIRST_DAY]!;
  const rows = Math.floor((low * DAY_RANGE) / BIN_UNITS);
  const firstBin = Math.floor(low / BIN_UNITS);
  return Array.from({ length: MINUTES_PER_DAY }, (_, at) => {
    const first = firstBin + Math.floor(random() * (rows - BINS_OF_MINUTE * 2));
    const bins = Float64Array.from({ length: BINS_OF_MINUTE }, (_, i) => first + i * 2 + (at % 2));
    const binVolumes = Float64Array.from(bins, () => 1 + Math.floor(random() * random() * 1e7));
    const binBuyVolumes = binVolumes.map((volume) => Math.floor(volume / 2));
    const volume = binVolumes.reduce((sum, each) => sum + each, 0);
    const mean = bins[BINS_OF_MINUTE / 2]! * BIN_UNITS;
    return {
      minute: day * MINUTES_PER_DAY + at,
      open: bins[0]! * BIN_UNITS,
      close: bins.at(-1)! * BIN_UNITS,
      low: bins[0]! * BIN_UNITS,
      high: bins.at(-1)! * BIN_UNITS,
      volume,
      buyVolume: binBuyVolumes.reduce((sum, each) => sum + each, 0),
      quoteVolume: BigInt(mean) * BigInt(volume),
      squareVolume: BigInt(mean) ** 2n * BigInt(volume),
      count: BINS_OF_MINUTE,
      rawCount: BINS_OF_MINUTE,
      firstId: at,
      lastId: at,
      firstTimeUs: 0,
      lastTimeUs: 0,
      ...{ bins, binVolumes, binBuyVolumes },
    };
  });
}

const year: MinuteRange = { lo: dayRange(FIRST_DAY).lo, hi: dayRange(FIRST_DAY + days).lo };
const series = new SeriesStore({
  seriesId: 1,
  instrument: {
    venue: "binance",
    market: "spot",
    symbol: "BTCUSDT",
    ...GRID.scales,
    tickUnits: 1,
    lotUnits: 1,
  },
  binUnits: BIN_UNITS,
});
series.resetCommitted([year]);

let scratchMs = 0;
const scratch = new Profile();
/** Stands for the tape; what a fold from scratch takes of it is measured on the way. */
async function readDay(_: SeriesStore, minutes: Coverage): Promise<MinuteContributions> {
  const day = Math.floor(minutes.ranges[0]!.lo / MINUTES_PER_DAY);
  const contributions = minutesOfDay(day);
  const startedAt = performance.now();
  for (const { bins, binVolumes, binBuyVolumes } of contributions)
    scratch.add({ bins, volumes: binVolumes, buyVolumes: binBuyVolumes });
  scratchMs += performance.now() - startedAt;
  return { ...GRID, minutes: contributions };
}

const profiles = new DayProfiles();
const loader = new DayLoader(readDay);

/** Brings a window into memory, keeps its days and blocks, and folds it. */
async function read(range: MinuteRange): Promise<WindowFold> {
  for (const part of profiles.absent(series, [range])) {
    await loader.load(series, part);
    profiles.keep(series, part);
  }
  for (const block of profiles.missingBlocks(series, [range])) profiles.keep(series, block);
  return foldOf(range);
}

function foldOf(range: MinuteRange): WindowFold {
  const fold = profiles.fold(series, [range]);
  if (fold === undefined) throw new Error("the volume of the window is no exact integer");
  return fold;
}

/** As the server answers: folded, asked, given back. */
function levelsOf(range: MinuteRange): void {
  const fold = foldOf(range);
  windowLevels(wholeWindow(fold), GRID);
  fold.profile.release();
}

function timed<T>(into: number[], run: () => T): T {
  const startedAt = performance.now();
  const result = run();
  into.push(performance.now() - startedAt);
  return result;
}

const summary = (name: string, taken: readonly number[]) =>
  console.log(
    `${name.padEnd(58)} ${[0, 50, 95].map((share) => `${percentile(taken, share).toFixed(2)} ms`.padStart(10)).join("")}`,
  );

const coldAt = performance.now();
const whole = await read(year);
console.log(
  `${days} days, ${whole.profile.rows().bins.length.toLocaleString("en")} rows in the year; kept in ${(profiles.bytes / 2 ** 20).toFixed(0)} MB; first read (generation of the days included) ${((performance.now() - coldAt) / 1_000).toFixed(1)} s`,
);
const same =
  JSON.stringify([...scratch.rows().volumes]) === JSON.stringify([...whole.profile.rows().volumes]);
console.log(
  `from scratch, out of the minutes: the profile alone took ${scratchMs.toFixed(0)} ms; ${same ? "the same rows" : "OTHER ROWS"}`,
);

console.log(`\n${"warm".padEnd(58)}${["best", "median", "p95"].map((word) => word.padStart(10)).join("")}`);
const folds: number[] = [];
const levels: number[] = [];
const both: number[] = [];
for (let i = 0; i < 50; i++) {
  const startedAt = performance.now();
  const fold = timed(folds, () => foldOf(year));
  timed(levels, () => windowLevels(wholeWindow(fold), GRID));
  fold.profile.release();
  both.push(performance.now() - startedAt);
}
summary("the whole year: fold", folds);
summary("the whole year: levels (ranked)", levels);
summary("the whole year: fold and levels", both);
for (const method of VALUE_AREA_METHODS) {
  const taken: number[] = [];
  for (let i = 0; i < 20; i++) timed(taken, () => windowLevels(wholeWindow(whole), GRID, { method }));
  summary(`the whole year: levels (${method})`, taken);
}

const random = seededRandom(1);
const anyWindow: number[] = [];
const fromMinutes: number[] = [];
const minuteAt = () => year.lo + Math.floor(random() * (year.hi - year.lo));
for (let i = 0; i < Number(options.windows); i++) {
  const [a, b] = [minuteAt(), minuteAt()];
  const range = { lo: Math.min(a, b), hi: Math.max(a, b) + 1 };
  (await read(range)).profile.release();
  timed(anyWindow, () => levelsOf(range));
}
summary("any window of the year: fold and levels", anyWindow);
for (let i = 0; i < Number(options.windows); i++) {
  const last = dayRange(FIRST_DAY + days - 1);
  const range = { lo: minuteAt(), hi: last.lo + 1 + Math.floor(random() * (MINUTES_PER_DAY - 1)) };
  // The newest day is in memory: its part is folded out of its minutes.
  (await read({ lo: last.lo, hi: last.lo + 1 })).profile.release();
  (await read({ lo: range.lo, hi: last.lo })).profile.release();
  timed(fromMinutes, () => levelsOf(range));
}
summary("any window up to a minute of the newest day", fromMinutes);

const half = { lo: year.lo, hi: dayRange(FIRST_DAY + Math.floor(days / 2)).lo };
const [earlier, later] = [await read(half), await read({ lo: half.hi, hi: year.hi })];
const compared: number[] = [];
const withLevels = (fold: WindowFold) => ({
  ...wholeWindow(fold),
  levels: windowLevels(wholeWindow(fold), GRID),
});
for (let i = 0; i < 20; i++) timed(compared, () => compareWindows(withLevels(earlier), withLevels(later), 1));
summary("comparison of two half years, folded", compared);

const oneDay: number[] = [];
const contributions = minutesOfDay(FIRST_DAY);
for (let i = 0; i < 10; i++) timed(oneDay, () => foldWindow(contributions));
summary("one day from scratch, out of its minutes", oneDay);

process.exit(same && percentile(both, 50) <= BUDGET_MS ? 0 : 1);
