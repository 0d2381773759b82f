import { expect, test } from "bun:test";
import * as v from "valibot";
import { decimal, LEVEL_NAMES } from "../../src/core/mod.ts";
import {
  applyChangedFields,
  changedFields,
  levelSetToWire,
  profileToWire,
  WireLevelSet,
  WireProfile,
} from "../../src/protocol/mod.ts";
import { SESSION, someLevelSet, someProfile } from "./known-sets.ts";

test("levelSetToWire(), has every field of the contract and fits its schema", () => {
  const backfill = {
    job_id: "0190b8a4-0000-7000-8000-000000000001",
    status: "in_progress",
    percentage: 48.4,
  } as const;
  const set = levelSetToWire(someLevelSet(), backfill);
  expect(v.parse(WireLevelSet, JSON.parse(JSON.stringify(set)))).toEqual(set);
  expect(Object.keys(set)).toEqual([
    "symbol",
    "session",
    "as_of",
    "revision",
    "levels",
    "certainty",
    "bounds",
    "doubts",
    "coverage",
    "precision",
    "value_area",
    "opening_range",
    "bin_size",
    "trade_count",
    "volume",
    "backfill",
  ]);
  expect(Object.keys(set.levels)).toEqual([...LEVEL_NAMES]);
  expect(Object.keys(set.certainty)).toEqual([...LEVEL_NAMES]);
  expect(set).toMatchObject({
    symbol: "binance:BTCUSDT",
    session: "2026-01-02",
    as_of: "2026-01-03T00:00:00.000Z",
    revision: 7,
    coverage: {
      expected_minutes: 1440,
      covered_minutes: 10,
      ratio: 0.0069,
      missing: [["2026-01-02T00:10:00.000Z", "2026-01-03T00:00:00.000Z"]],
    },
    precision: "IMPRECISE (backfill 0.6%)",
    value_area: { method: "ranked", share: 0.7 },
    opening_range: "developing",
    bin_size: 0.5,
    trade_count: 3,
    volume: 3.5,
    bounds: {},
    doubts: [],
    backfill,
  });
  expect(set.levels).toMatchObject({
    VWAP: 100.6429,
    POC: 100.5,
    HIGH: 101,
    LOW: 100.5,
    CD: 0.5,
    rangeToday: 0.5,
  });
});

test("levelSetToWire(), a level that is not known is null and so is its certainty", () => {
  const { levels, certainty, backfill } = levelSetToWire(someLevelSet(), null);
  expect([levels.PDH, certainty.PDH, backfill]).toEqual([null, null, null]);
  expect([levels.IBH, certainty.IBH]).toEqual([101, "exact"]);
  expect(certainty.VWAP).toBe("estimate");
});

test("levelSetToWire(), bounded levels come with their interval, doubts with their reason", () => {
  const known = someLevelSet();
  const set = levelSetToWire(
    {
      ...known,
      certainty: { ...known.certainty, POC: "certain", VAH: "bounded" },
      bounds: { VAH: [decimal(10_050, 2), decimal(10_150, 2)] },
      doubts: [{ range: { lo: SESSION.range.lo, hi: SESSION.range.lo + 1 }, reason: "volume 7, trades 8" }],
    },
    null,
  );
  expect([set.certainty.POC, set.certainty.VAH, set.bounds]).toEqual([
    "certain",
    "bounded",
    { VAH: [100.5, 101.5] },
  ]);
  expect(set.doubts).toEqual([
    { from: "2026-01-02T00:00:00.000Z", to: "2026-01-02T00:01:00.000Z", reason: "volume 7, trades 8" },
  ]);
  expect(v.parse(WireLevelSet, JSON.parse(JSON.stringify(set)))).toEqual(set);
});

test("WireLevelSet, a level that is no longer bounded is null in a set put together from changes", () => {
  const before = { ...levelSetToWire(someLevelSet(), null), bounds: { VAH: [1, 2] } };
  const after = levelSetToWire(someLevelSet(), null);
  const held = applyChangedFields(before, changedFields(before, after) ?? {});
  expect(held.bounds).toEqual({ VAH: null });
  expect(v.is(WireLevelSet, held)).toBe(true);
});

test("WireLevelSet, refuses a set that lacks a level", () => {
  const set = levelSetToWire(someLevelSet(), null);
  const { VWAP: _, ...levels } = set.levels;
  expect(v.is(WireLevelSet, { ...set, levels })).toBe(false);
});

test("profileToWire(), rows and levels in the bins asked for", () => {
  const fine = profileToWire(someProfile());
  expect(v.parse(WireProfile, JSON.parse(JSON.stringify(fine)))).toEqual(fine);
  expect(fine.bins).toEqual([
    [100.5, 2.5, 2],
    [101, 1, 0],
  ]);
  expect(fine).toMatchObject({
    poc: 100.5,
    vwap: 100.6429,
    high: 101,
    low: 100.5,
    delta: 0.5,
    total_volume: 3.5,
  });
  expect(fine).toMatchObject({
    trade_count: 3,
    bin_size: 0.5,
    precision: "PRECISE",
    from: "2026-01-02T00:00:00.000Z",
  });
  const coarse = profileToWire(someProfile({ coarser: 4 }));
  expect(coarse.bins).toEqual([[100, 3.5, 2]]);
  expect(coarse).toMatchObject({ poc: 100, bin_size: 2 });
});

test("profileToWire(), minutes without a trade have null levels and no bins", () => {
  const empty = profileToWire(
    someProfile({ range: { lo: SESSION.range.lo + 100, hi: SESSION.range.lo + 110 } }),
  );
  expect(empty).toMatchObject({
    bins: [],
    poc: null,
    vah: null,
    val: null,
    vwap: null,
    high: null,
    low: null,
    delta: null,
  });
  expect(empty.total_volume).toBe(0);
});
