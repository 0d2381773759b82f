import { MS_PER_MINUTE, type TradeBatch, US_PER_MS } from "../core/mod.ts";
import type { RawStride } from "./activity.ts";
import type { MarketPreset } from "./presets.ts";
import { createPrng } from "./random.ts";

/** Where a minute stands in the whole tape. */
export interface MinutePlan {
  readonly minute: number;
  /** Position (and id) of its first trade. */
  readonly firstPosition: number;
  readonly count: number;
  readonly seed: number;
  /** Mid price at its start and end, ticks, fractional. */
  readonly openTicks: number;
  readonly closeTicks: number;
  /** Size of the walk between the two, ticks. */
  readonly walkTicks: number;
}

const SIZE_TABLE_BITS = 12;
const SIZE_TABLE = 1 << SIZE_TABLE_BITS;
/** Share of sizes that a person typed: round numbers. */
const ROUND_SHARE = 0.15;
/** A trade follows within the same millisecond, as one order sweeps the book. */
const SAME_MS_PROBABILITY = 0.45;
const SAME_SIDE_PROBABILITY = 0.78;
/** Largest size in medians: the tail is cut there. */
const SIZE_TAIL_MAX = 4_000;

/**
 * Quantiles of the trade size, drawn from by index: log-normal body, Pareto tail, round numbers. A table costs one
 * look-up a trade where the formula costs four transcendental functions.
 */
export function sizeTable(seed: number, preset: MarketPreset): Float64Array {
  const prng = createPrng(seed);
  const { medianSizeUnits: median, lotUnits: lot } = preset;
  return Float64Array.from({ length: SIZE_TABLE }, () => {
    const normal = prng.unit() + prng.unit() + prng.unit() + prng.unit() - 2;
    const tail = prng.unit() < 0.04 ? (1 - prng.unit()) ** (-1 / 1.3) * 6 : 1;
    const units = median * Math.min(SIZE_TAIL_MAX, Math.exp(normal * 2.2) * tail);
    const round = 10 ** Math.round(Math.log10(units)) * (prng.unit() < 0.4 ? 5 : 1);
    const drawn = prng.unit() < ROUND_SHARE ? round : units;
    return Math.max(lot, Math.round(drawn / lot) * lot);
  });
}

/** All trades of a minute: a function of the plan, the preset and the tables alone. */
export function generateMinute(
  plan: MinutePlan,
  preset: MarketPreset,
  raw: RawStride,
  sizes: Float64Array,
): TradeBatch {
  const { count } = plan;
  const prng = createPrng(plan.seed);
  const id = new Float64Array(count);
  const timeUs = new Float64Array(count);
  const price = new Float64Array(count);
  const size = new Float64Array(count);
  const firstId = new Float64Array(count);
  const lastId = new Float64Array(count);
  const buy = new Uint8Array(count);

  // First pass: gaps between the trades, and a walk; both are scaled in the second, when their ends are known.
  let clock = 0;
  let walk = 0;
  for (let i = 0; i < count; i++) {
    const u = prng.unit();
    if (i === 0 || u >= SAME_MS_PROBABILITY) clock -= Math.log(1 - prng.unit() * 0.9999);
    walk += prng.unit() + prng.unit() - 1;
    timeUs[i] = clock;
    price[i] = walk;
  }
  const startMs = plan.minute * MS_PER_MINUTE;
  const clockEnd = clock - Math.log(1 - prng.unit() * 0.9999);
  const steps = Math.max(1, count);
  const step = plan.walkTicks / Math.sqrt(steps);

  let rawId = raw.before(plan.firstPosition);
  let side = prng.unit() < 0.5 ? 1 : 0;
  let lastMs = -1;
  let sweep = 0;
  for (let i = 0; i < count; i++) {
    const position = plan.firstPosition + i;
    const done = (i + 1) / steps;
    const mid = plan.openTicks + (plan.closeTicks - plan.openTicks) * done + step * (price[i]! - walk * done);
    const ms = startMs + Math.min(MS_PER_MINUTE - 1, Math.floor((timeUs[i]! / clockEnd) * MS_PER_MINUTE));
    const bits = prng.next();
    if (ms === lastMs) {
      // The rest of a sweep stays on its side and eats into the book by a tick now and then.
      if ((bits & 3) === 0) sweep++;
    } else {
      sweep = 0;
      if ((bits & 0xff) >= SAME_SIDE_PROBABILITY * 256) side ^= 1;
    }
    lastMs = ms;
    const bid = Math.floor(mid - preset.spreadTicks / 2);
    const ticks = side === 1 ? bid + preset.spreadTicks + sweep : bid - sweep;
    const n = raw.of(position);
    id[i] = position;
    timeUs[i] = ms * US_PER_MS;
    price[i] = Math.max(1, ticks) * preset.tickUnits;
    // An aggregate of n raw trades holds n lots at least, so that it can be shown as n trades.
    size[i] = Math.max(n * preset.lotUnits, sizes[(bits >>> 8) & (SIZE_TABLE - 1)]!);
    firstId[i] = rawId;
    lastId[i] = rawId + n - 1;
    rawId += n;
    buy[i] = side;
  }
  return {
    kind: "aggregate",
    scales: preset.scales,
    length: count,
    id,
    timeUs,
    price,
    size,
    firstId,
    lastId,
    buy,
  };
}
