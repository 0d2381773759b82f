import type { MinuteContribution } from "./minute.ts";
import { Profile } from "./profile.ts";

/** Sums of a set of minutes. Units as in {@link MinuteContribution}; prices are null while nothing traded. */
export interface WindowSums {
  readonly volume: number;
  readonly buyVolume: number;
  readonly quoteVolume: bigint;
  readonly squareVolume: bigint;
  readonly count: number;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly last: number | null;
  /** The first and the last minute that traded, since the epoch. */
  readonly firstMinute: number | null;
  readonly lastMinute: number | null;
}

/** What any window of minutes folds to. */
export interface WindowFold extends WindowSums {
  readonly profile: Profile;
}

/** Folds contributions (ascending by minute) without their profile. */
export function foldSums(minutes: Iterable<MinuteContribution>): WindowSums {
  let volume = 0;
  let buyVolume = 0;
  let quoteVolume = 0n;
  let squareVolume = 0n;
  let count = 0;
  let open: number | null = null;
  let high: number | null = null;
  let low: number | null = null;
  let last: number | null = null;
  let firstMinute: number | null = null;
  let lastMinute: number | null = null;
  for (const minute of minutes) {
    volume += minute.volume;
    buyVolume += minute.buyVolume;
    quoteVolume += minute.quoteVolume;
    squareVolume += minute.squareVolume;
    count += minute.count;
    open ??= minute.open;
    if (high === null || minute.high > high) high = minute.high;
    if (low === null || minute.low < low) low = minute.low;
    last = minute.close;
    firstMinute ??= minute.minute;
    lastMinute = minute.minute;
  }
  return {
    ...{ volume, buyVolume, quoteVolume, squareVolume, count },
    ...{ open, high, low, last, firstMinute, lastMinute },
  };
}

/** Folds contributions (ascending by minute) into sums and a profile. */
export function foldWindow(minutes: readonly MinuteContribution[]): WindowFold {
  const profile = new Profile();
  for (const minute of minutes) profile.add(contributionRows(minute));
  return { ...foldSums(minutes), profile };
}

/**
 * The sums of two windows without a common minute, in either order: merging is associative and commutative, and the
 * fold of nothing changes nothing.
 */
export function mergeSums(a: WindowSums, b: WindowSums): WindowSums {
  const [earlier, later] = (a.firstMinute ?? Infinity) <= (b.firstMinute ?? Infinity) ? [a, b] : [b, a];
  const ends = (a.lastMinute ?? -Infinity) > (b.lastMinute ?? -Infinity) ? a : b;
  return {
    volume: a.volume + b.volume,
    buyVolume: a.buyVolume + b.buyVolume,
    quoteVolume: a.quoteVolume + b.quoteVolume,
    squareVolume: a.squareVolume + b.squareVolume,
    count: a.count + b.count,
    open: earlier.open ?? later.open,
    high: furthest(Math.max, a.high, b.high),
    low: furthest(Math.min, a.low, b.low),
    last: ends.last,
    firstMinute: furthest(Math.min, a.firstMinute, b.firstMinute),
    lastMinute: furthest(Math.max, a.lastMinute, b.lastMinute),
  };
}

/**
 * The composite of several windows without a common minute, as if their minutes were one window. The profiles lie on
 * one grid and are left as they are.
 */
export function mergeFolds(folds: Iterable<WindowFold>): WindowFold {
  const profile = new Profile();
  let sums = foldSums([]);
  for (const fold of folds) {
    profile.add(fold.profile.rows());
    sums = mergeSums(sums, fold);
  }
  return { ...sums, profile };
}

/** The profile rows of one contribution, sharing its memory. */
export function contributionRows(minute: MinuteContribution) {
  return { bins: minute.bins, volumes: minute.binVolumes, buyVolumes: minute.binBuyVolumes };
}

function furthest(pick: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return pick(a, b);
}
