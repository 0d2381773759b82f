import { expect, test } from "bun:test";
import { dayRange, type MinuteRange } from "../../src/core/mod.ts";
import { DayLoader, RESIDENT_DAYS_MAX, SeriesStore } from "../../src/store/mod.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf, MinuteModel, minuteTrades } from "./minute-model.ts";

const GRID = { scales: SCALES, binUnits: BIN_UNITS };
const DAY = 20_000;
const LO = dayRange(DAY).lo;

function newStore(): SeriesStore {
  return new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS });
}

/** Contributions with one trade of `size` in each minute. */
function oneTradeEach(range: MinuteRange, size = 1) {
  const minutes = Array.from({ length: range.hi - range.lo }, (_, i) => range.lo + i);
  return contributionsOf(
    minutes.map((minute) => ({
      scales: SCALES,
      trades: [{ id: minute, timeMs: minute * 60_000, price: 100, size, buy: true }],
    })),
    GRID,
  );
}

const minutes = (lo: number, hi: number): MinuteRange => ({ lo: LO + lo, hi: LO + hi });
const emptyDay = (day: number) => ({ lo: dayRange(day).lo, hi: dayRange(day).lo + 1 });

test("SeriesStore.putLive(), open minutes count in the levels and not in the coverage", () => {
  const store = newStore();
  store.putLive(oneTradeEach(minutes(0, 2)), undefined);
  const { fold, coverage } = store.window(minutes(0, 10));
  expect(fold.count).toBe(2);
  expect(coverage).toEqual({ expectedMinutes: 10, coveredMinutes: 0, missing: [minutes(0, 10)] });
});

test("SeriesStore.putLive(), committed minutes win over live ones", () => {
  const store = newStore();
  store.commit(minutes(0, 2), oneTradeEach(minutes(0, 2), 5));
  store.putLive(oneTradeEach(minutes(1, 3), 900), minutes(1, 3));
  const { fold, coverage } = store.window(minutes(0, 3));
  expect(fold.volume).toBe(5 + 5 + 900);
  expect(coverage.coveredMinutes).toBe(3);
});

test("SeriesStore.putLive(), a sealed minute without trades empties what was open there", () => {
  const store = newStore();
  store.putLive(oneTradeEach(minutes(0, 1)), undefined);
  store.putLive(oneTradeEach(minutes(1, 2)), minutes(0, 2));
  expect(store.window(minutes(0, 2)).fold.count).toBe(1);
});

test("SeriesStore.putLive(), leaves out open minutes of a day that is not in memory", () => {
  const store = newStore();
  store.resetCommitted([minutes(0, 5)]);
  store.putLive(oneTradeEach(minutes(7, 8)), undefined);
  expect(store.absentDays(minutes(0, 10))).toEqual([DAY]);
  expect(() => store.putLive(oneTradeEach(minutes(7, 8)), minutes(7, 8))).toThrow("must be loaded first");
});

test("SeriesStore.window(), is whole with its running minute only while live trades arrive without a break", () => {
  const store = newStore();
  const running = LO + 3;
  const whole = () => store.window(minutes(0, 10), LO + 2, running).whole;
  store.commit(minutes(0, 2), { ...store.grid, minutes: [] });
  expect(whole()).toBe(false);
  store.receivingFrom = LO + 2;
  expect(whole()).toBe(true);
  store.receivingFrom = LO + 3;
  expect(whole()).toBe(false);
  store.commit(minutes(2, 3), { ...store.grid, minutes: [] });
  expect(whole()).toBe(true);
  const before = store.revision;
  store.receivingFrom = undefined;
  expect(whole()).toBe(false);
  expect(store.revision).toBeGreaterThan(before);
});

test("SeriesStore.window(), minutes that have not ended are not expected", () => {
  const store = newStore();
  store.commit(minutes(0, 3), oneTradeEach(minutes(0, 3)));
  expect(store.window(minutes(0, 10), LO + 5).coverage).toEqual({
    expectedMinutes: 5,
    coveredMinutes: 3,
    missing: [minutes(3, 5)],
  });
  expect(store.window(minutes(0, 10), LO - 5).coverage.expectedMinutes).toBe(0);
});

test("SeriesStore.commit(), the days longest unused make room", () => {
  const store = newStore();
  for (let day = DAY; day < DAY + RESIDENT_DAYS_MAX; day++)
    store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
  // Reading the first day makes the second one the oldest.
  store.window(dayRange(DAY));
  store.commit(emptyDay(DAY + 100), oneTradeEach(emptyDay(DAY + 100)));
  expect(store.absentDays({ lo: LO, hi: dayRange(DAY + 100).hi })).toEqual([DAY + 1]);
});

test("SeriesStore.pin(), pinned days stay until they are released as often", () => {
  const store = newStore();
  const later = (n: number) => {
    for (let day = DAY + n; day < DAY + n + RESIDENT_DAYS_MAX; day++)
      store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
  };
  store.commit(emptyDay(DAY), oneTradeEach(emptyDay(DAY)));
  store.pin(DAY);
  store.pin(DAY);
  later(1);
  store.release(DAY);
  later(100);
  expect(store.absentDays(dayRange(DAY))).toEqual([]);
  store.release(DAY);
  later(200);
  expect(store.absentDays(dayRange(DAY))).toEqual([DAY]);
});

test("SeriesStore.commit(), days with minutes that no segment holds stay", () => {
  const store = newStore();
  store.commit(emptyDay(DAY), oneTradeEach(emptyDay(DAY)));
  store.putLive(oneTradeEach(minutes(5, 6)), minutes(5, 6));
  for (let day = DAY + 1; day < DAY + 40; day++) store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
  expect(store.window(dayRange(DAY)).fold.count).toBe(2);
});

test("SeriesStore.commit(), sealed minutes that are committed hold their day no longer", () => {
  const store = newStore();
  store.putLive(oneTradeEach(minutes(5, 6)), minutes(5, 6));
  store.commit(minutes(5, 6), oneTradeEach(minutes(5, 6)));
  const later = emptyDay(DAY + 50);
  store.putLive(oneTradeEach(later), undefined);
  for (let day = DAY + 1; day < DAY + 40; day++) store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
  expect(store.absentDays(dayRange(DAY))).toEqual([DAY]);
});

test("SeriesStore.commit(), the day of the live stream and the one before it stay", () => {
  const store = newStore();
  for (const day of [DAY, DAY + 1]) {
    store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
    const open = { lo: dayRange(day).lo + 7, hi: dayRange(day).lo + 8 };
    store.putLive(oneTradeEach(open), undefined);
  }
  for (let day = DAY - 40; day < DAY; day++) store.commit(emptyDay(day), oneTradeEach(emptyDay(day)));
  expect(store.absentDays({ lo: LO, hi: dayRange(DAY + 1).hi })).toEqual([]);
  expect(store.window({ lo: LO, hi: dayRange(DAY + 1).hi }).fold.count).toBe(4);
});

test("SeriesStore.commit(), a day whose first known minutes were sealed without a trade is in memory", () => {
  const store = newStore();
  store.putLive(oneTradeEach(minutes(5, 5)), minutes(5, 6));
  store.commit(minutes(0, 2), oneTradeEach(minutes(0, 2)));
  expect(store.absentDays(dayRange(DAY))).toEqual([]);
  store.putLive(oneTradeEach(minutes(6, 7)), minutes(6, 7));
  expect(store.window(minutes(0, 10)).fold.count).toBe(3);
});

test("SeriesStore.growScales(), keeps bins and sums, and never goes back", () => {
  const store = newStore();
  store.commit(minutes(0, 2), oneTradeEach(minutes(0, 2), 7));
  const rows = store.window(minutes(0, 2)).fold.profile.rows().bins;
  store.growScales({ priceScale: SCALES.priceScale + 2, sizeScale: SCALES.sizeScale + 1 });
  store.growScales(SCALES);
  expect(store.grid).toEqual({
    scales: { priceScale: SCALES.priceScale + 2, sizeScale: SCALES.sizeScale + 1 },
    binUnits: BIN_UNITS * 100,
  });
  const { fold } = store.window(minutes(0, 2));
  expect({ volume: fold.volume, high: fold.high, quote: fold.quoteVolume }).toEqual({
    volume: 140,
    high: 10_000,
    quote: 1_400_000n,
  });
  expect(fold.profile.rows().bins).toEqual(rows);
});

test("SeriesStore.align(), contributions in other bins are a bug", () => {
  const store = newStore();
  const other = { ...oneTradeEach(minutes(0, 1)), binUnits: BIN_UNITS * 2 };
  expect(() => store.commit(minutes(0, 1), other)).toThrow("in bins of 10 units, the store has 5");
});

test("DayLoader.load(), a commit during the load is not lost", async () => {
  const store = newStore();
  const model = new MinuteModel();
  model.commit(minuteTrades(minutes(0, 10), 1, SCALES));
  store.resetCommitted([minutes(0, 10)]);
  let reads = 0;
  const loader = new DayLoader(async (series, covered) => {
    const found = model.tape(covered, series.grid);
    if (++reads === 1) {
      await Promise.resolve();
      const newer = minuteTrades(minutes(5, 20), 2, SCALES);
      model.commit(newer);
      store.commit(minutes(5, 20), contributionsOf(newer.values(), GRID));
    }
    return found;
  });
  await loader.load(store, dayRange(DAY));
  expect(reads).toBe(1);
  expect(store.window(dayRange(DAY)).fold.volume).toBe(model.fold(dayRange(DAY), GRID).volume);
});

test("DayLoader.load(), readers of the same day share one read", async () => {
  const store = newStore();
  store.resetCommitted([minutes(0, 10)]);
  let reads = 0;
  const loader = new DayLoader(async () => {
    reads++;
    await Promise.resolve();
    return oneTradeEach(minutes(0, 10));
  });
  await Promise.all([loader.load(store, dayRange(DAY)), loader.load(store, minutes(3, 9))]);
  expect(reads).toBe(1);
});

test("DayLoader.load(), a failed read is told and tried again by the next reader", async () => {
  const store = newStore();
  store.resetCommitted([minutes(0, 10)]);
  let reads = 0;
  const loader = new DayLoader(async () => {
    if (++reads === 1) throw new Error("disk gone");
    return oneTradeEach(minutes(0, 10));
  });
  await expect(loader.load(store, dayRange(DAY))).rejects.toThrow("disk gone");
  await loader.load(store, dayRange(DAY));
  expect(store.window(dayRange(DAY)).fold.count).toBe(10);
});

test("DayLoader.load(), a window wider than what stays in memory is whole when it answers", async () => {
  const store = newStore();
  const days = Array.from({ length: RESIDENT_DAYS_MAX + 10 }, (_, i) => DAY + i);
  store.resetCommitted(days.map(emptyDay));
  const loader = new DayLoader(async (_series, covered) => oneTradeEach(covered.ranges[0]!));
  const window = { lo: LO, hi: dayRange(DAY + days.length - 1).hi };
  await loader.load(store, window);
  expect(store.window(window).fold.count).toBe(days.length);
  // The next day that comes in makes the bound hold again.
  store.commit(emptyDay(DAY + 90), oneTradeEach(emptyDay(DAY + 90)));
  expect(store.absentDays(window).length).toBe(days.length - RESIDENT_DAYS_MAX + 1);
  await expect(loader.load(store, { lo: LO, hi: dayRange(DAY + 40).hi })).rejects.toThrow("41 days");
});
