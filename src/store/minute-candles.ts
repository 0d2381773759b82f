import {
  invariant,
  type MinuteRange,
  pow10,
  rangeLength,
  type Scales,
  type SkeletonCandle,
} from "../core/mod.ts";

/** Candles of distinct minutes, each closed and final, at one pair of scales. */
export interface MinuteCandles {
  readonly scales: Scales;
  readonly candles: readonly SkeletonCandle[];
  /**
   * Digits after the point that the venue writes quote volumes with (Binance 8); `Infinity` where it rounds none. Where
   * price and size together need more digits, its quote volumes are rounded ones: they prove nothing and are left out.
   */
  readonly quoteDigits: number;
}

/** What is told of a minute: its candle, null where it had no trades. */
export type ToldMinute = SkeletonCandle | null;

/** What a venue's candles tell of one UTC day; undefined where nobody told. About 0.3 MB. */
export class DayCandles {
  readonly range: MinuteRange;
  readonly #minutes: (ToldMinute | undefined)[];

  constructor(range: MinuteRange) {
    this.range = range;
    this.#minutes = new Array(rangeLength(range)).fill(undefined);
  }

  put(minute: number, told: ToldMinute): void {
    this.#minutes[minute - this.range.lo] = told;
  }

  at(minute: number): ToldMinute | undefined {
    return this.#minutes[minute - this.range.lo];
  }

  /** Puts something else in the place of every candle. */
  map(change: (candle: SkeletonCandle) => SkeletonCandle): void {
    for (let i = 0; i < this.#minutes.length; i++) {
      const told = this.#minutes[i];
      if (told) this.#minutes[i] = change(told);
    }
  }
}

/**
 * A candle at finer scales, without quote volumes when these are not exact.
 *
 * @throws InvariantError when a price or a volume is then beyond 2^53 − 1 units.
 */
export function finerCandle(
  candle: SkeletonCandle,
  from: Scales,
  to: Scales,
  exactQuotes: boolean,
): SkeletonCandle {
  const price = pow10(to.priceScale - from.priceScale);
  const size = pow10(to.sizeScale - from.sizeScale);
  const { minute, open, high, low, close, volume, buyVolume, rawCount } = candle;
  const wide = BigInt(price) * BigInt(size);
  const quote = (sum: bigint | undefined) => (exactQuotes && sum !== undefined ? sum * wide : undefined);
  return {
    minute,
    open: safe(open * price),
    high: safe(high * price),
    low: safe(low * price),
    close: safe(close * price),
    volume: safe(volume * size),
    quoteVolume: quote(candle.quoteVolume),
    buyVolume: buyVolume === undefined ? undefined : safe(buyVolume * size),
    buyQuoteVolume: quote(candle.buyQuoteVolume),
    rawCount,
  };
}

function safe(units: number): number {
  invariant(Number.isSafeInteger(units), `a candle's ${units} is beyond 2^53 − 1 units`);
  return units;
}
