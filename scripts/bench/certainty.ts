/**
 * What certainty costs: a day of the simulated market that trades like BTCUSDT, or a made one that is far wider (1,440 minutes,
 * some 16,000 bins, 570 bins a minute), that is known by its candles, then committed in chunks of 10 minutes, the newest first. Prints the time of a commit with all levels derived after it, beside
 * the time of folding the same minutes from scratch; the longest piece of making the proof ready; what live trades cost on
 * top; and the memory of the day.
 *
 *   bun scripts/bench/certainty.ts [--wide] [--trades 1200] [--days 6]
 *
 * `--wide`: the made day, with so many `--trades` in a minute. The day is played `--days` times into stores of their own: the first is that of a process
 * that has just begun, whose code is not compiled yet; the last is that of a server. Exit: 0, or 1 where a claim was not borne out, or the last day's median of
 * a commit is over 2 ms.
 */
import { parseArgs } from "node:util";
import {
  deriveLevels,
  foldMinutes,
  foldSums,
  foldWindow,
  formatDecimal,
  LEVEL_NAMES,
  type LevelSet,
  type MinuteContribution,
  type MinuteRange,
  msOfMinute,
  type SkeletonCandle,
  type TradeBatch,
  utcSession,
} from "../../src/core/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { prepareLevels, readLevels, SeriesStore } from "../../src/store/mod.ts";
import { seededRandom } from "../../tests/support/mod.ts";
import { percentile } from "./percentile.ts";

const BUDGET_MS = 2;
const SCALES = { priceScale: 2, sizeScale: 5 };
/** Of 0.01: bins of 0.2 at a price of 67,000. */
const BIN_UNITS = 20;
const CHUNK_MINUTES = 10;
const SESSION = utcSession(20_100);
const { range: DAY } = SESSION;
/** A price wanders within a minute by so many bins, and over the day by some thousands. */
const MINUTE_BINS = 700;

const { values: options } = parseArgs({
  options: {
    wide: { type: "boolean", default: false },
    trades: { type: "string", default: "1200" },
    days: { type: "string", default: "6" },
  },
});
const tradesAMinute = Number(options.trades);

function batchOf(minute: number, random: () => number, centre: number): TradeBatch {
  const column = (value: (i: number) => number) =>
    Float64Array.from({ length: tradesAMinute }, (_, i) => value(i));
  const id = column((i) => minute * 10_000 + i);
  return {
    kind: "aggregate",
    scales: SCALES,
    length: tradesAMinute,
    id,
    timeUs: column((i) => msOfMinute(minute) * 1_000 + Math.floor((i * 60_000_000) / tradesAMinute)),
    price: column(() => {
      const off = (random() + random() + random() - 1.5) * MINUTE_BINS * BIN_UNITS;
      return Math.round(centre + off / 2);
    }),
    size: column(() => 1 + Math.floor(random() * 200_000)),
    firstId: id,
    lastId: id,
    buy: Uint8Array.from({ length: tradesAMinute }, () => (random() < 0.5 ? 1 : 0)),
  };
}

const market = createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.liquid });
const random = seededRandom(1);
const contributions: MinuteContribution[] = [];
const candles: SkeletonCandle[] = [];
let centre = 6_700_000;
for (let minute = DAY.lo; minute < DAY.hi; minute++) {
  centre += (random() - 0.5) * 21_000;
  const batch = options.wide ? batchOf(minute, random, centre) : market.tradesOf(minute);
  const [folded] = foldMinutes(batch, BIN_UNITS).minutes;
  if (folded === undefined) continue;
  contributions.push(folded);
  let buyQuoteVolume = 0n;
  for (let i = 0; i < batch.length; i++)
    if (batch.buy[i] === 1) buyQuoteVolume += BigInt(batch.price[i]!) * BigInt(batch.size[i]!);
  candles.push({ ...folded, buyQuoteVolume });
}
const within = ({ lo, hi }: MinuteRange) => contributions.slice(lo - DAY.lo, hi - DAY.lo);

const identity = {
  seriesId: 1,
  instrument: { venue: "made", market: "spot", symbol: "BTCUSDT", ...SCALES, tickUnits: 1, lotUnits: 1 },
  binUnits: BIN_UNITS,
};
const question = {
  session: SESSION,
  asOfMs: 0,
  method: "ranked" as const,
  coarser: 1,
  nowMinute: DAY.hi + 5,
  expectedEnd: DAY.hi + 5,
};
const commit = (store: SeriesStore, range: MinuteRange) =>
  store.commit(range, { scales: SCALES, binUnits: BIN_UNITS, minutes: within(range) });

function timed<T>(into: number[], run: () => T): T {
  const startedAt = performance.now();
  const result = run();
  into.push(performance.now() - startedAt);
  return result;
}

function said(name: string, ms: readonly number[], more = ""): void {
  const at = (percent: number) => percentile(ms, percent).toFixed(2).padStart(7);
  console.log(`${name.padEnd(46)} ${at(50)} ${at(99)} ${at(100)}  ${more}`);
}

function claimsHold(set: LevelSet, complete: LevelSet): boolean {
  return LEVEL_NAMES.every((name) => {
    const certainty = set.certainty[name];
    const [value, final] = [set.levels[name], complete.levels[name]];
    if (certainty === "exact" || certainty === "certain")
      return (value && formatDecimal(value)) === (final && formatDecimal(final));
    const bounds = set.bounds[name];
    return (
      bounds === undefined ||
      (final !== null && bounds[0].units <= final.units && final.units <= bounds[1].units)
    );
  });
}

interface Played {
  readonly pieces: readonly number[];
  readonly steps: Readonly<Record<"candles" | "sums" | "commit" | "levels" | "both" | "scratch", number[]>>;
  readonly wrong: number;
  /** Share of the day's minutes that made the POC certain. */
  readonly certainAt: number | undefined;
  readonly final: LevelSet;
  /** Of the day, with its contributions shared. */
  readonly heapBytes: number;
}

/** The day by its candles, then its commits, each with all levels after it. */
async function play(): Promise<Played> {
  Bun.gc(true);
  const heapBefore = process.memoryUsage().heapUsed;
  const store = new SeriesStore(identity);
  const pieces: number[] = [];
  const steps: Record<"candles" | "sums" | "commit" | "levels" | "both" | "scratch", number[]> = {
    ...{ candles: [], sums: [], commit: [], levels: [], both: [], scratch: [] },
  };
  timed(steps.candles, () => store.putCandles(DAY, { scales: SCALES, candles, quoteDigits: 8 }));
  timed(steps.sums, () => readLevels(store, question));
  await prepareLevels(store, question, async (piece) => timed(pieces, piece));

  const complete = new SeriesStore(identity);
  commit(complete, DAY);
  const final = readLevels(complete, question);

  let wrong = 0;
  let certainAt: number | undefined;
  const chunks = DAY.hi - DAY.lo;
  for (let hi = DAY.hi; hi > DAY.lo; hi -= CHUNK_MINUTES) {
    const range = { lo: hi - CHUNK_MINUTES, hi };
    const startedAt = performance.now();
    timed(steps.commit, () => commit(store, range));
    const set = timed(steps.levels, () => readLevels(store, question));
    steps.both.push(performance.now() - startedAt);
    if (!claimsHold(set, final)) wrong++;
    if (set.certainty.POC === "certain") certainAt ??= (DAY.hi - range.lo) / chunks;
    if (hi % 100 !== 0) continue;
    const known = within({ lo: range.lo, hi: DAY.hi });
    const window = { coverage: set.coverage, whole: true };
    timed(steps.scratch, () => {
      const fold = foldWindow(known);
      const empty = foldSums([]);
      return deriveLevels({
        ...{ symbol: "", session: SESSION, asOfMs: 0, nowMinute: question.nowMinute, revision: 1 },
        ...{ scales: SCALES, binUnits: BIN_UNITS },
        current: { fold, ...window },
        previous: { fold: foldWindow([]), ...window },
        openingRange: { fold: empty, ...window },
        initialBalance: { fold: empty, ...window },
      });
    });
  }
  Bun.gc(true);
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  return { pieces, steps, wrong, certainAt, final, heapBytes };
}

const first = await play();
let last = first;
let wrong = first.wrong;
for (let day = 1; day < Number(options.days); day++) {
  last = await play();
  wrong += last.wrong;
}
const { pieces, steps, certainAt, final, heapBytes } = last;
const bins =
  final.levels.HIGH && final.levels.LOW
    ? Number(final.levels.HIGH.units - final.levels.LOW.units) / BIN_UNITS
    : 0;
console.log(
  `${Math.round(bins)} bins, ${(contributions.reduce((sum, m) => sum + m.bins.length, 0) / contributions.length).toFixed(0)} a minute; ms: median, 99 %, most`,
);
said("a day of candles into the store", steps.candles);
said("levels out of candles alone, proof not ready", steps.sums);
said("a piece of making the proof ready", pieces, `${pieces.length} pieces`);
said("commit of 10 minutes", steps.commit);
said("all levels after it", steps.levels);
said("both", steps.both);
said("both, in a process that has just begun", first.steps.both);
said("from scratch: fold and derive", steps.scratch);
console.log(
  `POC certain at ${certainAt === undefined ? "the end" : `${(certainAt * 100).toFixed(0)} % of the day, newest first`}; ${wrong} false claims; heap ${(heapBytes / 1e6).toFixed(1)} MB with the day's contributions shared`,
);
process.exitCode = wrong > 0 || percentile(steps.both, 50) > BUDGET_MS ? 1 : 0;
