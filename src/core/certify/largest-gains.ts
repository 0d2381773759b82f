/** Buckets of one round; rounds go on within one of them. */
const BUCKETS = 256;

/** Rounds before the rest is sorted: far more than values spread as volumes are need. */
const ROUNDS_MAX = 8;

/** So few are sorted at once. */
const FEW = 32;

export interface Fewest {
  readonly taken: number;
  readonly sum: number;
  /** The smallest one taken; undefined where none is. */
  readonly least: number | undefined;
}

/**
 * The fewest of the first `count` values (integers > 0) whose sum reaches `need`, largest first: how many, and their sum.
 * Undefined when all of them do not. Overwrites `gains`. Linear.
 */
export function fewestReaching(gains: Float64Array, count: number, need: number): Fewest | undefined {
  if (need <= 0) return { taken: 0, sum: 0, least: undefined };
  const counts = new Int32Array(BUCKETS);
  const sums = new Float64Array(BUCKETS);
  let left = count;
  let taken = 0;
  let sum = 0;
  for (let round = 0; round < ROUNDS_MAX && left > FEW; round++) {
    let least = gains[0]!;
    let most = least;
    for (let i = 1; i < left; i++) {
      const gain = gains[i]!;
      if (gain < least) least = gain;
      else if (gain > most) most = gain;
    }
    if (least === most) break;
    // The same for equal values and never falling, which is all that the order of buckets needs.
    const scale = (BUCKETS - 1) / (most - least);
    counts.fill(0);
    sums.fill(0);
    for (let i = 0; i < left; i++) {
      const gain = gains[i]!;
      const bucket = ((gain - least) * scale) | 0;
      counts[bucket] = counts[bucket]! + 1;
      sums[bucket] = sums[bucket]! + gain;
    }
    let reached = BUCKETS - 1;
    while (reached >= 0 && sum + sums[reached]! < need) {
      sum += sums[reached]!;
      taken += counts[reached]!;
      reached--;
    }
    if (reached < 0) return undefined;
    let kept = 0;
    for (let i = 0; i < left; i++) {
      const gain = gains[i]!;
      if ((((gain - least) * scale) | 0) === reached) gains[kept++] = gain;
    }
    left = kept;
  }
  const rest = gains.subarray(0, left).sort();
  for (let i = rest.length - 1; i >= 0; i--) {
    taken++;
    sum += rest[i]!;
    if (sum >= need) return { taken, sum, least: rest[i] };
  }
  return undefined;
}
