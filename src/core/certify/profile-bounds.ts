/**
 * What is known of a window's complete profile before all of it is loaded, size units per bin.
 *
 * Every complete profile p that agrees with what is known has, with `b = firstBin + i`:
 * `lower[i] ≤ p(b) ≤ upper[i]` (integers), `Σ p = total` exactly, `p(lowBin) > 0`, `p(highBin) > 0` and `p = 0` outside
 * `[lowBin, highBin]`. The arrays may reach beyond that range; they hold 0 there.
 */
export interface ProfileBounds {
  /** Bin number of index 0. */
  readonly firstBin: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Σ volume of the complete profile. */
  readonly total: number;
  /** Bins of the lowest and the highest trade. */
  readonly lowBin: number;
  readonly highBin: number;
}
