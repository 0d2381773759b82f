import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ProfileBounds,
  ProfileState,
  pocIndex,
  pocOfBounds,
  pocOfState,
  type SkeletonCandle,
} from "../../../src/core/mod.ts";
import { boundsOf, profilesWithin } from "./all-profiles.ts";

/** POCs of every profile within the bounds. */
function pocsWithin(bounds: ProfileBounds): Set<number> {
  const pocs = new Set<number>();
  for (const profile of profilesWithin(bounds)) {
    const traded = profile
      .map((volume, i) => [bounds.firstBin + i, volume] as const)
      .filter(([, volume]) => volume > 0);
    const bins = Float64Array.from(traded, ([bin]) => bin);
    const volumes = Float64Array.from(traded, ([, volume]) => volume);
    pocs.add(bins[pocIndex({ bins, volumes })!]!);
  }
  return pocs;
}

const smallBounds = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 5 }).chain((rows) => {
  const lower = rows.map(([low], i) => (i === 0 || i === rows.length - 1 ? low + 1 : low));
  const upper = rows.map(([, more], i) => lower[i]! + more);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return fc.integer({ min: sum(lower), max: sum(upper) }).map((total) => boundsOf(lower, upper, total, 5));
});

describe("pocOfBounds()", () => {
  test("holds the POC of every profile within the bounds, ties by the midpoint and then the lower bin", () => {
    fc.assert(
      fc.property(smallBounds, (bounds) => {
        const claim = pocOfBounds(bounds, bounds.upper);
        for (const poc of pocsWithin(bounds)) {
          if (claim.kind === "certain") expect(poc).toBe(claim.bin);
          else expect(poc >= claim.low && poc <= claim.high).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is certain at equal volumes only for the bin that wins the tie", () => {
    expect(pocOfBounds(boundsOf([2, 5, 5, 2], [2, 5, 5, 2], 14), new Float64Array(4))).toEqual({
      kind: "certain",
      bin: 1,
    });
    const open = boundsOf([2, 4, 5, 2], [3, 5, 5, 3], 14);
    expect(pocOfBounds(open, open.lower)).toEqual({ kind: "bounded", low: 1, high: 2, estimate: 2 });
  });
});

function candle(minute: number, low: number, high: number, volume: number, quote: number): SkeletonCandle {
  return { minute, open: low, close: high, low, high, volume, quoteVolume: BigInt(quote) };
}

function single(minute: number, price: number, volume: number): SkeletonCandle {
  return candle(minute, price, price, volume, price * volume);
}

describe("pocOfState()", () => {
  test("rules out by pairs what each bin's own interval leaves open", () => {
    const state = new ProfileState({ binUnits: 10 });
    state.addCandle(single(0, 25, 50));
    // Bin 4 can have 72 lots of this minute, but then bin 2 has more than 22 of it on top of its 50.
    state.addCandle(candle(1, 20, 49, 100, 3_450));
    expect(pocOfBounds(state.bounds()!, state.estimate)).toMatchObject({ low: 2, high: 4 });
    expect(pocOfState(state)).toMatchObject({ low: 2, high: 3 });
  });

  test("lets the tie decide a dead heat", () => {
    const heat = (last: number) => {
      const state = new ProfileState({ binUnits: 10 });
      for (const [minute, price] of [15, 25, 35, last].entries()) state.addCandle(single(minute, price, 50));
      return pocOfState(state);
    };
    expect(heat(45)).toEqual({ kind: "certain", bin: 2 });
    expect(heat(5)).toEqual({ kind: "certain", bin: 1 });
  });

  test("is undefined without volume", () => {
    expect(pocOfState(new ProfileState({ binUnits: 10 }))).toBeUndefined();
  });
});
