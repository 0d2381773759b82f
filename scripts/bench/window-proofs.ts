/**
 * What it costs to prove a window of which candles alone are known beside a fold of trades: windows of days of a made market of
 * some 400 bins a minute, every second day of which is loaded. Prints the whole proof, its longest step and what the levels
 * take once it is there, beside the fold of the same minutes from scratch, had they been loaded. A quiet machine is meant.
 *
 *   bun scripts/bench/window-proofs.ts [--days 14] [--wide]
 *
 * `--wide`: a market that goes 30 times as far. Exit: 0, or 1 where a step of a day is over 10 ms.
 */
import { parseArgs } from "node:util";
import {
  DEFAULT_SHARE,
  foldMinutes,
  foldWindow,
  type GridOf,
  MINUTES_PER_DAY,
  type MinuteContribution,
  msOfMinute,
  type SkeletonCandle,
  ToldProof,
  type ToldWindow,
  type TradeBatch,
  VALUE_AREA_METHODS,
  type ValueAreaMethod,
} from "../../src/core/mod.ts";
import { seededRandom } from "../../tests/support/mod.ts";
import { percentile } from "./percentile.ts";

const BUDGET_MS = 10;
const FIRST_MINUTE = 20_100 * MINUTES_PER_DAY;
const GRID: GridOf = { scales: { priceScale: 2, sizeScale: 5 }, binUnits: 20 };
const TRADES_OF_MINUTE = 150;
/** A price wanders within a minute by so many bins, and from one to the next by less. */
const MINUTE_BINS = 400;
const DRIFT_UNITS = 3_000;
const ROUNDS = 5;

const { values: options } = parseArgs({
  options: { days: { type: "string", default: "14" }, wide: { type: "boolean", default: false } },
});
const drift = options.wide ? 30 * DRIFT_UNITS : DRIFT_UNITS;
const random = seededRandom(3);
const column = (value: (i: number) => number) =>
  Float64Array.from({ length: TRADES_OF_MINUTE }, (_, i) => value(i));

function tradesOf(minute: number, centre: number): TradeBatch {
  const id = column((i) => minute * 1_000 + i);
  return {
    kind: "aggregate",
    scales: GRID.scales,
    length: TRADES_OF_MINUTE,
    id,
    timeUs: column((i) => msOfMinute(minute) * 1_000 + i * 300_000),
    price: column(() => Math.round(centre + (random() - 0.5) * MINUTE_BINS * GRID.binUnits)),
    size: column(() => 1 + Math.floor(random() * 200_000)),
    firstId: id,
    lastId: id,
    buy: Uint8Array.from({ length: TRADES_OF_MINUTE }, () => (random() < 0.5 ? 1 : 0)),
  };
}

interface Made {
  readonly contribution: MinuteContribution;
  readonly candle: SkeletonCandle;
}

function madeMinutes(days: number): Made[] {
  const made: Made[] = [];
  let centre = 6_700_000;
  for (let minute = FIRST_MINUTE; minute < FIRST_MINUTE + days * MINUTES_PER_DAY; minute++) {
    centre = Math.max(1_000_000, centre + (random() - 0.5) * drift);
    const batch = tradesOf(minute, centre);
    const [contribution] = foldMinutes(batch, GRID.binUnits).minutes;
    if (contribution === undefined) continue;
    let buyQuoteVolume = 0n;
    for (let i = 0; i < batch.length; i++)
      if (batch.buy[i]) buyQuoteVolume += BigInt(batch.price[i]!) * BigInt(batch.size[i]!);
    const { open, high, low, close, volume, quoteVolume, buyVolume, rawCount } = contribution;
    const candle = { minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount };
    made.push({ contribution, candle: { ...candle, buyQuoteVolume } });
  }
  return made;
}

/** Every second day by its candles, an only one by its candles alone. */
function toldOf(made: readonly Made[]): ToldWindow {
  const isLoaded = (minute: number) => Math.floor((minute - FIRST_MINUTE) / MINUTES_PER_DAY) % 2 === 1;
  return {
    fold: foldWindow(made.flatMap(({ contribution: of }) => (isLoaded(of.minute) ? [of] : []))),
    partial: [],
    candles: made.flatMap(({ candle }) => (isLoaded(candle.minute) ? [] : [candle])),
  };
}

const shown = (ms: number) => `${ms.toFixed(1)} ms`.padStart(10);
const all = madeMinutes(Number(options.days));
let worstOfDay = 0;
for (let i = 0; i < ROUNDS; i++) foldWindow(all.map(({ contribution }) => contribution));
console.log(
  `${"days, method, bins in one".padEnd(30)}${["rows", "proof", "step p99", "longest", "last step", "scratch", "ratio"].map((word) => word.padStart(11)).join("")}`,
);
for (const [days, coarser] of [
  [1, 1],
  [1, 10],
  [Number(options.days), 1],
  [Number(options.days), 10],
] as const) {
  const made = all.slice(0, days * MINUTES_PER_DAY);
  const told = toldOf(made);
  const scratchAt = performance.now();
  foldWindow(made.map(({ contribution }) => contribution));
  const scratch = performance.now() - scratchAt;
  for (const method of VALUE_AREA_METHODS) measure(told, { days, method, coarser, scratch });
}
if (worstOfDay > BUDGET_MS) console.error(`the longest step of a day takes ${worstOfDay.toFixed(1)} ms`);
process.exitCode = worstOfDay > BUDGET_MS ? 1 : 0;

function measure(
  told: ToldWindow,
  of: {
    readonly days: number;
    readonly method: ValueAreaMethod;
    readonly coarser: number;
    readonly scratch: number;
  },
): void {
  const { days, method, coarser, scratch } = of;
  const runs = Array.from({ length: ROUNDS }, () => {
    const proof = new ToldProof(told, { binUnits: GRID.binUnits, coarser, method, share: DEFAULT_SHARE });
    const steps: number[] = [];
    for (let left = true; left; ) {
      const startedAt = performance.now();
      left = proof.step();
      steps.push(performance.now() - startedAt);
    }
    const { high, low } = proof.sums;
    const rows = Math.ceil(((high ?? 0) - (low ?? 0)) / (GRID.binUnits * coarser));
    return { steps, rows, proven: proof.area(method, DEFAULT_SHARE) !== undefined };
  });
  const total = (steps: readonly number[]) => steps.reduce((sum, ms) => sum + ms, 0);
  // The best round: a noisy machine only adds.
  const best = runs.reduce((a, b) => (total(b.steps) < total(a.steps) ? b : a));
  if (days === 1) worstOfDay = Math.max(worstOfDay, Math.max(...best.steps));
  const ratio = total(best.steps) / scratch;
  console.log(
    `${`${days}, ${method}, ${coarser}${best.proven ? "" : " (no profile)"}`.padEnd(30)}${String(best.rows).padStart(11)} ${shown(total(best.steps))} ${shown(percentile(best.steps, 99))} ${shown(Math.max(...best.steps))} ${shown(best.steps.at(-1) ?? 0)} ${shown(scratch)} ${ratio.toFixed(1).padStart(10)}`,
  );
}
