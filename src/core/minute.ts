import { pow10 } from "./decimal.ts";
import { type Scales, sameScales } from "./instrument.ts";
import { invariant } from "./invariant.ts";
import { PriceMoments } from "./price-moments.ts";
import { minuteOfUs } from "./time-range.ts";
import type { TradeBatch } from "./trade.ts";

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
 * Folds trades into the contributions of their minutes. The batch is in id order; minutes come out ascending.
 * Throws {@link InvariantError} when a minute's volume is beyond 2^53 − 1 size units.
 */
export function foldMinutes(batch: TradeBatch, binUnits: number): MinuteContributions {
  const rowsOfMinute = new Map<number, number[]>();
  let last: number[] | undefined;
  let lastMinute = Number.NaN;
  for (let i = 0; i < batch.length; i++) {
    const minute = minuteOfUs(batch.timeUs[i]!);
    if (minute !== lastMinute || last === undefined) {
      last = rowsOfMinute.get(minute);
      if (last === undefined) {
        last = [];
        rowsOfMinute.set(minute, last);
      }
      lastMinute = minute;
    }
    last.push(i);
  }
  const minutes = [...rowsOfMinute]
    .sort(([a], [b]) => a - b)
    .map(([minute, rows]) => foldRows(batch, minute, rows, binUnits));
  return { scales: batch.scales, binUnits, minutes };
}

function foldRows(
  batch: TradeBatch,
  minute: number,
  rows: readonly number[],
  binUnits: number,
): MinuteContribution {
  const { price, size, buy } = batch;
  let high = 0;
  let low = Number.POSITIVE_INFINITY;
  let volume = 0;
  let buyVolume = 0;
  let rawCount = 0;
  let firstTimeUs = Number.POSITIVE_INFINITY;
  let lastTimeUs = 0;
  const moments = new PriceMoments(price[rows[0]!]!);
  const bins = new Map<number, [volume: number, buyVolume: number]>();
  for (const row of rows) {
    const p = price[row]!;
    const s = size[row]!;
    if (p > high) high = p;
    if (p < low) low = p;
    volume += s;
    const bought = buy[row] === 1 ? s : 0;
    buyVolume += bought;
    rawCount += batch.lastId[row]! - batch.firstId[row]! + 1;
    const time = batch.timeUs[row]!;
    if (time < firstTimeUs) firstTimeUs = time;
    if (time > lastTimeUs) lastTimeUs = time;
    moments.add(p, s);
    const bin = Math.floor(p / binUnits);
    const sums = bins.get(bin);
    if (sums === undefined) bins.set(bin, [s, bought]);
    else {
      sums[0] += s;
      sums[1] += bought;
    }
  }
  // Sizes are positive, so every partial sum is below the total: one check makes all of them exact.
  invariant(
    volume <= Number.MAX_SAFE_INTEGER,
    `minute ${minute}: volume ${volume} is beyond 2^53 − 1 size units`,
  );
  const sorted = [...bins].sort(([a], [b]) => a - b);
  const first = rows[0]!;
  const final = rows[rows.length - 1]!;
  return {
    minute,
    open: price[first]!,
    high,
    low,
    close: price[final]!,
    volume,
    buyVolume,
    ...moments.sums(volume),
    count: rows.length,
    rawCount,
    firstId: batch.id[first]!,
    lastId: batch.id[final]!,
    firstTimeUs,
    lastTimeUs,
    bins: Float64Array.from(sorted, ([bin]) => bin),
    binVolumes: Float64Array.from(sorted, ([, [v]]) => v),
    binBuyVolumes: Float64Array.from(sorted, ([, [, v]]) => v),
  };
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
