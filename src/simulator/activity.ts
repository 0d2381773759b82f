import { MINUTES_PER_DAY } from "../core/mod.ts";
import { createPrng, mix, unitOf } from "./random.ts";

/**
 * How many trades a generated market has had up to any minute, without counting them.
 *
 * The count up to the start of a day is a straight line plus a bounded jitter of that day; inside a day it is the
 * day's count times the running sum of 1,440 weights: intraday shape × hour × minute × bursts, all hashed from the day.
 * Both ascend, so a position finds its minute by binary search, and any minute stands by itself.
 */
export interface Activity {
  /** Trades before the start of `minute` (minutes since the epoch, at or after the genesis). */
  before(minute: number): number;
  /** The minute that holds trade number `position`. */
  minuteOf(position: number): number;
}

/** 2015-01-01: the first day of every generated market. */
export const GENESIS_DAY = 16_436;

/** Days whose running sums are kept (12 kB each). */
const DAYS_KEPT = 32;
/** A day's start moves by at most this share of a day, so a day has between 0.9 and 1.1 times the mean. */
const DAY_JITTER = 0.05;
const BURST_PROBABILITY = 0.02;

/** UTC hours: quiet Asia night, the rise into London, the peak at New York's open, the fall after it. */
const HOUR_SHAPE = [
  1.0, 0.9, 0.8, 0.7, 0.65, 0.6, 0.65, 0.8, 1.0, 1.05, 1.0, 0.95, 1.1, 1.5, 1.9, 1.8, 1.5, 1.2, 1.1, 1.0,
  0.95, 0.9, 0.85, 0.9,
];

/** `seed` names the market; `tradesPerDay` its mean. */
export function createActivity(seed: number, tradesPerDay: number): Activity {
  const days = new Map<number, Float64Array>();
  const dayStart = (day: number): number =>
    day <= 0 ? 0 : Math.round(tradesPerDay * (day + DAY_JITTER * (2 * unitOf(seed, day) - 1)));

  const sumsOf = (day: number): Float64Array => {
    const found = days.get(day);
    if (found !== undefined) return found;
    const start = dayStart(day);
    const sums = runningSums(mix(seed, day ^ 0x5f0d), start, dayStart(day + 1) - start);
    if (days.size >= DAYS_KEPT) {
      const oldest = days.keys().next();
      if (oldest.done !== true) days.delete(oldest.value);
    }
    days.set(day, sums);
    return sums;
  };

  return {
    before(minute) {
      const day = Math.floor(minute / MINUTES_PER_DAY) - GENESIS_DAY;
      if (day < 0) return 0;
      return sumsOf(day)[minute - (day + GENESIS_DAY) * MINUTES_PER_DAY]!;
    },
    minuteOf(position) {
      let day = Math.max(0, Math.floor(position / tradesPerDay) - 1);
      while (dayStart(day + 1) <= position) day++;
      const sums = sumsOf(day);
      let low = 0;
      let high = MINUTES_PER_DAY - 1;
      while (low < high) {
        const mid = (low + high + 1) >>> 1;
        if (sums[mid]! <= position) low = mid;
        else high = mid - 1;
      }
      return (day + GENESIS_DAY) * MINUTES_PER_DAY + low;
    },
  };
}

function runningSums(seed: number, start: number, count: number): Float64Array {
  const prng = createPrng(seed);
  const weights = new Float64Array(MINUTES_PER_DAY);
  let total = 0;
  let hour = 1;
  let burst = 0;
  for (let m = 0; m < MINUTES_PER_DAY; m++) {
    if (m % 60 === 0) hour = HOUR_SHAPE[m / 60]! * (0.6 + 0.8 * prng.unit());
    // A burst starts at once and fades over some minutes, as news does.
    if (prng.unit() < BURST_PROBABILITY) burst = 1 + 5 * prng.unit() ** 2;
    burst *= 0.7;
    const weight = hour * (1 + burst) * Math.exp(0.9 * (prng.unit() + prng.unit() - 1));
    weights[m] = weight;
    total += weight;
  }
  const sums = new Float64Array(MINUTES_PER_DAY + 1);
  let running = 0;
  for (let m = 0; m < MINUTES_PER_DAY; m++) {
    sums[m] = start + Math.floor((count * running) / total);
    running += weights[m]!;
  }
  sums[MINUTES_PER_DAY] = start + count;
  return sums;
}

/** Raw trades behind the aggregates of a generated market: a repeating block of counts, so their sum is closed. */
export interface RawStride {
  /** Raw trades before aggregate number `position`. */
  before(position: number): number;
  /** Raw trades of aggregate number `position`; ≥ 1. */
  of(position: number): number;
}

const BLOCK_BITS = 10;
const BLOCK = 1 << BLOCK_BITS;
const RAW_MAX = 40;
/** Share of aggregates that stand for one raw trade. */
const RAW_SINGLE_SHARE = 0.9;

export function createRawStride(seed: number): RawStride {
  const prng = createPrng(mix(seed, 0x7a57));
  const counts = new Uint8Array(BLOCK);
  const sums = new Float64Array(BLOCK + 1);
  for (let i = 0; i < BLOCK; i++) {
    const u = prng.unit();
    counts[i] = u < RAW_SINGLE_SHARE ? 1 : Math.min(RAW_MAX, Math.ceil(1.2 / (1 - prng.unit() + 0.02)));
    sums[i + 1] = sums[i]! + counts[i]!;
  }
  return {
    before(position) {
      const block = Math.floor(position / BLOCK);
      return block * sums[BLOCK]! + sums[position - block * BLOCK]!;
    },
    of: (position) => counts[position % BLOCK]!,
  };
}
