import { mix, unitOf } from "./random.ts";

/** Octaves of the noise: the longest swing lasts 2^17 minutes, about 91 days. */
const OCTAVES = 18;

/**
 * The price of a generated market at the start of any minute, in quote units (not yet on the tick grid).
 *
 * Value noise over 18 octaves in the logarithm: each octave's amplitude grows with the root of its period, so that
 * returns look like a random walk at every scale while the price stays within a band around `basePrice`.
 */
export function priceAtMinute(seed: number, basePrice: number, volatility: number, minute: number): number {
  let log = 0;
  for (let k = 0; k < OCTAVES; k++) {
    const period = 2 ** k;
    const at = minute / period;
    const cell = Math.floor(at);
    const octaveSeed = mix(seed, k + 101);
    const a = 2 * unitOf(octaveSeed, cell) - 1;
    const b = 2 * unitOf(octaveSeed, cell + 1) - 1;
    log += volatility * Math.sqrt(period) * (a + (b - a) * (at - cell));
  }
  return basePrice * Math.exp(log);
}
