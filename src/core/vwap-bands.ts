import { type Decimal, decimal } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import { invariant } from "./invariant.ts";
import { divideRootSumHalfEven } from "./square-root.ts";
import { VWAP_EXTRA_DIGITS } from "./vwap.ts";
import type { WindowSums } from "./window-fold.ts";

/** Standard deviations that bands are drawn at. */
export const DEFAULT_BAND_MULTIPLES: readonly Decimal[] = [1, 2, 3].map((times) => decimal(times, 0));

export interface VwapBand {
  /** Standard deviations from the VWAP. */
  readonly multiple: Decimal;
  /** The lower band of a skewed window may lie below 0. */
  readonly lower: Decimal;
  readonly upper: Decimal;
}

export interface VwapBands {
  /** σ, in price. */
  readonly deviation: Decimal;
  /** In the order of the multiples asked for. */
  readonly bands: readonly VwapBand[];
}

/**
 * Standard-deviation bands of the VWAP: VWAP ± k·σ with σ² = Σ price²·size / Σ size − VWAP², the variance of the prices
 * weighted by size (of all trades, not a sample's), as charting programs draw it.
 *
 * With S = Σ size, Q = Σ price·size and R = Σ price²·size that is (Q ± k·√(S·R − Q²)) / S in integers, so every value is
 * rounded once, half to even, to `priceScale + 2` digits. Multiples are positive. Null without volume.
 */
export function vwapBands(
  sums: Pick<WindowSums, "volume" | "quoteVolume" | "squareVolume">,
  scales: Scales,
  multiples: readonly Decimal[] = DEFAULT_BAND_MULTIPLES,
): VwapBands | null {
  if (sums.volume === 0) return null;
  const quote = sums.quoteVolume;
  // Never negative for sums of real trades (Cauchy and Schwarz).
  const spread = BigInt(sums.volume) * sums.squareVolume - quote * quote;
  invariant(spread >= 0n, `the sums contradict each other: a variance of ${spread} / ${sums.volume}²`);
  const of = { volume: sums.volume, spread };
  return {
    deviation: deviationOf(of, scales),
    bands: multiples.map((multiple) => {
      invariant(multiple.units > 0n, `a band's multiple is positive, got ${multiple.units}`);
      // Rounding half to even is the same on both sides of 0.
      const mirrored = beside(-quote, multiple, of, scales);
      return {
        multiple,
        lower: { ...mirrored, units: -mirrored.units },
        upper: beside(quote, multiple, of, scales),
      };
    }),
  };
}

/** What a deviation is made of: σ² = `spread` / `volume`², with `spread` = S·R − Q² ≥ 0 and `volume` = S > 0. */
export interface VolumeSpread {
  readonly volume: number;
  readonly spread: bigint;
}

/** σ, in price. */
export function deviationOf(of: VolumeSpread, scales: Scales): Decimal {
  return beside(0n, decimal(1, 0), of, scales);
}

/** (centre + multiple·√spread) / volume. */
function beside(
  centre: bigint,
  multiple: Decimal,
  { volume, spread }: VolumeSpread,
  { priceScale }: Scales,
): Decimal {
  const unit = 10n ** BigInt(VWAP_EXTRA_DIGITS);
  const divisor = 10n ** BigInt(multiple.scale);
  const factor = unit * multiple.units;
  return decimal(
    divideRootSumHalfEven(unit * centre * divisor, factor * factor * spread, BigInt(volume) * divisor),
    priceScale + VWAP_EXTRA_DIGITS,
  );
}
