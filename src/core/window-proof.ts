import type { KnownSums, SumInterval } from "./certify/known-sums.ts";
import { pocOfState } from "./certify/poc-bounds.ts";
import type { ProfileState } from "./certify/profile-state.ts";
import { type BinInterval, valueAreaBounds } from "./certify/value-area-bounds.ts";
import { type Share, type ValueAreaMethod, valueArea } from "./value-area.ts";

/**
 * What is proven of a window of which some minutes are known by the venue's candles alone: its sums, which equal the
 * complete tape's up to now, and its profile where that was asked for and is ready.
 */
export interface WindowProof {
  /** False: the running minute, or one that ended just now, is not known whole, so that all of this is a guess. */
  readonly upToNow: boolean;
  readonly sums: KnownSums;
  /** Σ price²·size, where it was asked for. */
  readonly squareVolume?: SumInterval<bigint> | undefined;
  readonly profile?: ProfileProof | undefined;
}

/** Answers what is proven of a profile's POC and value area. The same question has the same answer until something changes. */
export interface ProfileProof {
  /** Bins of the series to one of the bins that are answered. */
  readonly coarser: number;
  /** Undefined without volume, where the profile is too wide to be kept, and while changes wait to be worked in. */
  area(method: ValueAreaMethod, share: Share): ProvenArea | undefined;
}

/** A bin that is proven, or an interval [low, high] that is proven to hold it with the best guess inside. Bin numbers. */
export type ProvenBin =
  | { readonly kind: "certain"; readonly bin: number }
  | { readonly kind: "bounded"; readonly low: number; readonly high: number; readonly estimate: number };

/** POC, VAH and VAL; by intervals and estimates alike, VAL ≤ POC ≤ VAH. */
export interface ProvenArea {
  readonly poc: ProvenBin;
  readonly vah: ProvenBin;
  readonly val: ProvenBin;
}

/**
 * POC and value area of a window out of what is known of its minutes; undefined without volume or where the window is
 * too wide. The estimates are those of the estimated profile, moved into their intervals.
 */
export function provenArea(
  state: ProfileState,
  method: ValueAreaMethod,
  share: Share,
): ProvenArea | undefined {
  const bounds = state.bounds();
  const found = pocOfState(state);
  if (bounds === undefined || found === undefined) return undefined;
  const poc: BinInterval = found.kind === "certain" ? [found.bin, found.bin] : [found.low, found.high];
  const area = valueAreaBounds(bounds, method, { share, poc });
  if (area === undefined) return undefined;
  // In every profile VAL ≤ POC ≤ VAH, so each interval narrows its neighbours; then the guesses keep their order too.
  const low = Math.max(poc[0], area.val[0]);
  const high = Math.min(poc[1], area.vah[1]);
  const intervals = {
    poc: [low, high],
    vah: [Math.max(area.vah[0], low), area.vah[1]],
    val: [area.val[0], Math.min(area.val[1], high)],
  } as const;
  if (Object.values(intervals).every(([from, to]) => from === to))
    return { poc: certain(low), vah: certain(area.vah[1]), val: certain(area.val[0]) };
  const guess = valueArea(state.estimatedRows(), method, { share });
  return (
    guess && {
      poc: provenBin(intervals.poc, guess.poc),
      vah: provenBin(intervals.vah, guess.vah),
      val: provenBin(intervals.val, guess.val),
    }
  );
}

function certain(bin: number): ProvenBin {
  return { kind: "certain", bin };
}

function provenBin([low, high]: BinInterval, guess: number): ProvenBin {
  if (low === high) return certain(low);
  return { kind: "bounded", low, high, estimate: Math.min(high, Math.max(low, guess)) };
}
