import type { SumInterval } from "./certify/known-sums.ts";
import type { Decimal } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import { absent, type KnownWindow, type Reading, trustOf } from "./level-reading.ts";
import { deviationOf, type VwapBand, vwapBands } from "./vwap-bands.ts";
import type { WindowProof } from "./window-proof.ts";

/** The deviation with how far it can be trusted; bands are as good as the VWAP and it. */
export interface BandReadings {
  readonly deviation: Reading;
  /** In the order of the multiples asked for; empty without volume. */
  readonly bands: readonly VwapBand[];
}

/** From the candles where they tell what the trades at hand do not, else from the trades. */
export function readBands(
  window: KnownWindow,
  scales: Scales,
  multiples: readonly Decimal[] | undefined,
): BandReadings {
  const { fold, coverage, whole, proof } = window;
  if (!whole && proof?.squareVolume !== undefined && proof.sums.volume > 0)
    return provenBands(window, proof.sums, proof.squareVolume, { scales, multiples });
  const found = vwapBands(fold, scales, multiples);
  if (found === null) return { deviation: absent(coverage, whole || proof?.upToNow === true), bands: [] };
  return {
    deviation: { value: found.deviation, certainty: whole ? "exact" : "estimate" },
    bands: found.bands,
  };
}

/** σ² = (S·R − Q²) / S² grows with R and shrinks with Q, so its ends are those of R and the opposite ones of Q. */
function provenBands(
  window: KnownWindow,
  { volume, quoteVolume: quote }: WindowProof["sums"],
  square: SumInterval<bigint>,
  { scales, multiples }: { readonly scales: Scales; readonly multiples: readonly Decimal[] | undefined },
): BandReadings {
  const spread = (of: bigint, mean: bigint): bigint => {
    const found = BigInt(volume) * of - mean * mean;
    return found < 0n ? 0n : found;
  };
  const low = deviationOf({ volume, spread: spread(square.low, quote.high) }, scales);
  const high = deviationOf({ volume, spread: spread(square.high, quote.low) }, scales);
  // Halfway between the ends, of both sums.
  const [twice, doubled] = [2 * volume, quote.low + quote.high];
  const least = (doubled * doubled + BigInt(twice) - 1n) / BigInt(twice);
  const middle = square.low + square.high;
  const guess = vwapBands(
    { volume: twice, quoteVolume: doubled, squareVolume: middle < least ? least : middle },
    scales,
    multiples,
  );
  const reading: Reading =
    low.units === high.units
      ? { value: low, certainty: "exact" }
      : { value: guess?.deviation ?? null, certainty: "bounded", bounds: [low, high] };
  return { deviation: trustOf(window)(reading), bands: guess?.bands ?? [] };
}
