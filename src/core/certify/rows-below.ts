import { fewestReaching } from "./largest-gains.ts";
import type { VolumeBox } from "./volume-box.ts";
import { BUCKETS_MAX, roughBuckets } from "./volume-scale.ts";

/** No sum of a profile reaches it. */
const BEYOND_TOTAL = 2 ** 53;

/**
 * The rows up to an end of which all rows above are left out, the first of them `first`. A row up to the end counts when it
 * comes before that; all that do must be able to hold the threshold together.
 */
export class RowsBelow {
  readonly #box: VolumeBox;
  readonly #leeway: number;
  /** What the largest row left out holds. */
  readonly #level: number;
  /** Rows from here on come before `first` at equal volume: from its image about the middle, or nearer. */
  readonly #ties: number;
  /** The row that comes next. */
  #next = 0;
  /** Σ lower of the rows that cannot count. */
  #behind = 0;
  /** Of the others Σ upper, and Σ lower of those that count in any case. */
  #most = 0;
  #sure = 0;
  /** Rows that need not count: Σ of what they hold then, and Σ of what they hold when they do. */
  #open = 0;
  #openLower = 0;
  #lifted = 0;

  /** `leeway`: what the total holds beyond all lower bounds. */
  constructor(box: VolumeBox, first: number, leeway: number) {
    this.#box = box;
    this.#leeway = leeway;
    this.#level = box.lower[first]!;
    this.#ties = box.lower.length - 1 - first + (box.mirrored ? 1 : 0);
  }

  /** Takes in the rows up to and with `end`, which only grows. */
  extendTo(end: number): void {
    const ties = Math.min(Math.max(this.#next, this.#ties), end + 1);
    this.#take(this.#next, ties, this.#level + 1);
    this.#take(ties, end + 1, this.#level);
    this.#next = end + 1;
  }

  #take(from: number, to: number, least: number): void {
    const { lower, upper } = this.#box;
    let behind = this.#behind;
    let most = this.#most;
    let sure = this.#sure;
    let open = 0;
    let openLower = this.#openLower;
    for (let i = from; i < to; i++) {
      const low = lower[i]!;
      const up = upper[i]!;
      if (up < least) behind += low;
      else {
        most += up;
        if (low < least) {
          open++;
          openLower += low;
        } else sure += low;
      }
    }
    this.#behind = behind;
    this.#most = most;
    this.#sure = sure;
    this.#open += open;
    this.#openLower = openLower;
    this.#lifted += open * least;
  }

  /** Whether the rows can hold the threshold together, as far as sums tell. */
  canReachBySums(): boolean | undefined {
    const { threshold } = this.#box;
    const counted = this.#inside - this.#behind;
    if (this.#most < threshold || counted < threshold) return false;
    const over = this.#over;
    if (over <= 0) return true;
    const freed = this.#lifted - this.#openLower;
    // The lowest free at least the mean each and hold at most the mean.
    const held = Math.ceil(over / (freed / this.#open)) * (this.#openLower / this.#open);
    return over <= freed && counted - held >= threshold ? true : undefined;
  }

  /**
   * Whether they can. When not all that could count can be lifted so high, those with the least lower bounds stay
   * down: they free the most and cost the least.
   */
  canReach(): boolean {
    const known = this.canReachBySums();
    if (known !== undefined) return known;
    const down = this.#fewestDown(this.#over);
    return down !== undefined && this.#inside - this.#behind - down >= this.#box.threshold;
  }

  /** What the fewest rows that free so much hold: those with the least lower bounds. Undefined where all of them do not. */
  #fewestDown(freed: number): number | undefined {
    const lowers = new Float64Array(this.#open);
    const untied = this.#openLowers(0, this.#ties, this.#level + 1, lowers);
    this.#openLowers(this.#ties, this.#next, this.#level, lowers.subarray(untied));
    const buckets = roughBuckets(lowers);
    const gains = new Float64Array(BUCKETS_MAX);
    const sums = new Float64Array(BUCKETS_MAX);
    const sumUp = (from: number, to: number, least: number) => {
      for (let k = from; k < to; k++) {
        const bucket = buckets[k]!;
        const low = lowers[k]!;
        gains[bucket] = gains[bucket]! + (least - low);
        sums[bucket] = sums[bucket]! + low;
      }
    };
    sumUp(0, untied, this.#level + 1);
    sumUp(untied, lowers.length, this.#level);
    let need = freed;
    let held = 0;
    let bucket = 0;
    for (; bucket < BUCKETS_MAX && gains[bucket]! < need; bucket++) {
      need -= gains[bucket]!;
      held += sums[bucket]!;
    }
    if (bucket === BUCKETS_MAX) return undefined;
    // The rows of this bucket, those that lose the tie first.
    const gainOf = (k: number) => this.#level + (k < untied ? 1 : 0) - lowers[k]!;
    const rows: number[] = [];
    for (let k = 0; k < lowers.length; k++) if (buckets[k] === bucket) rows.push(k);
    const down = fewestReaching(Float64Array.from(rows, gainOf), rows.length, need);
    if (down?.least === undefined) return undefined;
    // Of two that free the same, the one that wins the tie holds less.
    let left = down.taken;
    let tied = 0;
    for (const k of rows) {
      const gain = gainOf(k);
      if (gain > down.least) {
        left--;
        held += lowers[k]!;
      } else if (gain === down.least && k >= untied) tied++;
    }
    return held + left * (this.#level + 1 - down.least) - Math.min(left, tied);
  }

  /** Lower bounds of the rows of [from, to) that need not count; answers how many they are. */
  #openLowers(from: number, to: number, least: number, into: Float64Array): number {
    const { lower, upper } = this.#box;
    let count = 0;
    for (let i = Math.max(0, from); i < Math.min(to, this.#next); i++)
      if (upper[i]! >= least && lower[i]! < least) into[count++] = lower[i]!;
    return count;
  }

  /** What the rows hold together when those above hold their lower bounds. */
  get #inside(): number {
    return this.#leeway + this.#behind + this.#sure + this.#openLower;
  }

  /** By how much more than that they hold when all that can count do. */
  get #over(): number {
    return Math.min(this.#behind + this.#sure + this.#lifted, BEYOND_TOTAL) - this.#inside;
  }
}
