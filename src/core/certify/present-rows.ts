import type { PocRows } from "./poc-rows.ts";
import type { VolumeBox } from "./volume-box.ts";

interface Present {
  readonly box: VolumeBox;
  readonly poc: PocRows;
  /** Row of the box that was given, per row left. */
  readonly rows: Int32Array;
}

/** The box without the rows that are known to be empty. */
export function presentRows(box: VolumeBox, poc: PocRows): Present {
  const rows = new Int32Array(box.upper.length);
  const placeOf = new Int32Array(box.upper.length);
  let count = 0;
  for (let i = 0; i < box.upper.length; i++) {
    if (box.upper[i] === 0) continue;
    placeOf[i] = count;
    rows[count++] = i;
  }
  const lower = new Float64Array(count);
  const upper = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    lower[i] = box.lower[rows[i]!]!;
    upper[i] = box.upper[rows[i]!]!;
  }
  return {
    box: { ...box, lower, upper },
    poc: { ...poc, rows: poc.rows.map((row) => placeOf[row]!) },
    rows: rows.subarray(0, count),
  };
}

/**
 * Bounds of the highest row of an area that grew by pairs of rows, where it is not known which rows there are.
 *
 * At its end it holds the threshold, and all of it lies at or below its top. Before a step takes row y, it holds all rows
 * from the POC up to those y may share a pair with: below the last row under y that is present for sure.
 */
export function topOfAnyPairs(box: VolumeBox, poc: PocRows): readonly [low: number, high: number] {
  const { lower, upper, total, threshold } = box;
  const lowest = poc.rows[0]!;
  const highest = poc.rows[poc.rows.length - 1]!;
  const last = lower.length - 1;

  let low = last;
  let above = 0;
  let most = 0;
  for (let i = 0; i <= lowest; i++) most = most + upper[i]!;
  for (let i = lowest + 1; i <= last; i++) above += lower[i]!;
  for (let i = lowest; i < last; i++) {
    if (most >= threshold && total - above >= threshold) {
      low = i;
      break;
    }
    most = most + upper[i + 1]!;
    above -= lower[i + 1]!;
  }

  let high = highest;
  let sum = poc.extra;
  let held = 0;
  for (let row = highest + 1; row <= last; row++) {
    const below = row - 1;
    if (below > highest && lower[below]! > 0) held = sum;
    if (held >= threshold) break;
    high = row;
    sum += lower[below]!;
  }
  return [low, high];
}
