import { fewestReaching } from "./largest-gains.ts";
import { lowestPassing } from "./lowest-passing.ts";
import { tieBefore, type VolumeBox } from "./volume-box.ts";

/** No sum of a profile reaches it. */
const BEYOND_TOTAL = 2 ** 53;

/** So many times fewer ends must be left for the rows to be looked through for those that are decided now. */
const NARROWED_SHARE = 2;

/** The lowest row that can be the highest one `ranked` takes; `top` is the highest that can be. */
export function lowestTop(box: VolumeBox, top: number): number {
  const search = new TopSearch(box, top);
  return lowestPassing(top, (end, from, to) => search.canEndAt(end, from, to));
}

/**
 * Tells whether all rows above an end can be left out. They hold as little as the total allows: a unit moved from them to
 * the rows below helps. Then the rows up to the end must reach the threshold with volumes that come before the
 * largest left out. What holds for a row wherever the end may still lie is summed up once.
 */
class TopSearch {
  readonly #box: VolumeBox;
  /** Σ lower and Σ upper of the rows up to and with the index. */
  readonly #lowerTo: Float64Array;
  readonly #upperTo: Float64Array;
  /** The first by rank of the rows from the index on, all at their lower bounds. */
  readonly #firstFrom: Int32Array;
  readonly #gains: Float64Array;
  /** Rows not yet decided, ascending. */
  readonly #rows: Int32Array;
  #rowCount: number;
  /** How many ends were possible when they were last looked through. */
  #range: number;
  /** Σ lower of the rows that never count. */
  #behind = 0;
  /** Σ lower and Σ upper of the rows that always count. */
  #lifted = 0;
  #most = 0;

  constructor(box: VolumeBox, top: number) {
    const { lower, upper } = box;
    const count = lower.length;
    this.#box = box;
    this.#lowerTo = new Float64Array(count);
    this.#upperTo = new Float64Array(count);
    this.#firstFrom = new Int32Array(count);
    this.#gains = new Float64Array(count);
    this.#rows = new Int32Array(top);
    this.#rowCount = top;
    this.#range = top;
    let low = 0;
    let up = 0;
    for (let i = 0; i < count; i++) {
      low += lower[i]!;
      up += upper[i]!;
      this.#lowerTo[i] = low;
      this.#upperTo[i] = up;
    }
    let first = count - 1;
    for (let i = count - 1; i >= 0; i--) {
      const more = lower[i]! - lower[first]!;
      if (more > 0 || (more === 0 && tieBefore(box, i, first))) first = i;
      this.#firstFrom[i] = first;
    }
    for (let i = 0; i < top; i++) this.#rows[i] = i;
  }

  /** Ends are asked for from `from` to below `to`, a range that only shrinks, below the highest row. */
  canEndAt(end: number, from: number, to: number): boolean {
    const { total, threshold } = this.#box;
    const leftOut = this.#lowerTo[this.#lowerTo.length - 1]! - this.#lowerTo[end]!;
    const inside = total - leftOut;
    const most = this.#upperTo[end]!;
    if (inside < threshold || most < threshold) return false;
    if (most < inside) return this.#fullCanReach(end, total - most);
    if ((to - from) * NARROWED_SHARE < this.#range) this.#narrow(from, to);
    return this.#restCanReach(end, inside);
  }

  #narrow(from: number, to: number): void {
    this.#range = to - from;
    const { lower, upper } = this.#box;
    const highest = this.#levelAbove(from);
    const lowest = this.#levelAbove(to - 1);
    const rows = this.#rows;
    const rowCount = this.#rowCount;
    let kept = 0;
    for (let k = 0; k < rowCount; k++) {
      const row = rows[k]!;
      if (row >= to) break;
      if (row > from) rows[kept++] = row;
      else if (upper[row]! < lowest) this.#behind += lower[row]!;
      else if (lower[row]! > highest) {
        this.#lifted += lower[row]!;
        this.#most += upper[row]!;
      } else rows[kept++] = row;
    }
    this.#rowCount = kept;
  }

  #levelAbove(end: number): number {
    return this.#box.lower[this.#firstFrom[end + 1]!]!;
  }

  /** All rows up to `end` are full, the rows above share `rest`: the largest of them holds at least the mean. */
  #fullCanReach(end: number, rest: number): boolean {
    const { upper, threshold } = this.#box;
    let open = 0;
    for (let i = end + 1; i < upper.length; i++) if (upper[i]! > 0) open++;
    const level = Math.max(this.#levelAbove(end), Math.ceil(rest / open));
    let counted = 0;
    for (let i = 0; i <= end; i++) if (upper[i]! >= level) counted += upper[i]!;
    return counted >= threshold;
  }

  /**
   * The rows above `end` hold their lower bounds, the rows up to it share `inside`. A row counts when it comes before the
   * largest left out. When not all that could count can be lifted so high, those with the least lower bounds stay
   * down: they free the most and cost the least.
   */
  #restCanReach(end: number, inside: number): boolean {
    const { lower, upper, threshold, mirrored } = this.#box;
    const first = this.#firstFrom[end + 1]!;
    const level = lower[first]!;
    // Rows from here on come before `first` at equal volume: from its image about the middle, or nearer.
    const ties = lower.length - 1 - first + (mirrored ? 1 : 0);
    const gains = this.#gains;
    const rows = this.#rows;
    const rowCount = this.#rowCount;
    let behind = this.#behind;
    let lifted = this.#lifted;
    let most = this.#most;
    let open = 0;
    let freed = 0;
    for (let k = 0; k < rowCount; k++) {
      const row = rows[k]!;
      if (row > end) break;
      const low = lower[row]!;
      const up = upper[row]!;
      const least = row >= ties ? level : level + 1;
      if (up < least) behind += low;
      else {
        most += up;
        lifted += Math.max(low, least);
        if (low < least) {
          gains[open++] = level + 1 - low;
          freed += level + 1 - low;
        }
      }
    }
    if (most < threshold || inside - behind < threshold) return false;
    const over = Math.min(lifted + behind, BEYOND_TOTAL) - inside;
    if (over <= 0) return true;
    // The lowest free at least the mean each and cost at most it.
    const mean = freed / open;
    if (inside - behind - Math.ceil(over / mean) * (level + 1 - mean) >= threshold && over <= freed)
      return true;
    const down = fewestReaching(gains, open, over);
    if (down === undefined) return false;
    const height = down.taken * (level + 1);
    // Beyond exact integers nothing is claimed.
    return height > Number.MAX_SAFE_INTEGER || inside - behind - (height - down.sum) >= threshold;
  }
}
