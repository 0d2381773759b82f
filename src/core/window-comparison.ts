import { type Decimal, decimal, divideHalfEven } from "./decimal.ts";
import type { LevelOptions } from "./levels.ts";
import type { GridOf } from "./minute.ts";
import type { ProfileRows } from "./profile.ts";
import { DEFAULT_SHARE, type ValueArea, valueArea } from "./value-area.ts";
import type { WindowFold } from "./window-fold.ts";

/**
 * How the value area of a window lies to that of the window before it, in the terms of Dalton's "Mind over Markets".
 * `inside` and `outside` include a common edge; `overlapping_*` moved on both edges and share a row.
 */
export const VALUE_AREA_MIGRATIONS = [
  "higher",
  "overlapping_higher",
  "lower",
  "overlapping_lower",
  "inside",
  "outside",
  "unchanged",
] as const;
export type ValueAreaMigration = (typeof VALUE_AREA_MIGRATIONS)[number];

/** Digits that an overlap is rounded to. */
export const OVERLAP_DIGITS = 6;
/** Doubles whose products differ by more than this part of the larger are in the right order: each is off by 2^-53. */
const ORDER_MARGIN = 2 ** -50;

export interface WindowComparison {
  /** Common share of both profiles, 0 to 1. */
  readonly overlap: Decimal;
  /** POC of the later window minus that of the earlier. */
  readonly pocShift: Decimal;
  readonly migration: ValueAreaMigration;
}

/**
 * Compares two windows of one grid. Null when one of them has no volume.
 *
 * The overlap is Σ over rows of min(share of the earlier window's volume, share of the later one's), an exact fraction
 * rounded once, half to even: 1 for profiles of one shape, 0 without a common row.
 */
export function compareWindows(
  earlier: WindowFold,
  later: WindowFold,
  { scales, binUnits }: GridOf,
  { method = "ranked", share = DEFAULT_SHARE, coarser = 1 }: LevelOptions = {},
): WindowComparison | null {
  const [before, after] = [earlier.profile.rows(coarser), later.profile.rows(coarser)];
  const [from, to] = [valueArea(before, method, { share }), valueArea(after, method, { share })];
  if (from === undefined || to === undefined) return null;
  return {
    overlap: overlapOf(before, earlier.volume, after, later.volume),
    pocShift: decimal((to.poc - from.poc) * binUnits * coarser, scales.priceScale),
    migration: migrationOf(from, to),
  };
}

/** How the value area went from one window to the next. */
export function migrationOf(from: Omit<ValueArea, "poc">, to: Omit<ValueArea, "poc">): ValueAreaMigration {
  const low = Math.sign(to.val - from.val);
  const high = Math.sign(to.vah - from.vah);
  if (low === 0 && high === 0) return "unchanged";
  if (low > 0 && high > 0) return to.val > from.vah ? "higher" : "overlapping_higher";
  if (low < 0 && high < 0) return to.vah < from.val ? "lower" : "overlapping_lower";
  return low <= 0 && high >= 0 ? "outside" : "inside";
}

function overlapOf(a: ProfileRows, totalA: number, b: ProfileRows, totalB: number): Decimal {
  const [wholeA, wholeB] = [BigInt(totalA), BigInt(totalB)];
  // min(va/A, vb/B) = min(va·B, vb·A) / (A·B): the rows where a's share is the smaller one add up apart from b's.
  let ofA = 0;
  let ofB = 0;
  let i = 0;
  let j = 0;
  while (i < a.bins.length && j < b.bins.length) {
    const step = a.bins[i]! - b.bins[j]!;
    if (step < 0) i++;
    else if (step > 0) j++;
    else {
      const va = a.volumes[i++]!;
      const vb = b.volumes[j++]!;
      const [x, y] = [va * totalB, vb * totalA];
      const clear = Math.abs(x - y) > Math.max(x, y) * ORDER_MARGIN;
      if (clear ? x < y : BigInt(va) * wholeB < BigInt(vb) * wholeA) ofA += va;
      else ofB += vb;
    }
  }
  const common = BigInt(ofA) * wholeB + BigInt(ofB) * wholeA;
  return decimal(divideHalfEven(common * 10n ** BigInt(OVERLAP_DIGITS), wholeA * wholeB), OVERLAP_DIGITS);
}
