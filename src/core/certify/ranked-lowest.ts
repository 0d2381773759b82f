import { lowestPassing, lowestPassingNear } from "./lowest-passing.ts";
import { RowsBelow } from "./rows-below.ts";
import { lowerSum, tieBefore, type VolumeBox } from "./volume-box.ts";
import { waterLevel } from "./water-level.ts";

/** Rounds of the water level above an end: more than it takes to settle where volumes spread as they do. */
const FULL_ROUNDS_MAX = 32;

/**
 * The lowest row that can be the highest one `ranked` takes; `top` is the highest that can be.
 *
 * All rows above an end must be left out. They hold as little as the total allows: a unit moved from them to the rows below
 * helps. Then the rows up to the end must reach the threshold with volumes that come before the largest left out. What is
 * possible for an end is so for the next one; each of the tests by which one is ruled out keeps to that.
 */
export function lowestTop(box: VolumeBox, top: number): number {
  const { lower, upper, total, threshold } = box;
  const leeway = total - lowerSum(lower);
  // Lower ends hold too little, whatever is above; those below `full` hold less than what is left to them.
  let from = 0;
  let low = lower[0]!;
  let most = upper[0]!;
  while (from < top && (leeway + low < threshold || most < threshold)) {
    from++;
    low += lower[from]!;
    most += upper[from]!;
  }
  let full = from;
  while (full < top && most < leeway + low) {
    full++;
    low += lower[full]!;
    most += upper[full]!;
  }
  const search = new EndSearch(box, full, leeway);
  const end = search.lowest(full, top);
  if (end > full || from === full) return end;
  return from + lowestPassing(full - from, (i) => fullCanReach(box, from + i));
}

/** All rows up to `end` are full, the rows above share the rest: the largest of them holds at least the level it fills them to. */
function fullCanReach({ lower, upper, total, threshold }: VolumeBox, end: number): boolean {
  let full = 0;
  for (let i = 0; i <= end; i++) full += upper[i]!;
  let least = 0;
  for (let i = end + 1; i < lower.length; i++) if (lower[i]! > least) least = lower[i]!;
  const level = waterLevel(upper.subarray(end + 1), total - full, least, FULL_ROUNDS_MAX);
  let counted = 0;
  for (let i = 0; i <= end; i++) if (upper[i]! >= level) counted += upper[i]!;
  return counted >= threshold;
}

/** Of ends whose rows can hold what is left to them. */
class EndSearch {
  readonly #box: VolumeBox;
  readonly #leeway: number;
  /** Rows above the lowest end, each of which comes before all rows above it, all at their lower bounds; the highest first. */
  readonly #firsts: number[] = [];

  constructor(box: VolumeBox, lowest: number, leeway: number) {
    const { lower } = box;
    this.#box = box;
    this.#leeway = leeway;
    let first = lower.length;
    let most = -1;
    for (let i = lower.length - 1; i > lowest; i--) {
      const low = lower[i]!;
      if (low < most || (low === most && !tieBefore(box, i, first))) continue;
      first = i;
      most = low;
      this.#firsts.push(i);
    }
  }

  /** The lowest end from `from` on that is possible; `to` is. */
  lowest(from: number, to: number): number {
    const firsts = this.#firsts;
    // Of the ends below one first row the last is the best: they differ by the rows that they let in.
    const nearest = firsts.length - 1;
    const skipped = lowestPassingNear(firsts.length, (k) => {
      const end = firsts[nearest - k]! - 1;
      return end >= to || this.#rowsTo(end, firsts[nearest - k]!).canReach();
    });
    if (skipped > nearest) return to;
    const first = firsts[nearest - skipped]!;
    const lowest = Math.max(from, firsts[nearest - skipped + 1] ?? 0);
    const highest = Math.min(to, first - 1);
    const rows = this.#rowsTo(lowest, first);
    let possible = lowest;
    let end = lowest;
    for (; end < highest; end++) {
      rows.extendTo(end);
      const reaches = rows.canReachBySums();
      if (reaches === true) break;
      if (reaches === false) possible = end + 1;
    }
    return possible + lowestPassingNear(end - possible, (i) => this.#rowsTo(possible + i, first).canReach());
  }

  #rowsTo(end: number, first: number): RowsBelow {
    const rows = new RowsBelow(this.#box, first, this.#leeway);
    rows.extendTo(end);
    return rows;
  }
}
