import { invariant } from "../invariant.ts";
import { type Share, thresholdOf } from "../value-area.ts";
import type { ProfileBounds } from "./profile-bounds.ts";

/** A sum of upper bounds is kept in two halves, each of them exact. */
const HALF = 2 ** 27;

/**
 * All profiles between two bounds per row that hold one total: row 0 is the lowest traded bin, the last row the highest.
 * `threshold` is the volume that reaches the value area's share. Mirrored, row 0 is the highest bin: what is proven for
 * the highest row of an area is then read off for the lowest.
 *
 * On sums of doubles: volumes are integers ≥ 0 and totals are below 2^53, so a running sum is exact below 2^53 and never
 * falls below it again once there. A sum of upper bounds may go beyond: it is only compared with numbers up to the
 * total, and then says "more than the total" whether rounded or not.
 */
export interface VolumeBox {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly total: number;
  readonly threshold: number;
  readonly mirrored: boolean;
}

/** The rows of `bounds` from the lowest to the highest traded bin, `coarser` bins to a row. */
export function volumeBox(bounds: ProfileBounds, share: Share, coarser: number): VolumeBox {
  invariant(Number.isSafeInteger(coarser) && coarser > 0, `bins grow by whole factors, got ${coarser}`);
  const { firstBin, lowBin, highBin, total } = bounds;
  const from = lowBin - firstBin;
  const to = highBin - firstBin;
  invariant(
    from >= 0 && from <= to && to < bounds.lower.length && to < bounds.upper.length,
    `traded bins ${lowBin}..${highBin} do not lie in the ${bounds.lower.length} bins from ${firstBin}`,
  );
  const firstRow = Math.floor(lowBin / coarser);
  const count = Math.floor(highBin / coarser) - firstRow + 1;
  let lower: Float64Array;
  let upper: Float64Array;
  if (coarser === 1) {
    lower = bounds.lower.slice(from, to + 1);
    upper = bounds.upper.slice(from, to + 1);
    lower[0] = Math.max(1, lower[0]!);
    lower[count - 1] = Math.max(1, lower[count - 1]!);
  } else {
    lower = new Float64Array(count);
    upper = new Float64Array(count);
    for (let i = from; i <= to; i++) {
      const row = Math.floor((firstBin + i) / coarser) - firstRow;
      const known = bounds.lower[i]!;
      lower[row] = lower[row]! + (i === from || i === to ? Math.max(1, known) : known);
      upper[row] = upper[row]! + bounds.upper[i]!;
    }
  }
  const box = { lower, upper, total, threshold: thresholdOf(total, share), mirrored: false };
  tighten(box);
  return box;
}

/**
 * Narrows each row, in place, to what the others leave it: at most the total less the others' lower bounds, at least
 * the total less the others' upper bounds. Each bound is then reached by some profile.
 */
export function tighten({ lower, upper, total }: VolumeBox): void {
  const slack = total - lowerSum(lower);
  invariant(slack >= 0, `lower bounds hold ${-slack} size units more than the total ${total}`);
  let sum = 0;
  let widest = 0;
  for (let i = 0; i < upper.length; i++) {
    const least = lower[i]!;
    let bound = upper[i]!;
    if (bound > least + slack) {
      bound = least + slack;
      upper[i] = bound;
    }
    // Words are put together for the one that fails, not for each row.
    if (!(bound >= least)) invariant(false, `row ${i}: at least ${least}, at most ${bound} size units`);
    sum += bound;
    if (bound - least > widest) widest = bound - least;
  }
  const surplus = (sum <= Number.MAX_SAFE_INTEGER ? sum : upperSum(upper)) - total;
  invariant(surplus >= 0, `upper bounds hold ${-surplus} size units less than the total ${total}`);
  if (surplus >= widest) return;
  for (let i = 0; i < lower.length; i++) {
    const least = upper[i]! - surplus;
    if (least > lower[i]!) lower[i] = least;
  }
}

/** Σ upper. Rounded only where it is 2^53 or more, and then it raises no lower bound. */
function upperSum(upper: Float64Array): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < upper.length; i++) {
    const part = Math.floor(upper[i]! / HALF);
    high += part;
    low += upper[i]! - part * HALF;
  }
  return high * HALF + low;
}

/** Σ lower; never above the total, so exact. */
export function lowerSum(lower: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < lower.length; i++) sum += lower[i]!;
  return sum;
}

/** The same profiles seen from above. */
export function mirror(box: VolumeBox): VolumeBox {
  return { ...box, lower: reversed(box.lower), upper: reversed(box.upper), mirrored: !box.mirrored };
}

function reversed(column: Float64Array): Float64Array {
  const turned = new Float64Array(column.length);
  for (let i = 0, from = column.length - 1; from >= 0; i++, from--) turned[i] = column[from]!;
  return turned;
}

/** Whether row `a` comes before row `b` among rows of equal volume: nearer the middle, then the lower bin. */
export function tieBefore(box: Pick<VolumeBox, "lower" | "mirrored">, a: number, b: number): boolean {
  const twiceMid = box.lower.length - 1;
  const nearer = Math.abs(2 * b - twiceMid) - Math.abs(2 * a - twiceMid);
  if (nearer !== 0) return nearer > 0;
  return box.mirrored ? a > b : a < b;
}
