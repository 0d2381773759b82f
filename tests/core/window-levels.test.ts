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
import { arbitraryTrades, batchOf, SCALE_0 } from "./trades.ts";

const GRID = { scales: SCALE_0, binUnits: 5 };

test("windowLevels(), derives every level of a window", () => {
  const trades = [
    { id: 1, timeUs: 0, price: 101, size: 2, raw: 1, buy: true },
    { id: 2, timeUs: 1, price: 107, size: 1, raw: 3, buy: false },
    { id: 3, timeUs: 60_000_000, price: 103, size: 4, raw: 1, buy: false },
  ];
  const { bands, ...levels } = windowLevels(foldWindow(foldMinutes(batchOf(trades), 5).minutes), GRID);
  const { count, ...decimals } = levels;
  expect(Object.entries(decimals).map(([name, value]) => [name, value && formatDecimal(value)])).toEqual([
    ["vwap", "103"],
    ["poc", "100"],
    ["vah", "100"],
    ["val", "100"],
    ["open", "101"],
    ["high", "107"],
    ["low", "101"],
    ["last", "103"],
    ["range", "6"],
    ["delta", "-3"],
    ["volume", "7"],
  ]);
  expect(count).toBe(3);
  expect(formatDecimal(bands!.deviation)).toBe("1.85");
});

test("windowLevels(), of nothing are null", () => {
  const { count, volume, ...levels } = windowLevels(foldWindow([]), GRID);
  expect([count, volume.units]).toEqual([0, 0n]);
  expect(new Set(Object.values(levels))).toEqual(new Set([null]));
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
      const levels = windowLevels(mergeFolds(parts), GRID, { method, coarser });
      expect(levels).toEqual(windowLevels(whole, GRID, { method, coarser }));
      const area = valueArea(whole.profile.rows(coarser), method);
      if (area === undefined) return expect(levels.poc).toBeNull();
      const rowUnits = BigInt(5 * coarser);
      expect(levels.poc?.units).toBe(BigInt(area.poc) * rowUnits);
      expect(area.val <= area.poc && area.poc <= area.vah).toBe(true);
      expect(
        levels.low!.units * 100n <= levels.vwap!.units && levels.vwap!.units <= levels.high!.units * 100n,
      ).toBe(true);
    }),
  );
});
