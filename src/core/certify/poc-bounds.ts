import { differenceSlack } from "./minute-bounds.ts";
import type { ProfileBounds } from "./profile-bounds.ts";
import type { ProfileState } from "./profile-state.ts";
import type { UnseenMinute } from "./unseen-minute.ts";

/** Comparisons of two bins within one minute that a derivation takes, at most: about half a millisecond. */
const COMPARISONS_MAX = 5_000;

/** `certain`: every complete profile has its POC there. `bounded`: within [low, high], the estimate among them. Bin numbers. */
export type PocBounds =
  | { readonly kind: "certain"; readonly bin: number }
  | { readonly kind: "bounded"; readonly low: number; readonly high: number; readonly estimate: number };

/** Bins that can still be the POC, as far as each bin's own interval tells. */
export interface PocCandidates {
  /** Bin numbers, ascending. */
  readonly bins: Float64Array;
  /** Of those, the one with the largest lower bound, and the one with the largest estimate. */
  readonly leader: number;
  readonly favourite: number;
}

/**
 * The POC of a window of which some minutes are known by their candles alone: by `pocIndex`'s rule, ties included.
 * Undefined without volume or where the window is too wide. Proof: docs/level-maths.md.
 */
export function pocOfState(state: ProfileState): PocBounds | undefined {
  const bounds = state.bounds();
  if (bounds === undefined) return undefined;
  const candidates = pocCandidates(bounds, state.estimate);
  const { bins, leader, favourite } = candidates;
  if (bins.length === 1) return { kind: "certain", bin: leader };
  const champions = [...new Set([favourite, leader])].map(
    (champion) => new Champion(state, bounds, champion),
  );
  let left = COMPARISONS_MAX;
  const canBe = (bin: number) =>
    champions.every((champion) => {
      if (left <= 0 || bin === champion.bin) return true;
      const { beats, compared } = champion.against(bin, left);
      left -= compared;
      return !beats;
    });
  let low = 0;
  let high = bins.length - 1;
  while (low < high && !canBe(bins[low]!)) low++;
  while (high > low && !canBe(bins[high]!)) high--;
  return pocBetween(bins[low]!, bins[high]!, favourite);
}

/** The POC as far as each bin's own interval tells; `estimate` lies beside `bounds.lower`. */
export function pocOfBounds(bounds: ProfileBounds, estimate: Float64Array): PocBounds {
  const { bins, favourite } = pocCandidates(bounds, estimate);
  return pocBetween(bins[0]!, bins[bins.length - 1]!, favourite);
}

function pocBetween(low: number, high: number, favourite: number): PocBounds {
  if (low === high) return { kind: "certain", bin: low };
  return { kind: "bounded", low, high, estimate: Math.min(high, Math.max(low, favourite)) };
}

/** A bin that is beaten by another one's lower bound is never the POC. */
export function pocCandidates(bounds: ProfileBounds, estimate: Float64Array): PocCandidates {
  const { firstBin, lower, upper, lowBin, highBin } = bounds;
  const from = lowBin - firstBin;
  const to = highBin - firstBin;
  let leader = from;
  let most = lower[from]!;
  for (let i = from + 1; i <= to; i++) {
    const least = lower[i]!;
    if (least < most || upper[i] === 0) continue;
    if (least === most && !winsTie(bounds, firstBin + i, firstBin + leader)) continue;
    leader = i;
    most = least;
  }
  const bins = new Float64Array(to - from + 1);
  let count = 0;
  let favourite = leader;
  let likely = estimate[leader]!;
  for (let i = from; i <= to; i++) {
    const bound = upper[i]!;
    if (bound < most || bound === 0) continue;
    if (bound === most && i !== leader && !winsTie(bounds, firstBin + i, firstBin + leader)) continue;
    bins[count++] = firstBin + i;
    const guess = estimate[i]!;
    if (guess < likely || (guess === likely && !winsTie(bounds, firstBin + i, firstBin + favourite)))
      continue;
    favourite = i;
    likely = guess;
  }
  return { bins: bins.subarray(0, count), leader: firstBin + leader, favourite: firstBin + favourite };
}

/** Of two bins with the same volume, the one nearer the midpoint of the traded range is the POC, then the lower one. */
export function winsTie({ lowBin, highBin }: ProfileBounds, bin: number, other: number): boolean {
  const twiceMid = lowBin + highBin;
  const nearer = Math.abs(2 * bin - twiceMid) - Math.abs(2 * other - twiceMid);
  return nearer < 0 || (nearer === 0 && bin < other);
}

/** One bin against the others, minute by minute: a minute's volume cannot be all in the other bin and none of it here too. */
class Champion {
  readonly bin: number;
  readonly #bounds: ProfileBounds;
  readonly #minutes: readonly UnseenMinute[];

  constructor(state: ProfileState, bounds: ProfileBounds, bin: number) {
    this.bin = bin;
    this.#bounds = bounds;
    this.#minutes = state.unseenAt(bin);
  }

  /** Whether this bin has more volume than another in every complete profile (or as much, and wins the tie). */
  against(other: number, comparisonsMax: number): { readonly beats: boolean; readonly compared: number } {
    const { firstBin, lower, upper } = this.#bounds;
    let ahead = upper[other - firstBin]! - lower[this.bin - firstBin]!;
    const enough = winsTie(this.#bounds, this.bin, other) ? 0 : -1;
    let compared = 0;
    for (const minute of this.#minutes) {
      if (minute.firstBin > other || minute.lastBin < other) continue;
      if (ahead <= enough || ++compared > comparisonsMax) break;
      ahead -= differenceSlack(minute, other, this.bin);
    }
    return { beats: ahead <= enough, compared };
  }
}
