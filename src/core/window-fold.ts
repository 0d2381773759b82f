import type { MinuteContribution } from "./minute.ts";
import { Profile } from "./profile.ts";

/** Sums of a set of minutes. Units as in {@link MinuteContribution}; prices are null while nothing traded. */
export interface WindowSums {
  readonly volume: number;
  readonly buyVolume: number;
  readonly quoteVolume: bigint;
  readonly count: number;
  readonly open: number | null;
  readonly high: number | null;
  readonly low: number | null;
  readonly last: number | null;
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
  let count = 0;
  let open: number | null = null;
  let high: number | null = null;
  let low: number | null = null;
  let last: number | null = null;
  for (const minute of minutes) {
    volume += minute.volume;
    buyVolume += minute.buyVolume;
    quoteVolume += minute.quoteVolume;
    count += minute.count;
    open ??= minute.open;
    if (high === null || minute.high > high) high = minute.high;
    if (low === null || minute.low < low) low = minute.low;
    last = minute.close;
  }
  return { volume, buyVolume, quoteVolume, count, open, high, low, last };
}

/** Folds contributions (ascending by minute) into sums and a profile. */
export function foldWindow(minutes: readonly MinuteContribution[]): WindowFold {
  const profile = new Profile();
  for (const minute of minutes) profile.add(contributionRows(minute));
  return { ...foldSums(minutes), profile };
}

/** The profile rows of one contribution, sharing its memory. */
export function contributionRows(minute: MinuteContribution) {
  return { bins: minute.bins, volumes: minute.binVolumes, buyVolumes: minute.binBuyVolumes };
}
