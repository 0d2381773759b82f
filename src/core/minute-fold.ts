import { invariant } from "./invariant.ts";
import type { MinuteContribution, MinuteContributions } from "./minute.ts";
import { PriceMoments } from "./price-moments.ts";
import { minuteOfUs } from "./time-range.ts";
import type { TradeBatch } from "./trade.ts";

/** Folds the trades of one minute as they come; what they contribute can be asked for in between. */
export class MinuteFold {
  readonly #minute: number;
  readonly #binUnits: number;
  readonly #bins = new Map<number, [volume: number, buyVolume: number]>();
  #moments: PriceMoments | undefined;
  #open = 0;
  #high = 0;
  #low = Number.POSITIVE_INFINITY;
  #close = 0;
  #volume = 0;
  #buyVolume = 0;
  #count = 0;
  #rawCount = 0;
  #firstId = 0;
  #lastId = 0;
  #firstTimeUs = Number.POSITIVE_INFINITY;
  #lastTimeUs = 0;

  /** `minute` since the epoch, `binUnits` price units; every trade that comes is of this minute and at one pair of scales. */
  constructor(minute: number, binUnits: number) {
    this.#minute = minute;
    this.#binUnits = binUnits;
  }

  /**
   * Adds rows of a batch; their ids are above those that came before. Throws {@link InvariantError} when the minute's
   * volume is beyond 2^53 − 1 size units.
   */
  add(batch: TradeBatch, rows: readonly number[]): void {
    if (rows.length === 0) return;
    const { price, size, buy } = batch;
    const binUnits = this.#binUnits;
    const bins = this.#bins;
    const first = rows[0]!;
    const final = rows[rows.length - 1]!;
    if (this.#moments === undefined) {
      this.#open = price[first]!;
      this.#firstId = batch.id[first]!;
      this.#moments = new PriceMoments(this.#open);
    }
    const moments = this.#moments;
    let high = this.#high;
    let low = this.#low;
    let volume = this.#volume;
    let buyVolume = this.#buyVolume;
    let rawCount = this.#rawCount;
    let firstTimeUs = this.#firstTimeUs;
    let lastTimeUs = this.#lastTimeUs;
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
    if (volume > Number.MAX_SAFE_INTEGER)
      invariant(false, `minute ${this.#minute}: volume ${volume} is beyond 2^53 − 1 size units`);
    this.#high = high;
    this.#low = low;
    this.#close = price[final]!;
    this.#volume = volume;
    this.#buyVolume = buyVolume;
    this.#count += rows.length;
    this.#rawCount = rawCount;
    this.#lastId = batch.id[final]!;
    this.#firstTimeUs = firstTimeUs;
    this.#lastTimeUs = lastTimeUs;
  }

  /** What the trades so far contribute; later ones leave it as it is. There must be one. */
  contribution(): MinuteContribution {
    const moments = this.#moments;
    invariant(moments !== undefined, `minute ${this.#minute} has no trades: it contributes nothing`);
    const bins = Float64Array.from(this.#bins.keys()).sort();
    const binVolumes = new Float64Array(bins.length);
    const binBuyVolumes = new Float64Array(bins.length);
    for (let i = 0; i < bins.length; i++) {
      const [volume, buyVolume] = this.#bins.get(bins[i]!)!;
      binVolumes[i] = volume;
      binBuyVolumes[i] = buyVolume;
    }
    return {
      minute: this.#minute,
      open: this.#open,
      high: this.#high,
      low: this.#low,
      close: this.#close,
      volume: this.#volume,
      buyVolume: this.#buyVolume,
      ...moments.sums(this.#volume),
      count: this.#count,
      rawCount: this.#rawCount,
      firstId: this.#firstId,
      lastId: this.#lastId,
      firstTimeUs: this.#firstTimeUs,
      lastTimeUs: this.#lastTimeUs,
      bins,
      binVolumes,
      binBuyVolumes,
    };
  }
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
    .map(([minute, rows]) => {
      const fold = new MinuteFold(minute, binUnits);
      fold.add(batch, rows);
      return fold.contribution();
    });
  return { scales: batch.scales, binUnits, minutes };
}
