import { type Decimal, divideHalfEven } from "./decimal.ts";
import type { Scales } from "./instrument.ts";

/** A VWAP is printed with two digits more than the price. */
export const VWAP_EXTRA_DIGITS = 2;

/**
 * VWAP = Σ price·size / Σ size over trades, rounded once, half to even, to `priceScale + 2` digits.
 * `quoteVolume` in units of 10^-(priceScale + sizeScale), `volume` in size units. Null without volume.
 */
export function vwap(quoteVolume: bigint, volume: number | bigint, scales: Scales): Decimal | null {
  if (BigInt(volume) === 0n) return null;
  const units = divideHalfEven(quoteVolume * 10n ** BigInt(VWAP_EXTRA_DIGITS), BigInt(volume));
  return { units, scale: scales.priceScale + VWAP_EXTRA_DIGITS };
}
