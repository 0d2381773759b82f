import { expect, test } from "bun:test";
import { foldWindow, MINUTES_PER_DAY, type MinuteRange } from "../../src/core/mod.ts";
import { FINISHED_WINDOWS_MAX, SeriesStore } from "../../src/store/mod.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf, minuteTrades } from "./minute-model.ts";

const DAY = 20_000;
const LO = DAY * MINUTES_PER_DAY;
const WINDOW: MinuteRange = { lo: LO, hi: LO + MINUTES_PER_DAY };

/** A series whose day is committed and not in memory. */
function absentSeries() {
  const series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  series.resetCommitted([WINDOW]);
  const grid = { scales: SCALES, binUnits: BIN_UNITS };
  const contributions = contributionsOf(minuteTrades(WINDOW, 7, SCALES).values(), grid);
  return { series, contributions, fold: foldWindow(contributions.minutes) };
}

test("SeriesStore.window(), a finished window is told without its minutes", () => {
  const { series, fold } = absentSeries();
  expect([series.canFold(WINDOW), series.absentDays(WINDOW)]).toEqual([false, [DAY]]);
  series.finished.put(WINDOW, fold);
  expect(series.canFold(WINDOW)).toBe(true);
  expect(series.absentDays(WINDOW)).toEqual([DAY]);
  const known = series.window(WINDOW);
  expect([known.fold, known.whole, known.coverage.coveredMinutes]).toEqual([fold, true, MINUTES_PER_DAY]);
  expect(series.canFold({ lo: LO, hi: LO + 60 })).toBe(false);
});

test("SeriesStore.window(), minutes in memory are told before a finished window", () => {
  const { series, fold, contributions } = absentSeries();
  series.finished.put(WINDOW, foldWindow([]));
  series.beginLoad(DAY);
  series.endLoad(DAY, contributions);
  expect(series.window(WINDOW).fold.volume).toBe(fold.volume);
});

test("SeriesStore.commit() and uncover(), end what was finished, and tell whoever watches", () => {
  for (const change of ["commit", "uncover", "grow"] as const) {
    const { series, fold, contributions } = absentSeries();
    series.finished.put(WINDOW, fold);
    const watch = series.finished.watch(WINDOW);
    series.commit({ lo: WINDOW.hi, hi: WINDOW.hi + 5 }, { ...contributions, minutes: [] });
    expect([watch.changed, series.canFold(WINDOW)]).toEqual([false, true]);
    const minute = { lo: LO + 9, hi: LO + 10 };
    if (change === "commit") series.commit(minute, { ...contributions, minutes: [] });
    else if (change === "uncover") series.uncover(minute);
    else series.growScales({ priceScale: SCALES.priceScale + 1, sizeScale: SCALES.sizeScale });
    expect([watch.changed, series.canFold(WINDOW)]).toEqual([true, false]);
  }
});

test("FinishedWindows.put(), the oldest makes room, and pinned ones stay", () => {
  const { series, fold } = absentSeries();
  const windows = Array.from({ length: FINISHED_WINDOWS_MAX + 2 }, (_, at) => ({
    lo: LO + at,
    hi: LO + at + 1,
  }));
  series.finished.pin(windows[0]!);
  for (const range of windows) series.finished.put(range, fold);
  expect(windows.map((range) => series.finished.of(range) !== undefined)).toEqual([
    true,
    false,
    ...windows.slice(2).map(() => true),
  ]);
  series.finished.release(windows[0]!);
  series.finished.put({ lo: LO + 100, hi: LO + 101 }, fold);
  expect(series.finished.of(windows[0]!)).toBeUndefined();
});
