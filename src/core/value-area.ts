import { invariant } from "./invariant.ts";
import type { ProfileRows } from "./profile-rows.ts";
import { rankedCut } from "./ranked-cut.ts";

/**
 * - `ranked`: rows by volume, largest first, until the share is reached; the area may have holes.
 * - `one_row`: from the POC, the larger of the two neighbouring rows; the value areas of Sierra Chart.
 * - `two_row`: from the POC, the larger of the two neighbouring pairs; CBOT Market Profile, TradingView.
 */
export const VALUE_AREA_METHODS = ["ranked", "one_row", "two_row"] as const;
export type ValueAreaMethod = (typeof VALUE_AREA_METHODS)[number];

/** Whether rows without volume between traded rows count as rows for `one_row` and `two_row`. */
export const EMPTY_ROWS = ["count", "skip"] as const;
export type EmptyRows = (typeof EMPTY_ROWS)[number];

/** A share of the volume as an exact fraction: 70 % is `{ part: 7, whole: 10 }`. */
export interface Share {
  readonly part: number;
  readonly whole: number;
}

export const DEFAULT_SHARE: Share = { part: 7, whole: 10 };

/** Bin numbers of the value area's highest and lowest row, and of its POC. */
export interface ValueArea {
  readonly poc: number;
  readonly vah: number;
  readonly val: number;
}

/**
 * Index of the point of control in `rows`: the largest volume; on a tie the row nearest the midpoint between the lowest
 * and the highest traded row, then the lower one. Undefined without rows.
 */
export function pocIndex(rows: Pick<ProfileRows, "bins" | "volumes">): number | undefined {
  const { bins, volumes } = rows;
  if (bins.length === 0) return undefined;
  const twiceMid = bins[0]! + bins[bins.length - 1]!;
  let best = 0;
  let most = volumes[0]!;
  for (let i = 1; i < volumes.length; i++) {
    const volume = volumes[i]!;
    if (volume < most) continue;
    // Rows ascend, so on equal distance the one found first is the lower one.
    if (volume === most && distance(bins, i, twiceMid) >= distance(bins, best, twiceMid)) continue;
    best = i;
    most = volume;
  }
  return best;
}

function distance(bins: Float64Array, index: number, twiceMid: number): number {
  return Math.abs(2 * bins[index]! - twiceMid);
}

/** ⌈total · share⌉ in integers: at least so much volume is within the area. */
export function thresholdOf(total: number, { part, whole }: Share): number {
  invariant(part > 0 && part <= whole, `share ${part}/${whole} is not within (0, 1]`);
  return Number((BigInt(total) * BigInt(part) + BigInt(whole) - 1n) / BigInt(whole));
}

/**
 * The value area of a profile: the rows that hold at least `share` of the volume by `method`. Undefined without volume.
 * Rows ascend and hold positive volumes (size units). The threshold is compared in integers.
 */
export function valueArea(
  rows: Pick<ProfileRows, "bins" | "volumes">,
  method: ValueAreaMethod = "ranked",
  {
    share = DEFAULT_SHARE,
    emptyRows = "count",
  }: { readonly share?: Share; readonly emptyRows?: EmptyRows } = {},
): ValueArea | undefined {
  const poc = pocIndex(rows);
  if (poc === undefined) return undefined;
  let total = 0;
  // By index: a year has 350,000 rows, and an iterator takes 10 times as long.
  for (let i = 0; i < rows.volumes.length; i++) total += rows.volumes[i]!;
  const threshold = thresholdOf(total, share);
  const [low, high] =
    method === "ranked"
      ? rankedRows(rows, threshold)
      : neighbourRows(rows, poc, threshold, method, emptyRows);
  return { poc: rows.bins[poc]!, val: low, vah: high };
}

type Bounds = readonly [low: number, high: number];

function rankedRows({ bins, volumes }: Pick<ProfileRows, "bins" | "volumes">, threshold: number): Bounds {
  const { cut, count } = rankedCut(volumes, threshold);
  if (isAlone(volumes, cut)) {
    // All that hold as much are taken, and the outermost of them are near the ends.
    let low = 0;
    while (volumes[low]! < cut) low++;
    let high = volumes.length - 1;
    while (volumes[high]! < cut) high--;
    return [bins[low]!, bins[high]!];
  }
  let taken = count;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  const tied: number[] = [];
  for (let i = 0; i < volumes.length; i++) {
    const volume = volumes[i]!;
    if (volume < cut) continue;
    if (volume === cut) tied.push(i);
    else {
      taken--;
      // Rows ascend.
      if (i < first) first = i;
      last = i;
    }
  }
  if (taken < tied.length) {
    const twiceMid = bins[0]! + bins[bins.length - 1]!;
    tied.sort((a, b) => distance(bins, a, twiceMid) - distance(bins, b, twiceMid) || a - b);
  }
  for (const i of tied.slice(0, taken)) {
    first = Math.min(first, i);
    last = Math.max(last, i);
  }
  return [bins[first]!, bins[last]!];
}

/** Whether one row alone holds a volume that some row holds. */
function isAlone(volumes: Float64Array, volume: number): boolean {
  let count = 0;
  for (let i = 0; i < volumes.length; i++) if (volumes[i] === volume) count++;
  return count === 1;
}

/**
 * Grows from the POC by one row or a pair at a time. A tie goes up. Where nothing is left on one side, the other side
 * is taken. `low` and `high` are row numbers; `below` and `above` index the next traded rows outside them, so a span
 * of empty rows is crossed in one step.
 */
function neighbourRows(
  rows: Pick<ProfileRows, "bins" | "volumes">,
  poc: number,
  threshold: number,
  method: "one_row" | "two_row",
  emptyRows: EmptyRows,
): Bounds {
  const { volumes } = rows;
  const places = emptyRows === "skip" ? Float64Array.from(rows.bins, (_, i) => i) : rows.bins;
  const step = method === "one_row" ? 1 : 2;
  const lowest = places[0]!;
  const highest = places[places.length - 1]!;
  let low = places[poc]!;
  let high = low;
  let below = poc - 1;
  let above = poc + 1;
  let included = volumes[poc]!;

  const volumeUpTo = (limit: number): number => {
    let sum = 0;
    for (let i = above; i < places.length && places[i]! <= limit; i++) sum += volumes[i]!;
    return sum;
  };
  const volumeDownTo = (limit: number): number => {
    let sum = 0;
    for (let i = below; i >= 0 && places[i]! >= limit; i--) sum += volumes[i]!;
    return sum;
  };

  while (included < threshold && (low > lowest || high < highest)) {
    const upLimit = Math.min(high + step, highest);
    const downLimit = Math.max(low - step, lowest);
    const up = volumeUpTo(upLimit);
    const down = volumeDownTo(downLimit);
    const goUp = high < highest && (low === lowest || up >= down);
    if (goUp) {
      // Empty rows on both sides: the tie goes up again and again, whole steps at a time.
      high = up === 0 ? crossEmpty(high, places[above]! - high, step) : upLimit;
      included += up;
      while (above < places.length && places[above]! <= high) above++;
    } else {
      low = down === 0 ? -crossEmpty(-low, low - places[below]!, step) : downLimit;
      included += down;
      while (below >= 0 && places[below]! >= low) below--;
    }
  }
  return emptyRows === "skip" ? [rows.bins[low]!, rows.bins[high]!] : [low, high];
}

/** From row `from`, all whole steps that hold no traded row when the next traded one is `gap` rows away. */
function crossEmpty(from: number, gap: number, step: number): number {
  return from + Math.floor((gap - 1) / step) * step;
}
