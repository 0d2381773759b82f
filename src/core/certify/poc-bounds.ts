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
  readonly bins: readonly number[];
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
  let leader = lowBin;
  let most = lower[leader - firstBin]!;
  for (let bin = lowBin + 1; bin <= highBin; bin++) {
    const least = lower[bin - firstBin]!;
    if (least < most || upper[bin - firstBin] === 0) continue;
    if (least === most && !winsTie(bounds, bin, leader)) continue;
    leader = bin;
    most = least;
  }
  const bins: number[] = [];
  let favourite = leader;
  let likely = estimate[leader - firstBin]!;
  for (let bin = lowBin; bin <= highBin; bin++) {
    const above = upper[bin - firstBin]! - most;
    if (above < 0 || upper[bin - firstBin] === 0) continue;
    if (above === 0 && bin !== leader && !winsTie(bounds, bin, leader)) continue;
    bins.push(bin);
    const guess = estimate[bin - firstBin]!;
    if (guess < likely || (guess === likely && !winsTie(bounds, bin, favourite))) continue;
    favourite = bin;
    likely = guess;
  }
  return { bins, leader, favourite };
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
    this.#minutes = state.unseen().filter((minute) => minute.firstBin <= bin && minute.lastBin >= bin);
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
