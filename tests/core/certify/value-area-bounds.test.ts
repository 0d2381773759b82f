import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ProfileBounds } from "../../../src/core/certify/profile-bounds.ts";
import {
  type BinInterval,
  type ValueAreaBounds,
  valueAreaBounds,
} from "../../../src/core/certify/value-area-bounds.ts";
import {
  EMPTY_ROWS,
  InvariantError,
  VALUE_AREA_METHODS,
  type ValueAreaMethod,
} from "../../../src/core/mod.ts";
import { areaOf, boundsOf, hullOf } from "./all-profiles.ts";

const SHARES = [
  { part: 1, whole: 2 },
  { part: 7, whole: 10 },
  { part: 1, whole: 1 },
];

const holds = ([low, high]: BinInterval, bin: number) => low <= bin && bin <= high;
const covers = ([low, high]: BinInterval, [least, most]: BinInterval) => low <= least && most <= high;
const sum = (volumes: readonly number[]) => volumes.reduce((a, b) => a + b, 0);

/** Rows with a lower and an upper bound each; those at both ends can hold volume. */
function rowBounds(rowsMax: number, volumeMax: number): fc.Arbitrary<[number, number][]> {
  const volume = fc.integer({ min: 0, max: volumeMax });
  const row = fc.oneof(
    fc.tuple(volume, volume).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]),
    volume.map((known): [number, number] => [known, known]),
    volume.map((most): [number, number] => [0, most]),
  );
  return fc
    .array(row, { minLength: 1, maxLength: rowsMax, size: "max" })
    .filter((rows) => rows[0]![1] > 0 && rows.at(-1)![1] > 0);
}

/** Bounds with few enough profiles to look at all of them. */
const smallBounds = fc
  .tuple(rowBounds(6, 4), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: -9, max: 9 }))
  .map(([rows, part, firstBin]) => {
    const edge = (i: number) => i === 0 || i === rows.length - 1;
    const least = sum(rows.map(([low], i) => (edge(i) ? Math.max(1, low) : low)));
    const most = sum(rows.map(([, high]) => high));
    return boundsOf(
      rows.map(([low]) => low),
      rows.map(([, high]) => high),
      least + Math.round((most - least) * part),
      firstBin,
    );
  });

/** A profile, and bounds around it. */
function boundedProfile(rowsMax: number, volumeMax: number) {
  const volume = fc.oneof(
    fc.integer({ min: 0, max: volumeMax }),
    fc.constantFrom(0, 0, 1, volumeMax),
    fc.integer({ min: 0, max: 3 }),
  );
  return fc
    .array(fc.tuple(volume, volume, volume, fc.nat({ max: 3 })), {
      minLength: 1,
      maxLength: rowsMax,
      size: "max",
    })
    .map((rows) => {
      const profile = rows.map(([held], i) => (i === 0 || i === rows.length - 1 ? Math.max(1, held) : held));
      const lower = rows.map(([, less, , known], i) =>
        known === 0 ? profile[i]! : Math.max(0, profile[i]! - less),
      );
      const upper = rows.map(([, , more, known], i) => (known === 0 ? profile[i]! : profile[i]! + more));
      return { profile, bounds: boundsOf(lower, upper, sum(profile), 100) };
    });
}

describe.each([...VALUE_AREA_METHODS])("valueAreaBounds(), %s", (method: ValueAreaMethod) => {
  describe.each([...EMPTY_ROWS])("empty rows: %s,", (emptyRows) => {
    test("holds VAH and VAL of every profile there is", () => {
      fc.assert(
        fc.property(smallBounds, fc.constantFrom(...SHARES), (bounds, share) => {
          const hull = hullOf(bounds, method, { share, emptyRows })!;
          const found = valueAreaBounds(bounds, method, { share, emptyRows })!;
          expect(covers(found.vah, hull.vah) && covers(found.val, hull.val)).toBe(true);
          // With the POC known as well as it can be.
          const told = valueAreaBounds(bounds, method, { share, emptyRows, poc: hull.poc })!;
          expect(covers(told.vah, hull.vah) && covers(told.val, hull.val)).toBe(true);
        }),
        { numRuns: 250 },
      );
    });

    test.each([20, 1e6, 1e13])(
      "holds VAH and VAL of a profile of many rows, volumes up to %d",
      (volumeMax) => {
        fc.assert(
          fc.property(
            boundedProfile(80, volumeMax),
            fc.constantFrom(...SHARES),
            ({ profile, bounds }, share) => {
              const area = areaOf(profile, 100, method, { share, emptyRows });
              const found = valueAreaBounds(bounds, method, { share, emptyRows })!;
              expect(holds(found.vah, area.vah) && holds(found.val, area.val)).toBe(true);
              const told = valueAreaBounds(bounds, method, { share, emptyRows, poc: [area.poc, area.poc] })!;
              expect(holds(told.vah, area.vah) && holds(told.val, area.val)).toBe(true);
            },
          ),
          { numRuns: 150 },
        );
      },
    );

    test("is the value area itself where every volume is known", () => {
      fc.assert(
        fc.property(boundedProfile(60, 40), fc.constantFrom(...SHARES), ({ profile }, share) => {
          const { vah, val } = areaOf(profile, -7, method, { share, emptyRows });
          expect(
            valueAreaBounds(boundsOf(profile, profile, sum(profile), -7), method, { share, emptyRows }),
          ).toEqual({ vah: [vah, vah], val: [val, val] });
        }),
      );
    });

    test("takes bins together", () => {
      fc.assert(
        fc.property(
          boundedProfile(60, 40),
          fc.integer({ min: 2, max: 7 }),
          ({ profile, bounds }, coarser) => {
            const first = Math.floor(100 / coarser);
            const merged: number[] = [];
            for (const [i, volume] of profile.entries()) {
              const row = Math.floor((100 + i) / coarser) - first;
              merged[row] = (merged[row] ?? 0) + volume;
            }
            const area = areaOf(merged, first, method, { emptyRows });
            const found = valueAreaBounds(bounds, method, { emptyRows, coarser })!;
            expect(holds(found.vah, area.vah) && holds(found.val, area.val)).toBe(true);
          },
        ),
      );
    });
  });

  test("holds a share of one by the traded range", () => {
    expect(
      valueAreaBounds(boundsOf([0, 0, 0, 0], [9, 9, 9, 9], 20, 5), method, { share: { part: 1, whole: 1 } }),
    ).toEqual({ vah: [8, 8], val: [5, 5] });
  });

  test("knows one row, and says nothing of a profile nothing is known of", () => {
    expect(valueAreaBounds(boundsOf([0], [9], 9, 5), method)).toEqual({ vah: [5, 5], val: [5, 5] });
    expect(valueAreaBounds(boundsOf([0, 0, 0, 0, 0], [20, 20, 20, 20, 20], 20), method)).toEqual({
      vah: [0, 4],
      val: [0, 4],
    });
  });

  test("is certain while trades are missing that can change nothing", () => {
    // Rows 1 to 3 hold 83 of 100; the 7 that are missing lie below or above. Pairs reach one row further.
    const [low, high] = method === "two_row" ? [0, 4] : [1, 3];
    const lower = [1, 20, 43, 20, 1, 3, 5];
    const upper = [5, 20, 43, 20, 5, 9, 12];
    expect(valueAreaBounds(boundsOf(lower, upper, 100), method)).toEqual({
      vah: [high, high],
      val: [low, low],
    });
  });

  test("is a point where the POC alone holds the share", () => {
    expect(valueAreaBounds(boundsOf([0, 0, 71, 0, 0], [9, 9, 99, 9, 9], 100), method)).toEqual({
      vah: [2, 2],
      val: [2, 2],
    });
  });

  test("compares exactly near 2^53", () => {
    const total = Number.MAX_SAFE_INTEGER;
    const at = (poc: number) => boundsOf([poc, 0], [total, total - poc], total);
    expect(valueAreaBounds(at(6_305_039_478_318_693), method)).toEqual({ vah: [0, 1], val: [0, 0] });
    expect(valueAreaBounds(at(6_305_039_478_318_694), method)).toEqual({ vah: [0, 0], val: [0, 0] });
    const wide = boundsOf(Array(9).fill(0), Array(9).fill(total), total);
    expect(valueAreaBounds(wide, method)).toEqual({ vah: [0, 8], val: [0, 8] });
  });

  test("is undefined without volume", () => {
    const nothing: ProfileBounds = { ...boundsOf([0], [0], 0), lowBin: 0, highBin: 0 };
    expect(valueAreaBounds(nothing, method)).toBeUndefined();
  });

  test("refuses bounds that no profile satisfies", () => {
    expect(() => valueAreaBounds(boundsOf([5, 5], [9, 9], 9), method)).toThrow(InvariantError);
    expect(() => valueAreaBounds(boundsOf([5, 5], [9, 9], 19), method)).toThrow(InvariantError);
    expect(() => valueAreaBounds(boundsOf([6, 1, 1], [5, 9, 9], 9), method)).toThrow(InvariantError);
    expect(() => valueAreaBounds(boundsOf([9, 1], [9, 1], 10), method, { poc: [1, 1] })).toThrow(
      InvariantError,
    );
  });
});

describe("valueAreaBounds() is as narrow as the profiles allow,", () => {
  test("ranked: by how much the rows left out must hold", () => {
    // Row 4 can be lifted to 29 of 100, never among the 70 % the others hold by then.
    const bounds = boundsOf([10, 25, 36, 10, 9], [20, 25, 36, 10, 19], 100);
    expect(valueAreaBounds(bounds, "ranked")).toEqual(areaHull(bounds, "ranked"));
  });

  test("ranked: past rows that lose the tie and rows that hold too little", () => {
    const bounds = boundsOf([33, 40, 1, 1, 1, 1, 33], [33, 40, 1, 1, 1, 1, 33], 110);
    expect(valueAreaBounds(bounds, "ranked", { share: { part: 1, whole: 2 } })).toEqual({
      vah: [1, 1],
      val: [0, 0],
    });
  });

  test("ranked: among many equal rows those nearest the middle", () => {
    const flat = Array(201).fill(5);
    expect(valueAreaBounds(boundsOf(flat, flat, 1005), "ranked")).toEqual(
      areaHull(boundsOf(flat, flat, 1005), "ranked"),
    );
    // The edges are not known exactly, and matter as little.
    const bounds = boundsOf([1, ...flat, 1], [3, ...flat, 3], 1009);
    expect(valueAreaBounds(bounds, "ranked")).toEqual(areaHull(bounds, "ranked"));
  });

  test.each([
    { lower: [1, 4, 1, 4, 2, 3], upper: [1, 5, 3, 4, 7, 3], total: 17, share: { part: 7, whole: 10 } },
    { lower: [6, 0, 5, 2, 4, 0, 2, 3], upper: [6, 5, 5, 9, 9, 8, 3, 3], total: 32, share: SHARES[0]! },
    { lower: [4, 3, 0, 5, 3, 5], upper: [4, 4, 6, 8, 6, 5], total: 25, share: SHARES[0]! },
  ])("ranked: rows that stay down so that others are taken: $lower to $upper", (given) => {
    const { lower, upper, total, share } = given;
    const bounds = boundsOf(lower, upper, total);
    const { vah, val } = hullOf(bounds, "ranked", { share })!;
    expect(valueAreaBounds(bounds, "ranked", { share })).toEqual({ vah, val });
  });

  test("one_row: a row that would have to hold as much as the one it passes by", () => {
    // To be taken before the 20 below, rows 3 to 5 would hold 20 each; only 30 are missing, one of them at the top.
    const bounds = boundsOf([10, 20, 40, 0, 0, 0], [10, 20, 40, 30, 30, 30], 100);
    expect(valueAreaBounds(bounds, "one_row")).toEqual({ vah: [2, 3], val: [0, 1] });
    expect(valueAreaBounds(bounds, "one_row")).toEqual(areaHull(bounds, "one_row"));
  });

  test.each([
    { lower: [4, 2, 0, 0], upper: [4, 3, 2, 4], total: 10, vah: [2, 3], val: [0, 0] },
    { lower: [3, 0, 1, 0, 1, 0], upper: [4, 1, 2, 0, 4, 2], total: 7, vah: [0, 4], val: [0, 0] },
    { lower: [0, 1, 0, 1, 3], upper: [1, 3, 3, 4, 4], total: 7, vah: [4, 4], val: [1, 4] },
  ] as const)(
    "two_row, rows that may be empty skipped: $lower to $upper",
    ({ lower, upper, total, vah, val }) => {
      const options = { share: { part: 1, whole: 2 }, emptyRows: "skip" } as const;
      const bounds = boundsOf(lower, upper, total);
      const hull = hullOf(bounds, "two_row", options)!;
      const found = valueAreaBounds(bounds, "two_row", options)!;
      expect(covers(found.vah, hull.vah) && covers(found.val, hull.val)).toBe(true);
      expect([hull.vah, hull.val]).toEqual([[...vah], [...val]]);
    },
  );

  test("two_row: pairs are bounded as pairs", () => {
    const bounds = boundsOf([9, 10, 50, 6, 6, 0], [9, 10, 50, 12, 12, 6], 93);
    expect(valueAreaBounds(bounds, "two_row")).toEqual(areaHull(bounds, "two_row"));
  });
});

function areaHull(bounds: ProfileBounds, method: ValueAreaMethod): ValueAreaBounds {
  const { vah, val } = hullOf(bounds, method, {})!;
  return { vah, val };
}
