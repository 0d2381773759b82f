import { lowestPassing } from "./lowest-passing.ts";
import type { VolumeBox } from "./volume-box.ts";
import { BUCKETS_MAX, evenScale, roughScale, type VolumeScale } from "./volume-scale.ts";

/** What rows come before one of a certain volume, and what the others leave to them: size units. */
export interface RowsBefore {
  /** Σ lower of the rows that hold more than the volume in any case. */
  readonly before: number;
  /** What these can hold beyond it. */
  readonly spare: number;
  /** What the others can hold without holding more than the volume. */
  readonly room: number;
}

export interface VolumeTest {
  /** Whether a volume passes, as far as sums tell. What fails by them is below all that does not. */
  readonly bySums: (sums: RowsBefore) => boolean | undefined;
  /** The same of the few volumes of which they do not. */
  readonly exactly: (volume: number) => boolean;
}

/**
 * The least volume that passes a test: all above it do, the largest upper bound does, and 0 does not.
 *
 * Each round tries the volumes of a scale and goes on between the last that fails and the first that passes. The sums depend on
 * which lower and which upper bounds are above a volume, each by themselves; so in the next round only the bounds between the
 * two are looked at again.
 */
export function leastPassing(box: VolumeBox, { bySums, exactly }: VolumeTest): number {
  let passes = 0;
  for (let i = 0; i < box.upper.length; i++) if (box.upper[i]! > passes) passes = box.upper[i]!;
  const sums = new BoundSums(box);
  let scale = roughScale(passes);
  for (;;) {
    sums.spread(scale);
    const { last, volumeAt } = scale;
    let from = lowestPassing(last - 1, (i) => bySums(sums.at(i + 1)) !== false) + 1;
    let to = from;
    while (to < last && bySums(sums.at(to)) !== true) to++;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (exactly(volumeAt(middle))) to = middle;
      else from = middle + 1;
    }
    const fails = volumeAt(to - 1);
    passes = volumeAt(to);
    if (passes - fails <= 1) return passes;
    sums.narrow(to);
    scale = evenScale(fails, passes);
  }
}

/** Sums over the rows, for each volume of a scale. */
class BoundSums {
  /** Bounds within the scale: lower ones, each with its row's upper one, and upper ones. */
  #lows: Float64Array;
  #tops: Float64Array;
  #mosts: Float64Array;
  #lowBuckets: Uint16Array = new Uint16Array(0);
  #mostBuckets: Uint16Array = new Uint16Array(0);
  #scale: VolumeScale = evenScale(0, 0);
  /** Lower bounds above the scale: Σ lower, Σ (upper − lower) of their rows. */
  #before = 0;
  #spare = 0;
  /** Bounds below the scale: how many, and Σ of upper ones. */
  #lowCount = 0;
  #mostCount = 0;
  #mostSum = 0;
  /** By bucket, then from the bucket on. */
  readonly #beforeFrom = new Float64Array(BUCKETS_MAX + 1);
  readonly #spareFrom = new Float64Array(BUCKETS_MAX + 1);
  /** By bucket, then up to and with the bucket. */
  readonly #lowCountTo = new Int32Array(BUCKETS_MAX + 1);
  readonly #mostCountTo = new Int32Array(BUCKETS_MAX + 1);
  readonly #mostSumTo = new Float64Array(BUCKETS_MAX + 1);

  constructor({ lower, upper }: VolumeBox) {
    this.#lows = lower;
    this.#tops = upper;
    this.#mosts = upper;
  }

  spread(scale: VolumeScale): void {
    this.#scale = scale;
    this.#spreadLows(scale);
    this.#spreadMosts(scale);
  }

  /** Of number `i` of the scale, 1 or more. */
  at(i: number): RowsBefore {
    const crossing = this.#lowCountTo[i]! - this.#mostCountTo[i]!;
    return {
      before: this.#beforeFrom[i + 1]!,
      spare: this.#spareFrom[i + 1]!,
      room: this.#mostSumTo[i]! + this.#scale.volumeAt(i) * crossing,
    };
  }

  /** Keeps the bounds of bucket `i`: the next scale is within it. */
  narrow(i: number): void {
    this.#before = this.#beforeFrom[i + 1]!;
    this.#spare = this.#spareFrom[i + 1]!;
    this.#lowCount = this.#lowCountTo[i - 1]!;
    this.#mostCount = this.#mostCountTo[i - 1]!;
    this.#mostSum = this.#mostSumTo[i - 1]!;
    const lowCount = this.#lowCountTo[i]! - this.#lowCount;
    this.#tops = pick(this.#tops, this.#lowBuckets, i, lowCount);
    this.#lows = pick(this.#lows, this.#lowBuckets, i, lowCount);
    this.#mosts = pick(this.#mosts, this.#mostBuckets, i, this.#mostCountTo[i]! - this.#mostCount);
  }

  #spreadLows({ last, bucketsOf }: VolumeScale): void {
    const lows = this.#lows;
    const tops = this.#tops;
    const buckets = bucketsOf(lows);
    const before = this.#beforeFrom.fill(0, 0, last + 1);
    const spare = this.#spareFrom.fill(0, 0, last + 1);
    const counts = this.#lowCountTo.fill(0, 0, last + 1);
    for (let k = 0; k < lows.length; k++) {
      const bucket = buckets[k]!;
      before[bucket] = before[bucket]! + lows[k]!;
      spare[bucket] = spare[bucket]! + (tops[k]! - lows[k]!);
      counts[bucket] = counts[bucket]! + 1;
    }
    this.#lowBuckets = buckets;
    before[last + 1] = this.#before;
    spare[last + 1] = this.#spare;
    for (let i = last; i > 0; i--) {
      before[i] = before[i]! + before[i + 1]!;
      spare[i] = spare[i]! + spare[i + 1]!;
    }
    counts[0] = counts[0]! + this.#lowCount;
    for (let i = 1; i <= last; i++) counts[i] = counts[i]! + counts[i - 1]!;
  }

  #spreadMosts({ last, bucketsOf }: VolumeScale): void {
    const mosts = this.#mosts;
    const buckets = bucketsOf(mosts);
    const sums = this.#mostSumTo.fill(0, 0, last + 1);
    const counts = this.#mostCountTo.fill(0, 0, last + 1);
    for (let k = 0; k < mosts.length; k++) {
      const bucket = buckets[k]!;
      sums[bucket] = sums[bucket]! + mosts[k]!;
      counts[bucket] = counts[bucket]! + 1;
    }
    this.#mostBuckets = buckets;
    sums[0] = sums[0]! + this.#mostSum;
    counts[0] = counts[0]! + this.#mostCount;
    for (let i = 1; i <= last; i++) {
      sums[i] = sums[i]! + sums[i - 1]!;
      counts[i] = counts[i]! + counts[i - 1]!;
    }
  }
}

function pick(values: Float64Array, buckets: Uint16Array, bucket: number, count: number): Float64Array {
  const picked = new Float64Array(count);
  for (let k = 0, at = 0; at < count; k++) if (buckets[k] === bucket) picked[at++] = values[k]!;
  return picked;
}
