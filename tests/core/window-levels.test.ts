import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  foldMinutes,
  foldWindow,
  formatDecimal,
  mergeFolds,
  VALUE_AREA_METHODS,
  valueArea,
  windowLevels,
} from "../../src/core/mod.ts";
import { wholeWindow } from "../support/whole-window.ts";
import { arbitraryTrades, batchOf, SCALE_0 } from "./trades.ts";

const GRID = { scales: SCALE_0, binUnits: 5 };

test("windowLevels(), derives every level of a window", () => {
  const trades = [
    { id: 1, timeUs: 0, price: 101, size: 2, raw: 1, buy: true },
    { id: 2, timeUs: 1, price: 107, size: 1, raw: 3, buy: false },
    { id: 3, timeUs: 60_000_000, price: 103, size: 4, raw: 1, buy: false },
  ];
  const fold = foldWindow(foldMinutes(batchOf(trades), 5).minutes);
  const { bands, count, volume, ...levels } = windowLevels(wholeWindow(fold), GRID);
  const shown = Object.entries(levels).map(([name, { value, certainty }]) => [
    ...[name, value && formatDecimal(value), certainty],
  ]);
  expect(shown.sort()).toEqual(
    [
      ["vwap", "103", "exact"],
      ["poc", "100", "exact"],
      ["vah", "100", "exact"],
      ["val", "100", "exact"],
      ["open", "101", "exact"],
      ["high", "107", "exact"],
      ["low", "101", "exact"],
      ["last", "103", "exact"],
      ["range", "6", "exact"],
      ["delta", "-3", "exact"],
      ["deviation", "1.85", "exact"],
    ].sort(),
  );
  expect([count, formatDecimal(volume), bands.length]).toEqual([3, "7", 3]);
});

test("windowLevels(), of nothing are null", () => {
  const { bands, count, volume, ...levels } = windowLevels(wholeWindow(foldWindow([])), GRID);
  expect([count, volume.units, bands]).toEqual([0, 0n, []]);
  for (const level of Object.values(levels)) expect(level).toEqual({ value: null, certainty: "exact" });
});

test("windowLevels(), of a composite are those of all its trades, with VAL ≤ POC ≤ VAH and the VWAP within low and high", () => {
  const cases = fc.tuple(
    arbitraryTrades(),
    fc.constantFrom(...VALUE_AREA_METHODS),
    fc.integer({ min: 1, max: 4 }),
  );
  fc.assert(
    fc.property(cases, ([trades, method, coarser]) => {
      const { minutes } = foldMinutes(batchOf(trades), 5);
      const parts = [0, 1, 2].map((part) => foldWindow(minutes.filter(({ minute }) => minute % 3 === part)));
      const whole = foldWindow(minutes);
      const levels = windowLevels(wholeWindow(mergeFolds(parts)), GRID, { method, coarser });
      expect(levels).toEqual(windowLevels(wholeWindow(whole), GRID, { method, coarser }));
      const area = valueArea(whole.profile.rows(coarser), method);
      if (area === undefined) return expect(levels.poc.value).toBeNull();
      const rowUnits = BigInt(5 * coarser);
      expect(levels.poc.value?.units).toBe(BigInt(area.poc) * rowUnits);
      expect(area.val <= area.poc && area.poc <= area.vah).toBe(true);
      const { low, vwap, high } = levels;
      expect(
        low.value!.units * 100n <= vwap.value!.units && vwap.value!.units <= high.value!.units * 100n,
      ).toBe(true);
    }),
  );
});
