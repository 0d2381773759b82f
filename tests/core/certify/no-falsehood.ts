import { expect } from "bun:test";
import type { CertifyDay } from "../../../scripts/bench/certify-day.ts";
import {
  certifyOrder,
  deltaInterval,
  foldWindow,
  type MinuteRange,
  type PendingChunk,
  ProfileState,
  pocIndex,
  pocOfBounds,
  pocOfState,
  requestsFor,
  type WindowFold,
} from "../../../src/core/mod.ts";

export interface Truth {
  readonly fold: WindowFold;
  readonly poc: number;
}

/** What the finished day comes to. */
export function truthOf({ minutes }: CertifyDay): Truth {
  const fold = foldWindow(minutes);
  const { bins, volumes } = fold.profile.rows();
  return { fold, poc: bins[pocIndex({ bins, volumes })!]! };
}

/** Everything that is claimed of a day holds of the finished day. Answers whether the POC is certain. */
export function expectNoFalsehood(state: ProfileState, { fold, poc }: Truth): boolean {
  const sums = state.sums();
  const { open, high, low, last, volume } = fold;
  expect({ ...sums, quoteVolume: 0, buyVolume: 0 }).toEqual({
    open,
    high,
    low,
    last,
    volume,
    quoteVolume: 0,
    buyVolume: 0,
  });
  expect(sums.quoteVolume).toEqual({ low: fold.quoteVolume, high: fold.quoteVolume });
  const delta = deltaInterval(sums);
  const finalDelta = 2 * fold.buyVolume - fold.volume;
  expect(delta.low <= finalDelta && finalDelta <= delta.high).toBe(true);

  const bounds = state.bounds()!;
  expect(bounds.total).toBe(fold.volume);
  for (let i = 0; i < bounds.lower.length; i++) {
    const bin = bounds.firstBin + i;
    const volume = fold.profile.volumeOf(bin);
    if (volume < bounds.lower[i]! || volume > bounds.upper[i]!)
      throw new Error(`bin ${bin}: ${volume} outside [${bounds.lower[i]}, ${bounds.upper[i]}]`);
    if ((bin < bounds.lowBin || bin > bounds.highBin) && bounds.upper[i] !== 0)
      throw new Error(`bin ${bin}: outside [${bounds.lowBin}, ${bounds.highBin}]`);
  }
  expect(bounds.lower[bounds.lowBin - bounds.firstBin]).toBeGreaterThan(0);
  expect(bounds.lower[bounds.highBin - bounds.firstBin]).toBeGreaterThan(0);
  expect(state.estimate.reduce((sum, part) => sum + part, 0)).toBe(fold.volume);

  for (const claim of [pocOfState(state)!, pocOfBounds(bounds, state.estimate)]) {
    const held = claim.kind === "certain" ? claim.bin === poc : claim.low <= poc && poc <= claim.high;
    if (!held) throw new Error(`POC ${poc} against ${JSON.stringify(claim)}`);
    if (claim.kind === "bounded")
      expect(claim.low <= claim.estimate && claim.estimate <= claim.high).toBe(true);
  }
  return pocOfState(state)?.kind === "certain";
}

/** A state that knows the day's candles, and no trades. */
export function skeletonOf({ grid, candles }: CertifyDay): ProfileState {
  const state = new ProfileState(grid);
  for (const candle of candles) state.addCandle(candle);
  return state;
}

/** A range cut into chunks of so many minutes. */
export function chunksOf(range: MinuteRange, minutes: number): PendingChunk[] {
  const chunks: PendingChunk[] = [];
  for (let lo = range.lo; lo < range.hi; lo += minutes)
    chunks.push({ lo, hi: Math.min(lo + minutes, range.hi), requests: 1 });
  return chunks;
}

/** Covers the minutes of a range with what the day's trades come to. */
export function load(state: ProfileState, { minutes }: CertifyDay, { lo, hi }: MinuteRange): void {
  const loaded = new Map(minutes.map((minute) => [minute.minute, minute]));
  for (let minute = lo; minute < hi; minute++) state.cover(minute, loaded.get(minute));
}

/**
 * Loads a whole day in the order that certifies it, and holds every claim on the way against the truth. Answers the share
 * of the trades at which the POC is certain; it stays so.
 */
export function certifiedShare(day: CertifyDay, chunkMinutes: number): number {
  const truth = truthOf(day);
  const state = skeletonOf(day);
  const first = Math.floor(day.minutes[0]!.minute / chunkMinutes) * chunkMinutes;
  const tradesIn = ({ lo, hi }: MinuteRange) =>
    day.minutes.reduce((sum, m) => sum + (m.minute >= lo && m.minute < hi ? m.rawCount : 0), 0);
  let pending = chunksOf({ lo: first, hi: day.minutes.at(-1)!.minute + 1 }, chunkMinutes).map((chunk) => ({
    ...chunk,
    requests: requestsFor(tradesIn(chunk)),
  }));
  let loaded = 0;
  let certainAt: number | undefined;
  while (pending.length > 0) {
    const next = certifyOrder(state, pending)[0]!;
    pending = pending.filter((chunk) => chunk !== next);
    load(state, day, next);
    loaded += tradesIn(next);
    if (expectNoFalsehood(state, truth)) certainAt ??= loaded;
    else expect(certainAt).toBeUndefined();
  }
  return certainAt! / loaded;
}
