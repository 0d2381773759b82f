import { intersectRanges, type MinuteRange, rangeLength } from "./time-range.ts";

/**
 * A set of minutes as sorted, disjoint, non-touching ranges. Immutable: every operation answers a new set
 * (or the same one where nothing changed).
 */
export class Coverage {
  static readonly empty: Coverage = new Coverage([]);
  readonly ranges: readonly MinuteRange[];

  private constructor(ranges: readonly MinuteRange[]) {
    this.ranges = ranges;
  }

  /** The set of all minutes of `ranges`, which may overlap and stand in any order. */
  static of(ranges: Iterable<MinuteRange>): Coverage {
    const sorted = [...ranges].filter((r) => r.lo < r.hi).sort((a, b) => a.lo - b.lo);
    const merged: MinuteRange[] = [];
    for (const range of sorted) {
      const last = merged.at(-1);
      if (last !== undefined && range.lo <= last.hi) {
        if (range.hi > last.hi) merged[merged.length - 1] = { lo: last.lo, hi: range.hi };
      } else merged.push({ lo: range.lo, hi: range.hi });
    }
    return merged.length === 0 ? Coverage.empty : new Coverage(merged);
  }

  /** Number of minutes in the set. */
  get size(): number {
    let sum = 0;
    for (const range of this.ranges) sum += rangeLength(range);
    return sum;
  }

  has(minute: number): boolean {
    return this.covers({ lo: minute, hi: minute + 1 });
  }

  /** True when every minute of `range` is in the set; an empty range is covered. */
  covers(range: MinuteRange): boolean {
    if (range.lo >= range.hi) return true;
    const at = this.#firstEndingAfter(range.lo);
    const found = this.ranges[at];
    return found !== undefined && found.lo <= range.lo && range.hi <= found.hi;
  }

  add(range: MinuteRange): Coverage {
    return this.covers(range) ? this : Coverage.of([...this.ranges, range]);
  }

  subtract(range: MinuteRange): Coverage {
    if (this.within(range).ranges.length === 0) return this;
    const left: MinuteRange[] = [];
    for (const own of this.ranges) {
      if (own.hi <= range.lo || own.lo >= range.hi) left.push(own);
      else {
        if (own.lo < range.lo) left.push({ lo: own.lo, hi: range.lo });
        if (own.hi > range.hi) left.push({ lo: range.hi, hi: own.hi });
      }
    }
    return Coverage.of(left);
  }

  /** The part of the set inside `range`. */
  within(range: MinuteRange): Coverage {
    const kept: MinuteRange[] = [];
    for (let i = this.#firstEndingAfter(range.lo); i < this.ranges.length; i++) {
      const common = intersectRanges(this.ranges[i]!, range);
      if (common === undefined) break;
      kept.push(common);
    }
    return kept.length === 0 ? Coverage.empty : new Coverage(kept);
  }

  /** The minutes of `range` that are not in the set: its gaps, oldest first. */
  missing(range: MinuteRange): MinuteRange[] {
    const gaps: MinuteRange[] = [];
    let lo = range.lo;
    for (const own of this.within(range).ranges) {
      if (own.lo > lo) gaps.push({ lo, hi: own.lo });
      lo = own.hi;
    }
    if (lo < range.hi) gaps.push({ lo, hi: range.hi });
    return gaps;
  }

  /** End of the covered prefix of `range`: the first minute of it that is not in the set. */
  watermark(range: MinuteRange): number {
    return this.missing(range)[0]?.lo ?? Math.max(range.lo, range.hi);
  }

  /** Index of the first range whose end lies after `minute` (binary search). */
  #firstEndingAfter(minute: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.ranges[mid]!.hi > minute) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}
