import { invariant } from "../invariant.ts";
import { lowerSum, tieBefore, tighten, type VolumeBox } from "./volume-box.ts";
import { waterLevel } from "./water-level.ts";

/** Rounds of the water level. */
const WATER_ROUNDS_MAX = 4;

/** Rows that may be the POC, and the volume it has at least. */
export interface PocRows {
  /** Every row that may be the POC, ascending; never empty. */
  readonly rows: Int32Array;
  /** The POC's volume is at least this. */
  readonly least: number;
  /** The POC holds at least so much more than its own row's lower bound says, whichever row it is. */
  readonly extra: number;
}

/**
 * The rows that may be the POC (within `known`, rows, where that is given), and the box narrowed in place by it: no row
 * exceeds the POC.
 */
export function pocRows(box: VolumeBox, known: readonly [low: number, high: number]): PocRows {
  const { lower, upper } = box;
  let fullest = 0;
  for (let i = 1; i < lower.length; i++) {
    const more = lower[i]! - lower[fullest]!;
    if (more > 0 || (more === 0 && tieBefore(box, i, fullest))) fullest = i;
  }
  const least = waterLevel(upper, box.total, lower[fullest]!, WATER_ROUNDS_MAX);
  const from = Math.max(0, known[0]);
  const to = Math.min(lower.length - 1, known[1]);
  const found = new Int32Array(Math.max(0, to - from + 1));
  let count = 0;
  let cap = 0;
  for (let i = from; i <= to; i++) {
    const most = upper[i]!;
    if (most < least || (most === lower[fullest] && i !== fullest && tieBefore(box, fullest, i))) continue;
    found[count++] = i;
    if (most > cap) cap = most;
  }
  invariant(count > 0, `no row within ${known[0]}..${known[1]} can hold the POC's ${least} size units`);
  const rows = found.subarray(0, count);
  let narrowed = false;
  if (count === 1 && lower[rows[0]!]! < least) {
    lower[rows[0]!] = least;
    narrowed = true;
  }
  for (let i = 0; i < upper.length; i++) {
    if (upper[i]! <= cap) continue;
    upper[i] = cap;
    narrowed = true;
  }
  // Tight bounds stay as they are.
  if (narrowed) tighten(box);

  let extra = box.total - lowerSum(lower);
  for (let k = 0; k < count; k++) {
    const more = Math.max(0, least - lower[rows[k]!]!);
    if (more < extra) extra = more;
  }
  return { rows, least, extra };
}

/** The same rows of the mirrored box. */
export function mirrorPoc({ rows, ...rest }: PocRows, count: number): PocRows {
  return { rows: rows.map((row) => count - 1 - row).reverse(), ...rest };
}
