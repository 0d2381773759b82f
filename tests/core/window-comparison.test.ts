import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ComparedWindow,
  compareWindows,
  decimal,
  foldMinutes,
  foldWindow,
  formatDecimal,
  type LevelOptions,
  migrationOf,
  type Reading,
  VALUE_AREA_METHODS,
  type ValueAreaMigration,
  type WindowFold,
  windowLevels,
} from "../../src/core/mod.ts";
import { wholeWindow } from "../support/whole-window.ts";
import { arbitraryTrades, batchOf, SCALE_0 } from "./trades.ts";

const BIN = 5;
const GRID = { scales: SCALE_0, binUnits: BIN };
/** A fold of prints of one minute: price and size of each. */
const foldOf = (...prints: (readonly [price: number, size: number])[]) =>
  foldWindow(
    foldMinutes(
      batchOf(
        prints.map(([price, size], i) => ({ ...{ id: i + 1, timeUs: i, price, size }, raw: 1, buy: true })),
      ),
      BIN,
    ).minutes,
  );

const compared = (fold: WindowFold, options?: LevelOptions): ComparedWindow => ({
  ...wholeWindow(fold),
  levels: windowLevels(wholeWindow(fold), GRID, options),
});
/** All that two whole windows say of each other. */
function compare(a: WindowFold, b: WindowFold, options: LevelOptions = {}) {
  return compareWindows(compared(a, options), compared(b, options), options.coarser ?? 1);
}
const text = ({ value }: Reading) => value && formatDecimal(value);

describe("migrationOf()", () => {
  const from = { val: 10, vah: 20 };
  test.each<[number, number, ValueAreaMigration]>([
    [21, 30, "higher"],
    [20, 30, "overlapping_higher"],
    [11, 21, "overlapping_higher"],
    [1, 9, "lower"],
    [1, 10, "overlapping_lower"],
    [9, 19, "overlapping_lower"],
    [11, 19, "inside"],
    [10, 19, "inside"],
    [11, 20, "inside"],
    [9, 21, "outside"],
    [10, 21, "outside"],
    [9, 20, "outside"],
    [10, 20, "unchanged"],
  ])("from 10–20 to %d–%d is %s", (val, vah, migration) => {
    expect(migrationOf(from, { val, vah })).toBe(migration);
  });

  test("has a mirror for each answer", () => {
    const mirror: Record<ValueAreaMigration, ValueAreaMigration> = {
      higher: "lower",
      lower: "higher",
      overlapping_higher: "overlapping_lower",
      overlapping_lower: "overlapping_higher",
      inside: "inside",
      outside: "outside",
      unchanged: "unchanged",
    };
    const area = fc
      .tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }))
      .map(([val, span]) => ({ val, vah: val + span }));
    fc.assert(
      fc.property(area, area, (a, b) => {
        const flip = ({ val, vah }: typeof a) => ({ val: -vah, vah: -val });
        expect(migrationOf(flip(a), flip(b))).toBe(mirror[migrationOf(a, b)]);
      }),
    );
  });
});

describe("compareWindows()", () => {
  test("adds up the smaller share of each row and rounds once", () => {
    // Shares 1/3, 2/3 against 1/2, 1/2 in the same rows: 1/3 + 1/2 = 0.8333…
    const found = compare(foldOf([100, 1], [105, 2]), foldOf([101, 3], [109, 3]));
    expect([text(found.overlap), found.overlap.certainty]).toEqual(["0.833333", "exact"]);
  });

  test("tells how far the POC went, in price", () => {
    const found = compare(foldOf([100, 5], [120, 1]), foldOf([112, 5], [90, 1]));
    expect([text(found.pocShift), found.pocShift.certainty]).toEqual(["10", "exact"]);
    expect(found.migration).toEqual({ value: "higher", certainty: "exact" });
    const back = compare(foldOf([112, 5]), foldOf([103, 5]), { coarser: 4 });
    expect([text(back.pocShift), back.migration.value]).toEqual(["0", "unchanged"]);
  });

  test("is null where a window has no volume", () => {
    const nothing = { value: null, certainty: null };
    const none = { overlap: nothing, pocShift: nothing, migration: nothing };
    expect(compare(foldOf(), foldOf([1, 1]))).toEqual(none);
    expect(compare(foldOf([1, 1]), foldOf())).toEqual(none);
  });

  test("has the overlap of the exact fraction, the same from both sides, 1 with itself, 0 without a common row", () => {
    const trades = arbitraryTrades({ sizeMax: 2 ** 45 }).filter((list) => list.length > 0);
    fc.assert(
      fc.property(trades, trades, fc.constantFrom(...VALUE_AREA_METHODS), (before, after, method) => {
        const [a, b] = [before, after].map((list) => foldWindow(foldMinutes(batchOf(list), BIN).minutes));
        const volumes = new Map(Array.from(b!.profile.rows().bins, (bin) => [bin, b!.profile.volumeOf(bin)]));
        let common = 0n;
        for (const bin of a!.profile.rows().bins) {
          const [x, y] = [BigInt(a!.profile.volumeOf(bin)), BigInt(volumes.get(bin) ?? 0)];
          const [xb, ya] = [x * BigInt(b!.volume), y * BigInt(a!.volume)];
          common += xb < ya ? xb : ya;
        }
        const whole = BigInt(a!.volume) * BigInt(b!.volume);
        const { overlap, pocShift } = compare(a!, b!, { method });
        const back = compare(b!, a!, { method });
        // Within half a unit of the fraction.
        const off = overlap.value!.units * whole - common * 1_000_000n;
        expect(2n * (off < 0n ? -off : off) <= whole).toBe(true);
        expect([back.overlap, back.pocShift.value?.units]).toEqual([overlap, -pocShift.value!.units]);
        expect(compare(a!, a!, { method }).overlap.value?.units).toBe(1_000_000n);
        const far = foldWindow(
          foldMinutes(batchOf(after.map((t) => ({ ...t, price: t.price + 10_000 }))), BIN).minutes,
        );
        expect(compare(a!, far, { method }).overlap.value?.units).toBe(0n);
      }),
    );
  });

  test("claims of windows that are not whole what holds wherever their levels are", () => {
    const point = (units: number): Reading => ({ value: decimal(units, 0), certainty: "certain" });
    const within = (low: number, high: number): Reading => ({
      value: decimal(low, 0),
      certainty: "bounded",
      bounds: [decimal(low, 0), decimal(high, 0)],
    });
    const part = (poc: Reading, val: Reading, vah: Reading): ComparedWindow => ({
      fold: foldOf([100, 1]),
      whole: false,
      levels: { poc, val, vah },
    });
    const before = part(point(10), within(0, 5), within(15, 20));
    const higher = compareWindows(before, part(within(30, 40), within(25, 30), point(50)), 1);
    expect(higher.migration).toEqual({ value: "higher", certainty: "certain" });
    expect([higher.pocShift.certainty, higher.pocShift.bounds?.map(formatDecimal)]).toEqual([
      "bounded",
      ["20", "30"],
    ]);
    expect(higher.overlap.certainty).toBe("estimate");
    // Above 15 it would be higher by a value area that ends there, and overlap one that ends at 20.
    const unclear = compareWindows(before, part(point(30), point(18), point(50)), 1);
    expect([unclear.migration.certainty, unclear.pocShift]).toEqual([
      "estimate",
      { value: decimal(20, 0), certainty: "certain" },
    ]);
    const guess = compareWindows(
      before,
      part({ value: decimal(30, 0), certainty: "estimate" }, point(25), point(50)),
      1,
    );
    expect([guess.pocShift.certainty, guess.pocShift.bounds]).toEqual(["estimate", undefined]);
  });
});
