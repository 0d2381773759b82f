import type { VolumeBox } from "./volume-box.ts";

/** The bounds of all rows, lower and upper each ascending, with their running sums; a mirrored box has the same. */
export interface BoundsBySize {
  readonly lowers: Float64Array;
  readonly uppers: Float64Array;
  /** Σ lowers from the index on. */
  readonly lowersFrom: Float64Array;
  /** Σ uppers before the index. */
  readonly uppersBefore: Float64Array;
}

export function boundsBySize({ lower, upper }: VolumeBox): BoundsBySize {
  const lowers = lower.slice().sort();
  const uppers = upper.slice().sort();
  const count = lowers.length;
  const lowersFrom = new Float64Array(count + 1);
  const uppersBefore = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) lowersFrom[i] = lowersFrom[i + 1]! + lowers[i]!;
  for (let i = 0; i < count; i++) uppersBefore[i + 1] = uppersBefore[i]! + uppers[i]!;
  return { lowers, uppers, lowersFrom, uppersBefore };
}

/** Index of the first value above `limit` in ascending `values`. */
export function firstAbove(values: Float64Array, limit: number): number {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle]! > limit) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Whether some rows, whichever they are, can hold the threshold with `level` or more each while the others stay below.
 * The others hold their lower bounds at least; the fewest and smallest of them are taken that leave room for the rest.
 */
export function someCanReach(
  { total, threshold }: Pick<VolumeBox, "total" | "threshold">,
  { lowers, lowersFrom }: BoundsBySize,
  level: number,
): boolean {
  const all = lowersFrom[0]!;
  const above = firstAbove(lowers, level);
  let from = 0;
  let to = above;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (all - lowersFrom[middle]! + lowersFrom[above]! + level * (above - middle) <= total) to = middle;
    else from = middle + 1;
  }
  return total - (all - lowersFrom[to]!) >= threshold;
}
