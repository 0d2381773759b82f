import fc from "fast-check";
import {
  foldMinutes,
  type MinuteContribution,
  type MinuteContributions,
  type MinuteRange,
  msOfMinute,
  type Session,
  type SkeletonCandle,
} from "../../src/core/mod.ts";
import type { MinuteCandles } from "../../src/store/mod.ts";
import { batchOfTrades, type MadeTrade, SCALES, seededRandom } from "../support/trades.ts";
import { BIN_UNITS } from "./minute-model.ts";

export const GRID = { scales: SCALES, binUnits: BIN_UNITS };

/** A window with one before it, both short, so that a test can go through many of them. */
export function shortSession(lo: number, minutes = 90): Session {
  return {
    name: "short",
    range: { lo, hi: lo + minutes },
    previous: { lo: lo - 40, hi: lo },
    openingRange: { lo: lo + 20, hi: lo + 30 },
    initialBalance: { lo, hi: lo + 15 },
  };
}

/** What candles may tell beside prices and volume. */
export interface CandleTells {
  readonly sides: boolean;
  readonly quote: boolean;
}
export const EVERYTHING: CandleTells = { sides: true, quote: true };

/** Trades of minutes, and what a store and a venue make of them. */
export class MarketDay {
  readonly trades = new Map<number, readonly MadeTrade[]>();

  /** Contributions of a range, of each minute its first trades only where `upTo` says so. */
  contributions(
    { lo, hi }: MinuteRange,
    upTo = (_minute: number) => Number.POSITIVE_INFINITY,
  ): MinuteContributions {
    const all: MadeTrade[] = [];
    for (let minute = lo; minute < hi; minute++)
      all.push(...(this.trades.get(minute) ?? []).slice(0, upTo(minute)));
    return foldMinutes(batchOfTrades(all), BIN_UNITS);
  }

  candles({ lo, hi }: MinuteRange, tells: CandleTells): MinuteCandles {
    const candles: SkeletonCandle[] = [];
    for (let minute = lo; minute < hi; minute++) {
      const [contribution] = this.contributions({ lo: minute, hi: minute + 1 }).minutes;
      if (contribution !== undefined) candles.push(this.#candle(contribution, tells));
    }
    return { scales: SCALES, candles, quoteDigits: Number.POSITIVE_INFINITY };
  }

  #candle(of: MinuteContribution, { sides, quote }: CandleTells): SkeletonCandle {
    const { minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount } = of;
    let buyQuoteVolume = 0n;
    for (const { buy, price, size } of this.trades.get(minute) ?? [])
      if (buy) buyQuoteVolume += BigInt(price) * BigInt(size);
    return {
      ...{ minute, open, high, low, close, volume, rawCount },
      ...(quote && { quoteVolume }),
      ...(sides && { buyVolume }),
      ...(sides && quote && { buyQuoteVolume }),
    };
  }
}

export const SHAPES = ["trend", "flat", "huge print", "two peaks", "one price", "gaps"] as const;
export type Shape = (typeof SHAPES)[number];

/** What a day is made of, what its candles tell, and whether all of them come before any commit. */
export const madeDays = fc.record({
  seed: fc.nat(),
  shape: fc.constantFrom(...SHAPES),
  sides: fc.boolean(),
  quote: fc.boolean(),
  early: fc.boolean(),
});

/** Ranges of some minutes each that make up `ranges`, in any order. */
export function chunksOf(ranges: readonly MinuteRange[], random: () => number): MinuteRange[] {
  const chunks: [order: number, range: MinuteRange][] = [];
  for (const { lo, hi } of ranges)
    for (let from = lo; from < hi; ) {
      const to = Math.min(hi, from + 1 + Math.floor(random() * 14));
      chunks.push([random(), { lo: from, hi: to }]);
      from = to;
    }
  return chunks.sort(([a], [b]) => a - b).map(([, range]) => range);
}

/** A made day of some shape; prices around 100.00. */
export function madeDay(seed: number, shape: Shape, { lo, hi }: MinuteRange): MarketDay {
  const random = seededRandom(seed);
  const day = new MarketDay();
  const huge = lo + Math.floor(random() * (hi - lo));
  let price = 10_000;
  let id = 1;
  for (let minute = lo; minute < hi; minute++) {
    const count = shape === "gaps" && random() < 0.5 ? 0 : Math.floor(random() * 7);
    const made: MadeTrade[] = [];
    const wide = shape === "flat" ? 6 : 25;
    for (let i = 0; i < count; i++) {
      const step = Math.floor(random() * wide) - Math.floor(wide / 2);
      if (shape !== "one price" || i === 0) price = Math.max(5, price + step + (shape === "trend" ? 3 : 0));
      if (shape === "two peaks" && random() < 0.6) price = random() < 0.5 ? 9_950 : 10_050;
      if (shape === "flat") price = 10_000 + step;
      const size =
        shape === "two peaks"
          ? 10
          : shape === "huge print" && minute === huge
            ? 40_000
            : 1 + Math.floor(random() * 90);
      made.push({
        id: id++,
        timeMs: msOfMinute(minute) + Math.floor((i * 60_000) / count),
        price,
        size,
        buy: random() < 0.5,
      });
    }
    day.trades.set(minute, made);
  }
  return day;
}
