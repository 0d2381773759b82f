import { type CertifyDay, certifyDay } from "../../../scripts/bench/certify-day.ts";
import { type CertifyGrid, type MinuteRange, US_PER_MINUTE } from "../../../src/core/mod.ts";
import { batchOf, type PlainTrade } from "../trades.ts";

/** Shapes of days: what they are good at going wrong with. */
export const SHAPES = [
  "trending",
  "flat",
  "one huge print",
  "two equal peaks",
  "single-price minutes",
  "gaps",
  "few trades",
  "one price",
] as const;
export type Shape = (typeof SHAPES)[number];

/** The first minute of every made day. */
export const FIRST_MINUTE = 1_000;
const BASE_PRICE = 1_000;

export interface MadeDay extends CertifyDay {
  readonly range: MinuteRange;
}

export interface MadeDayOptions {
  readonly random: () => number;
  readonly minutes: number;
  readonly grid?: CertifyGrid;
  /** The candles tell what was bought. Default true. */
  readonly sided?: boolean;
}

/** A day of a shape; the same random numbers make the same day. */
export function madeDay(
  shape: Shape,
  { random, minutes, grid = { binUnits: 4 }, sided = true }: MadeDayOptions,
): MadeDay {
  const day = certifyDay(batchOf(tradesOf(shape, random, minutes)), grid, { sided });
  return { ...day, range: { lo: FIRST_MINUTE, hi: FIRST_MINUTE + minutes } };
}

function tradesOf(shape: Shape, random: () => number, minutes: number): PlainTrade[] {
  const upTo = (max: number) => Math.floor(random() * max);
  const trades: PlainTrade[] = [];
  const add = (minute: number, price: number, size: number) =>
    trades.push({
      id: trades.length + 1,
      timeUs: (FIRST_MINUTE + minute) * US_PER_MINUTE + Math.min(trades.length, US_PER_MINUTE - 1),
      price,
      size,
      raw: 1,
      buy: random() < 0.5,
    });
  let price = BASE_PRICE;
  for (let minute = 0; minute < minutes; minute++) {
    if (shape === "gaps" && random() < 0.6) continue;
    const count = shape === "few trades" ? upTo(4) : 2 + upTo(9);
    for (let n = 0; n < count; n++) {
      const step = upTo(7) - 3;
      switch (shape) {
        case "trending":
          price += step + 1;
          break;
        case "two equal peaks":
          price = BASE_PRICE + (random() < 0.5 ? 0 : 12) + (random() < 0.2 ? step : 0);
          break;
        case "single-price minutes":
          if (n === 0) price += step;
          break;
        case "one price":
          break;
        case "flat":
          price = BASE_PRICE + step;
          break;
        default:
          price += step;
      }
      add(minute, Math.max(1, price), shape === "two equal peaks" ? 10 : 1 + upTo(20));
    }
    if (shape === "one huge print" && minute === Math.floor(minutes / 3)) add(minute, price, 3_000);
  }
  // No day is without a trade, and the equal peaks are equal.
  if (trades.length === 0) add(0, price, 1);
  if (shape === "two equal peaks") level(trades, add, minutes);
  return trades;
}

function level(
  trades: readonly PlainTrade[],
  add: (minute: number, price: number, size: number) => void,
  minutes: number,
): void {
  const volumeAt = (price: number) => trades.reduce((sum, t) => sum + (t.price === price ? t.size : 0), 0);
  const ahead = volumeAt(BASE_PRICE) - volumeAt(BASE_PRICE + 12);
  if (ahead !== 0) add(minutes - 1, ahead > 0 ? BASE_PRICE + 12 : BASE_PRICE, Math.abs(ahead));
}
