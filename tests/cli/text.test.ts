import { expect, test } from "bun:test";
import { RateMeter } from "../../src/cli/rate-meter.ts";
import { duration, grouped, levelSetText, partialLevels } from "../../src/cli/text.ts";
import { Throttle } from "../../src/cli/throttle.ts";
import { levelSetToWire, type WireLevelSet } from "../../src/protocol/mod.ts";
import { someLevelSet } from "../protocol/known-sets.ts";

/** A set whose VWAP is known and whose POC is between two bins. */
function boundedSet(): WireLevelSet {
  const set = levelSetToWire(someLevelSet(), null);
  return {
    ...set,
    certainty: { ...set.certainty, VWAP: "exact", POC: "bounded" },
    bounds: { POC: [100.5, "101.25"], VAH: null },
    doubts: [
      { from: "2026-01-02T00:03:00.000Z", to: "2026-01-02T00:04:00.000Z", reason: "volume 7, trades 8" },
    ],
  };
}

test("grouped(), thousands", () => {
  expect([0, 999, 1_000, 1_234_567.4].map(grouped)).toEqual(["0", "999", "1,000", "1,234,567"]);
});

test("duration(), the two largest units", () => {
  expect([null, 0, 11.2, 60, 125, 3_600, 3_725].map(duration)).toEqual([
    "-",
    "0s",
    "12s",
    "1m 00s",
    "2m 05s",
    "1h 00m",
    "1h 02m",
  ]);
});

test("RateMeter, the rate of the last seconds", () => {
  const meter = new RateMeter();
  expect(meter.perSecond).toBe(0);
  meter.add(0, 0);
  expect(meter.perSecond).toBe(0);
  meter.add(1_000, 500);
  expect(meter.perSecond).toBe(500);
  for (let s = 2; s <= 20; s++) meter.add(s * 1_000, 500 + (s - 1) * 100);
  expect(meter.perSecond).toBe(100);
  meter.add(21_000, 0);
  expect(meter.perSecond).toBe(0);
});

test("Throttle, one per interval and key", () => {
  const throttle = new Throttle(1_000);
  expect([
    throttle.passes(0, "a"),
    throttle.passes(999, "a"),
    throttle.passes(999, "b"),
    throttle.passes(1_000, "a"),
  ]).toEqual([true, false, true, true]);
});

test("partialLevels(), VWAP and POC with what is proven of them", () => {
  expect(partialLevels(boundedSet())).toBe(
    "binance:BTCUSDT 2026-01-02 VWAP 100.6429 (exact) POC 100.5 (bounded 100.5…101.25) coverage 0.6 %",
  );
});

test("levelSetText(), intervals stand behind the certainty, doubts below the levels", () => {
  const lines = levelSetText(boundedSet()).split("\n");
  expect(lines.find((line) => line.startsWith("  POC "))).toMatch(/ 100\.5 {2}bounded 100\.5…101\.25$/);
  expect(lines.find((line) => line.startsWith("  VAH "))).toMatch(/ estimate$/);
  expect(lines.at(-1)).toBe(
    "  in doubt: 2026-01-02T00:03:00.000Z – 2026-01-02T00:04:00.000Z: volume 7, trades 8",
  );
});
