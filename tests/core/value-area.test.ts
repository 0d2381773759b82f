import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  EMPTY_ROWS,
  InvariantError,
  pocIndex,
  VALUE_AREA_METHODS,
  type ValueAreaMethod,
  valueArea,
} from "../../src/core/mod.ts";
import { type NaiveRow, naiveArea } from "./naive-area.ts";

function rowsOf(rows: readonly (readonly [bin: number, volume: number])[]) {
  return {
    bins: Float64Array.from(rows, ([bin]) => bin),
    volumes: Float64Array.from(rows, ([, volume]) => volume),
  };
}

/** Rows from bin 0 upwards; 0 is an empty row. */
const ladder = (...volumes: number[]) => rowsOf([...volumes.entries()].filter(([, volume]) => volume > 0));

const volume = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 1_000 }));
const arbitraryRows = fc
  .uniqueArray(fc.tuple(fc.nat({ max: 60 }), volume), {
    selector: ([bin]) => bin,
    minLength: 1,
    maxLength: 25,
  })
  .map((rows) => rows.sort(([a], [b]) => a - b));
const share = fc
  .tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 }))
  .map(([a, b]) => ({ part: Math.min(a, b), whole: Math.max(a, b) }));

describe("pocIndex()", () => {
  test("takes the largest volume", () => {
    expect(pocIndex(ladder(1, 5, 3))).toBe(1);
  });

  test("on a tie, takes the row nearest the middle of the traded range", () => {
    expect(pocIndex(ladder(5, 1, 5, 1, 1))).toBe(1 + 1);
    expect(
      pocIndex(
        rowsOf([
          [0, 1],
          [10, 7],
          [90, 7],
          [120, 1],
        ]),
      ),
    ).toBe(2);
  });

  test("on a tie at equal distance, takes the lower row", () => {
    expect(pocIndex(ladder(5, 1, 5))).toBe(0);
    expect(pocIndex(ladder(4, 4))).toBe(0);
  });

  test("is undefined without rows", () => {
    expect(pocIndex(ladder())).toBeUndefined();
  });
});

describe("valueArea(), ranked", () => {
  test("takes rows by volume and may leave holes", () => {
    expect(valueArea(ladder(40, 1, 1, 1, 57), "ranked")).toEqual({ poc: 4, vah: 4, val: 0 });
  });

  test("takes no row once the threshold is reached exactly", () => {
    expect(valueArea(ladder(10, 70, 20), "ranked")).toEqual({ poc: 1, vah: 1, val: 1 });
    expect(valueArea(ladder(10, 69, 21), "ranked")).toEqual({ poc: 1, vah: 2, val: 1 });
  });

  test("among equal rows takes the one nearest the middle first, then the lower", () => {
    expect(valueArea(ladder(3, 0, 50, 3, 1), "ranked", { share: { part: 51, whole: 57 } })).toEqual({
      poc: 2,
      vah: 3,
      val: 2,
    });
    expect(valueArea(ladder(5, 20, 5), "ranked", { share: { part: 25, whole: 30 } })).toEqual({
      poc: 1,
      vah: 1,
      val: 0,
    });
  });

  test("does not care for empty rows", () => {
    expect(valueArea(ladder(9, 0, 0, 4, 3), "ranked", { emptyRows: "skip" })).toEqual(
      valueArea(ladder(9, 0, 0, 4, 3), "ranked", { emptyRows: "count" })!,
    );
  });
});

describe("valueArea(), one_row", () => {
  test("expands toward the heavier side", () => {
    expect(valueArea(ladder(1, 30, 50, 10, 9), "one_row")).toEqual({ poc: 2, vah: 2, val: 1 });
    expect(valueArea(ladder(9, 10, 50, 30, 1), "one_row")).toEqual({ poc: 2, vah: 3, val: 2 });
  });

  test("on a tie expands upward", () => {
    expect(valueArea(ladder(20, 60, 20), "one_row")).toEqual({ poc: 1, vah: 2, val: 1 });
  });

  test("counts empty rows, or skips them", () => {
    // Above the POC an empty row hides the heavier one; below stand light rows.
    const rows = ladder(4, 4, 60, 0, 32);
    expect(valueArea(rows, "one_row")).toEqual({ poc: 2, vah: 4, val: 0 });
    expect(valueArea(rows, "one_row", { emptyRows: "skip" })).toEqual({ poc: 2, vah: 4, val: 2 });
  });

  test("ends inside an empty span only at a traded row", () => {
    expect(
      valueArea(
        rowsOf([
          [0, 60],
          [1_000, 40],
        ]),
        "one_row",
      ),
    ).toEqual({ poc: 0, vah: 1_000, val: 0 });
  });
});

describe("valueArea(), two_row", () => {
  test("compares pairs, not rows", () => {
    // One row: 11 above beats 10 below. Pairs: 11 + 1 above lose against 10 + 9 below.
    const rows = ladder(9, 10, 60, 11, 1, 9);
    expect(valueArea(rows, "one_row")).toEqual({ poc: 2, vah: 3, val: 2 });
    expect(valueArea(rows, "two_row")).toEqual({ poc: 2, vah: 2, val: 0 });
  });

  test("takes the single row that is left at the edge", () => {
    expect(valueArea(ladder(60, 40), "two_row")).toEqual({ poc: 0, vah: 1, val: 0 });
  });

  test("on a tie expands upward by the pair", () => {
    expect(valueArea(ladder(10, 10, 60, 10, 10), "two_row")).toEqual({ poc: 2, vah: 4, val: 2 });
  });
});

describe.each([...VALUE_AREA_METHODS])("valueArea(), %s", (method: ValueAreaMethod) => {
  describe.each([...EMPTY_ROWS])("empty rows: %s,", (emptyRows) => {
    test("equals the rule applied row by row", () => {
      fc.assert(
        fc.property(arbitraryRows, share, (rows, share) => {
          const naive: NaiveRow[] = rows.map(([bin, v]) => [bin, BigInt(v)]);
          expect(valueArea(rowsOf(rows), method, { share, emptyRows })!).toEqual(
            naiveArea(naive, method, emptyRows, share)!,
          );
        }),
        { numRuns: 500 },
      );
    });

    test("holds VAL ≤ POC ≤ VAH, on traded rows or within the traded range", () => {
      fc.assert(
        fc.property(arbitraryRows, share, (rows, share) => {
          const { poc, vah, val } = valueArea(rowsOf(rows), method, { share, emptyRows })!;
          expect(val).toBeLessThanOrEqual(poc);
          expect(poc).toBeLessThanOrEqual(vah);
          expect(val).toBeGreaterThanOrEqual(rows[0]![0]);
          expect(vah).toBeLessThanOrEqual(rows.at(-1)![0]);
        }),
      );
    });

    test("holds at least the share of the volume", () => {
      fc.assert(
        fc.property(arbitraryRows, share, (rows, share) => {
          const { vah, val } = valueArea(rowsOf(rows), method, { share, emptyRows })!;
          const sum = (part: typeof rows) => part.reduce((total, [, v]) => total + v, 0);
          const inside = sum(rows.filter(([bin]) => val <= bin && bin <= vah));
          expect(inside * share.whole).toBeGreaterThanOrEqual(sum(rows) * share.part);
        }),
      );
    });

    test("walks a span of 2^50 empty rows in a step", () => {
      const far = 2 ** 50;
      const rows = rowsOf([
        [0, 10],
        [1, 5],
        [far, 40],
        [far + 1, 5],
        [2 * far, 40],
      ]);
      const area = valueArea(rows, method, { emptyRows, share: { part: 99, whole: 100 } })!;
      expect(area).toEqual({ poc: far, vah: 2 * far, val: 0 });
    });

    test("takes everything at a share of one, and one row where there is one", () => {
      fc.assert(
        fc.property(arbitraryRows, (rows) => {
          const area = valueArea(rowsOf(rows), method, { emptyRows, share: { part: 1, whole: 1 } })!;
          expect([area.val, area.vah]).toEqual([rows[0]![0], rows.at(-1)![0]]);
        }),
      );
      expect(valueArea(rowsOf([[7, 1]]), method, { emptyRows })).toEqual({ poc: 7, vah: 7, val: 7 });
    });
  });

  test("is undefined without volume", () => {
    expect(valueArea(ladder(), method)).toBeUndefined();
  });

  test("compares the threshold exactly where volumes are near 2^53", () => {
    // 70 % of 2^53 − 1 is 6305039478318693.7: a POC of …693 lies below, …694 above.
    const total = Number.MAX_SAFE_INTEGER;
    const at = (poc: number) =>
      rowsOf([
        [0, poc],
        [1, total - poc],
      ]);
    expect(valueArea(at(6_305_039_478_318_693), method)).toEqual({ poc: 0, vah: 1, val: 0 });
    expect(valueArea(at(6_305_039_478_318_694), method)).toEqual({ poc: 0, vah: 0, val: 0 });
  });

  test("refuses a share outside (0, 1]", () => {
    for (const [part, whole] of [
      [0, 10],
      [11, 10],
      [-1, 10],
    ] as const)
      expect(() => valueArea(ladder(1), method, { share: { part, whole } })).toThrow(InvariantError);
  });
});
