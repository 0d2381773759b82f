import type { ProfileBounds } from "../../../src/core/certify/profile-bounds.ts";
import {
  type EmptyRows,
  type Share,
  type ValueArea,
  type ValueAreaMethod,
  valueArea,
} from "../../../src/core/mod.ts";

/** Bounds of the rows from `firstBin` on; the traded range is where the upper bounds are above 0. */
export function boundsOf(
  lower: readonly number[],
  upper: readonly number[],
  total: number,
  firstBin = 0,
): ProfileBounds {
  return {
    firstBin,
    lower: Float64Array.from(lower),
    upper: Float64Array.from(upper),
    total,
    lowBin: firstBin + upper.findIndex((volume) => volume > 0),
    highBin: firstBin + upper.findLastIndex((volume) => volume > 0),
  };
}

/** Every integer profile within the bounds, one after another in the same array. */
export function* profilesWithin(bounds: ProfileBounds): Generator<readonly number[]> {
  const { lower, upper, firstBin, lowBin, highBin } = bounds;
  const profile = Array.from(lower, () => 0);
  const from = lowBin - firstBin;
  const to = highBin - firstBin;
  function* fill(row: number, left: number): Generator<readonly number[]> {
    const edge = row === from || row === to ? 1 : 0;
    const least = Math.max(lower[row]!, edge);
    const most = Math.min(upper[row]!, left);
    if (row === to) {
      if (left < least || left > most) return;
      profile[row] = left;
      yield profile;
      return;
    }
    for (let volume = least; volume <= most; volume++) {
      profile[row] = volume;
      yield* fill(row + 1, left - volume);
    }
  }
  yield* fill(from, bounds.total);
}

/** The value area of a profile given row by row from `firstBin`. */
export function areaOf(
  profile: readonly number[],
  firstBin: number,
  method: ValueAreaMethod,
  options: { readonly share?: Share; readonly emptyRows?: EmptyRows },
): ValueArea {
  const rows = [...profile.entries()].filter(([, volume]) => volume > 0);
  return valueArea(
    {
      bins: Float64Array.from(rows, ([i]) => firstBin + i),
      volumes: Float64Array.from(rows, ([, volume]) => volume),
    },
    method,
    options,
  )!;
}

export interface Hull {
  readonly vah: [low: number, high: number];
  readonly val: [low: number, high: number];
  readonly poc: [low: number, high: number];
}

/** The smallest intervals that hold the levels of all profiles within the bounds; undefined when there is none. */
export function hullOf(
  bounds: ProfileBounds,
  method: ValueAreaMethod,
  options: { readonly share?: Share; readonly emptyRows?: EmptyRows },
): Hull | undefined {
  let hull: Hull | undefined;
  for (const profile of profilesWithin(bounds)) {
    const area = areaOf(profile, bounds.firstBin, method, options);
    hull ??= { vah: [area.vah, area.vah], val: [area.val, area.val], poc: [area.poc, area.poc] };
    for (const level of ["vah", "val", "poc"] as const) {
      hull[level][0] = Math.min(hull[level][0], area[level]);
      hull[level][1] = Math.max(hull[level][1], area[level]);
    }
  }
  return hull;
}
