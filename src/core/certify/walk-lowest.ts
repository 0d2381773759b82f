import type { Walk } from "./walk-steps.ts";

/** Sums over the steps down that are redone, per step of the walk; beyond them a walk is taken for possible. */
const RESUMS_PER_STEP = 6;

/**
 * The fewest steps up that a walk can end with, wherever at or above the start it began.
 *
 * Suppose it ends with k steps up. Let φ be the least of the first k + 1 steps up. A step down is taken before the walk
 * passes φ only if it and all nearer ones hold more than φ (or as much, where ties go down). So the area lies within
 * k steps up and the first steps down whose upper bounds exceed the least lower bound of the k + 1, and must be
 * able to hold the threshold there, with as many of these steps lifted above φ as that takes.
 */
export function fewestStepsUp(walk: Walk): number {
  const { up, down, start, threshold, slack, tieAway, rowsMayMiss } = walk;
  const search = { walk, budget: RESUMS_PER_STEP * (up.lower.length + down.lower.length) };
  let heldLeast = start.lower[0]!;
  let heldMost = start.upper[0]!;
  let upLeast = heldLeast;
  let upMost = heldMost;
  let level = Number.POSITIVE_INFINITY;
  let j = 0;
  for (let k = 0; k < up.lower.length; k++) {
    const low = rowsMayMiss ? Math.max(1, up.lower[k]!) : up.lower[k]!;
    // What a step down must hold to be taken.
    level = Math.min(level, low + 1 - tieAway);
    while (j < down.upper.length && (down.upper[j]! >= level || (rowsMayMiss && down.lower[j] === 0))) {
      heldLeast += down.lower[j]!;
      heldMost = heldMost + down.upper[j]!;
      j++;
    }
    if (
      Math.min(heldMost, heldLeast + slack) >= threshold &&
      canLift(search, { least: upLeast, most: upMost, level })
    )
      return k;
    heldLeast += up.lower[k]!;
    heldMost = heldMost + up.upper[k]!;
    upLeast += up.lower[k]!;
    upMost = upMost + up.upper[k]!;
  }
  return up.lower.length;
}

interface Search {
  readonly walk: Walk;
  budget: number;
}

/** Whether the total allows that as many steps down as the threshold takes hold `level` each. */
function canLift(
  search: Search,
  { least, most, level }: { readonly least: number; readonly most: number; readonly level: number },
): boolean {
  const { down, threshold, slack, rowsMayMiss } = search.walk;
  let heldLeast = least;
  let heldMost = most;
  let lifted = 0;
  for (let j = 0; Math.min(heldMost, heldLeast + slack) < threshold; j++) {
    if (search.budget-- <= 0) return true;
    const low = down.lower[j]!;
    if (low < level && (!rowsMayMiss || low > 0)) lifted += level - low;
    if (lifted > slack) return false;
    heldLeast += low;
    heldMost = heldMost + down.upper[j]!;
  }
  return true;
}
