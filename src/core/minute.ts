import { pow10 } from "./decimal.ts";
import { type Scales, sameScales } from "./instrument.ts";
import { invariant } from "./invariant.ts";

/**
 * What one minute of one series contributes. Prices in price units, volumes in size units,
 * `quoteVolume` = Σ price·size in units of 10^-(priceScale + sizeScale), `squareVolume` = Σ price²·size in units of
 * 10^-(2·priceScale + sizeScale), both exactly.
 *
 * `bins` ascending bin numbers (`floor(price / binUnits)`), `binVolumes` and `binBuyVolumes` beside them.
 * A covered minute without trades has no contribution.
 */
export interface MinuteContribution {
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Volume whose aggressor bought. */
  readonly buyVolume: number;
  readonly quoteVolume: bigint;
  readonly squareVolume: bigint;
  /** Trades as the tape counts them (aggregates, for Binance). */
  readonly count: number;
  /** Raw trades behind them: what the venue's candle counts. */
  readonly rawCount: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly firstTimeUs: number;
  readonly lastTimeUs: number;
  readonly bins: Float64Array;
  readonly binVolumes: Float64Array;
  readonly binBuyVolumes: Float64Array;
}

/** Contributions of distinct minutes, ascending, at one pair of scales and one bin size. */
export interface MinuteContributions extends GridOf {
  readonly minutes: readonly MinuteContribution[];
}

/** The grid that contributions lie on. */
export interface GridOf {
  readonly scales: Scales;
  /** Bin size in price units. */
  readonly binUnits: number;
}

/**
 * The same contributions at finer scales; `binUnits` grows with the price scale, so bin numbers stay.
 * Throws {@link InvariantError} when a price or a volume is then beyond 2^53 − 1 units.
 */
export function rescaleContributions(from: MinuteContributions, scales: Scales): MinuteContributions {
  if (sameScales(from.scales, scales)) return from;
  const p = pow10(scales.priceScale - from.scales.priceScale);
  const s = pow10(scales.sizeScale - from.scales.sizeScale);
  invariant(p >= 1 && s >= 1, "scales only grow");
  return {
    scales,
    binUnits: safe(from.binUnits * p),
    minutes: from.minutes.map((m) => ({
      ...m,
      bins: m.bins,
      open: m.open * p,
      high: safe(m.high * p),
      low: m.low * p,
      close: m.close * p,
      volume: safe(m.volume * s),
      buyVolume: m.buyVolume * s,
      quoteVolume: m.quoteVolume * BigInt(p) * BigInt(s),
      squareVolume: m.squareVolume * BigInt(p) ** 2n * BigInt(s),
      binVolumes: m.binVolumes.map((v) => v * s),
      binBuyVolumes: m.binBuyVolumes.map((v) => v * s),
    })),
  };
}

function safe(units: number): number {
  invariant(Number.isSafeInteger(units), `${units} is beyond 2^53 − 1 units`);
  return units;
}
