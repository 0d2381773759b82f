import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  compareWindows,
  foldMinutes,
  foldWindow,
  formatDecimal,
  migrationOf,
  VALUE_AREA_METHODS,
  type ValueAreaMigration,
} from "../../src/core/mod.ts";
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
    const found = compareWindows(foldOf([100, 1], [105, 2]), foldOf([101, 3], [109, 3]), GRID)!;
    expect(formatDecimal(found.overlap)).toBe("0.833333");
  });

  test("tells how far the POC went, in price", () => {
    const found = compareWindows(foldOf([100, 5], [120, 1]), foldOf([112, 5], [90, 1]), GRID)!;
    expect(formatDecimal(found.pocShift)).toBe("10");
    expect(found.migration).toBe("higher");
    const back = compareWindows(foldOf([112, 5]), foldOf([103, 5]), GRID, { coarser: 4 })!;
    expect([formatDecimal(back.pocShift), back.migration]).toEqual(["0", "unchanged"]);
  });

  test("is null where a window has no volume", () => {
    expect(compareWindows(foldOf(), foldOf([1, 1]), GRID)).toBeNull();
    expect(compareWindows(foldOf([1, 1]), foldOf(), GRID)).toBeNull();
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
        const { overlap, pocShift } = compareWindows(a!, b!, GRID, { method })!;
        const back = compareWindows(b!, a!, GRID, { method })!;
        // Within half a unit of the fraction.
        const off = overlap.units * whole - common * 1_000_000n;
        expect(2n * (off < 0n ? -off : off) <= whole).toBe(true);
        expect([back.overlap, back.pocShift.units]).toEqual([overlap, -pocShift.units]);
        expect(compareWindows(a!, a!, GRID, { method })?.overlap.units).toBe(1_000_000n);
        const far = foldWindow(
          foldMinutes(batchOf(after.map((t) => ({ ...t, price: t.price + 10_000 }))), BIN).minutes,
        );
        expect(compareWindows(a!, far, GRID, { method })?.overlap.units).toBe(0n);
      }),
    );
  });
});
