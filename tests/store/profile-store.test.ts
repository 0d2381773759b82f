import { expect, test } from "bun:test";
import { formatDecimal, utcSession } from "../../src/core/mod.ts";
import { daysRead, ProfileStore, readLevels } from "../../src/store/mod.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf } from "./minute-model.ts";

const DAY = 20_000;
const identity = { seriesId: 3, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS };

test("ProfileStore.open(), a series is opened once and found by id and name", () => {
  const store = new ProfileStore();
  const series = store.open(identity);
  expect(store.open(identity)).toBe(series);
  expect(store.byId(3)).toBe(series);
  expect(store.bySymbol("binance:BTCUSDT")).toBe(series);
  expect(store.list()).toEqual([series]);
  expect(() => store.open({ ...identity, seriesId: 4 })).toThrow("binance:BTCUSDT is open already");
});

test("ProfileStore.announce(), every listener hears until it ends", () => {
  const store = new ProfileStore();
  const series = store.open(identity);
  const heard: string[] = [];
  const end = store.subscribe((change) => heard.push(`a ${change.series.seriesId}`));
  store.subscribe((change) => heard.push(`b ${change.series.seriesId}`));
  store.announce(series);
  end();
  store.announce(series);
  expect(heard).toEqual(["a 3", "b 3", "b 3"]);
});

test("readLevels(), answers the levels of a session with revision and coverage", () => {
  const series = new ProfileStore().open(identity);
  const session = utcSession(DAY);
  const { lo } = session.range;
  const at = (minute: number, price: number, size: number) => ({
    scales: SCALES,
    trades: [{ id: minute, timeMs: (lo + minute) * 60_000, price, size, buy: true }],
  });
  const contributions = contributionsOf([at(0, 100, 1_000), at(2, 200, 3_000)], series.grid);
  series.commit({ lo, hi: lo + 3 }, contributions);
  expect(daysRead(session)).toEqual([DAY - 1, DAY]);
  const set = readLevels(series, {
    session,
    method: "ranked",
    coarser: 1,
    asOfMs: 7,
    nowMinute: lo + 4,
    expectedEnd: lo + 4,
  });
  expect(set.revision).toBe(series.revision);
  expect(set.coverage).toEqual({
    expectedMinutes: 4,
    coveredMinutes: 3,
    missing: [{ lo: lo + 3, hi: lo + 4 }],
  });
  expect(set.levels.VWAP && formatDecimal(set.levels.VWAP)).toBe("1.75");
  expect(set.levels.HIGH && formatDecimal(set.levels.HIGH)).toBe("2");
  expect(set.levels.PDH).toBeNull();
  expect(set.tradeCount).toBe(2);
});
