import type { Steps, Walk } from "./walk-steps.ts";

/** Sums over the steps that are redone, per step of the walk; beyond them a coarser, equally valid sum is used. */
const RESUMS_PER_STEP = 6;

/**
 * The most steps up that a walk can take. `extra` is what the start, wherever below it the walk began, holds more than
 * its lower bound.
 *
 * Suppose step i up is taken while j steps down are. Then the smallest of the steps up so far, θ, is at least what the
 * next step down holds, hence at least its lower bound λ: each step up holds at least λ. The walk went on, so what it
 * held then was below the threshold. If no j allows that, step i is never taken. Only a j whose λ is below that of all
 * nearer ones need be looked at: the others ask for more in every respect.
 */
export function mostStepsUp(walk: Walk, extra: number): number {
  const { up, down, start, threshold, tieAway, rowsMayMiss } = walk;
  const sums = sumsOf(walk);
  const search = { walk, sums, extra, budget: RESUMS_PER_STEP * up.lower.length };
  let held = start.lower[0]! + extra;
  let least = Number.POSITIVE_INFINITY;
  let reached = 0;
  for (let j = 0; j <= down.lower.length && held < threshold && reached < up.lower.length; j++) {
    const bound = j < down.lower.length ? down.lower[j]! + tieAway : 0;
    const level = rowsMayMiss ? Math.max(1 + (j < down.lower.length ? tieAway : 0), bound) : bound;
    if (level < least) {
      least = level;
      reached = extend(search, reached, j, held, level);
    }
    held += down.lower[j] ?? 0;
  }
  return reached;
}

interface Sums {
  /** Σ lower of the steps up before the index. */
  readonly lowerBefore: Float64Array;
  /** Σ upper from the index on. */
  readonly upFrom: Float64Array;
  readonly downFrom: Float64Array;
  /** The least upper bound of the steps up to and with the index; with rows that may miss, of those that cannot. */
  readonly leastTo: Float64Array;
}

interface Search {
  readonly walk: Walk;
  readonly sums: Sums;
  readonly extra: number;
  budget: number;
}

function sumsOf({ up, down, rowsMayMiss }: Walk): Sums {
  const count = up.lower.length;
  const lowerBefore = new Float64Array(count);
  const leastTo = new Float64Array(count);
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    lowerBefore[i] = sum;
    sum += up.lower[i]!;
    if (!rowsMayMiss || up.lower[i]! > 0) least = Math.min(least, up.upper[i]!);
    leastTo[i] = least;
  }
  return { lowerBefore, leastTo, upFrom: upperFrom(up), downFrom: upperFrom(down) };
}

function upperFrom({ upper }: Steps): Float64Array {
  const sums = new Float64Array(upper.length + 1);
  for (let i = upper.length - 1; i >= 0; i--) sums[i] = sums[i + 1]! + upper[i]!;
  return sums;
}

/** How many steps up can be taken when the step down after the first `j` stops them at `level`; `reached` at least. */
function extend(search: Search, reached: number, j: number, held: number, level: number): number {
  const { walk, sums, extra } = search;
  const { up, threshold, rowsMayMiss } = walk;
  const slack = walk.slack - extra;
  let best = reached;
  let lifted = -1;
  for (let i = reached; i < up.lower.length; i++) {
    const low = up.lower[i]!;
    const before = held + sums.lowerBefore[i]!;
    if (sums.leastTo[i]! < level || before >= threshold) return best;
    const possible = up.upper[i]! >= level && outsideCanHold(search, i, j);
    if (!possible && !rowsMayMiss) return best;
    if (lifted < 0) lifted = liftOf(search, i, level);
    if (before + lifted >= threshold || lifted > slack) return best;
    const own = Math.max(0, level - low);
    if (possible && lifted + own <= slack) best = i + 1;
    else if (!rowsMayMiss) return best;
    if (!rowsMayMiss || low > 0) lifted += own;
  }
  return best;
}

/** Whether what lies outside i steps up and j down can hold so much that the threshold is not reached inside. */
function outsideCanHold({ walk, sums }: Search, i: number, j: number): boolean {
  const { up, down, threshold, total, tieAway } = walk;
  let below = 0;
  if (j < down.upper.length) {
    // The next step down holds no more than the least of the steps up.
    const most = Math.min(sums.leastTo[i]!, up.upper[i]!) - tieAway;
    below = Math.min(down.upper[j]!, most) + sums.downFrom[j + 1]!;
  }
  return total - (sums.upFrom[i]! + below) < threshold;
}

/** What the steps up before `i` hold beyond their lower bounds when each holds `level`; or less, where summing costs much. */
function liftOf(search: Search, i: number, level: number): number {
  const { walk, sums } = search;
  const { lower } = walk.up;
  if (search.budget < i) return walk.rowsMayMiss ? 0 : Math.max(0, i * level - sums.lowerBefore[i]!);
  search.budget -= i;
  let lifted = 0;
  for (let k = 0; k < i; k++)
    if (lower[k]! < level && (!walk.rowsMayMiss || lower[k]! > 0)) lifted += level - lower[k]!;
  return lifted;
}
