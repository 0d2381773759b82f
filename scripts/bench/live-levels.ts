/**
 * What a live trade costs until a new level set is ready to be sent: a liquid day and the one before it in memory, trades of a
 * minute and some seconds taken in as the live stream does it, every 40 ms through the seam into the store, then the levels and
 * their wire form. Beside it the same levels by folding the day from scratch. A quiet machine is meant.
 *
 *   bun scripts/bench/live-levels.ts [--seconds 62]
 *
 * Exit: 0, or 1 where the levels differ from those from scratch, or a trade costs more than 20 µs on average, both by the clock and in
 * processor time.
 */
import { parseArgs } from "node:util";
import {
  dayRange,
  foldMinutes,
  foldWindow,
  type LevelSet,
  type MinuteContribution,
  type MinuteRange,
  minuteOfMs,
  msOfMinute,
  rescaleBatch,
  type TradeBatch,
  TradeBatchBuilder,
  utcSession,
  windowLevels,
} from "../../src/core/mod.ts";
import { LiveSeries } from "../../src/live/mod.ts";
import { levelSetToWire } from "../../src/protocol/mod.ts";
import { readLevels, SeriesStore } from "../../src/store/mod.ts";
import { seededRandom, wholeWindow } from "../../tests/support/mod.ts";
import { LIQUID_GRID, LIQUID_LOW, liquidDay } from "./liquid-day.ts";

const BUDGET_US = 20;
const RATES = [1_000, 10_000] as const;
/** As the live stream does. */
const FOLD_INTERVAL_MS = 40;
/** Live trades need this long to prove a minute whole. */
const SEAL_GRACE_MS = 4_000;
/** 2025-01-02. */
const DAY = 20_090;
/** The stream begins just before this minute; the minutes before it are history. */
const LIVE_MINUTE = dayRange(DAY).lo + 1_200;
const LEAD_MS = 1_000;
const SCRATCH_ROUNDS = 5;
/** A server has been running for longer than this. */
const WARM_UP_SECONDS = 20;
const STAGES = ["seam", "store", "levels", "wire"] as const;
type Stage = (typeof STAGES)[number];

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "62" } } });
const { scales, binUnits } = LIQUID_GRID;
const yesterday = liquidDay(DAY - 1);
const today = liquidDay(DAY).minutes.filter(({ minute }) => minute < LIVE_MINUTE);

/** The trades of the stream, a batch for every time the open minutes are folded. */
function* stream(
  rate: number,
  seconds: number,
): Generator<{ readonly batch: TradeBatch; readonly nowMs: number }> {
  const random = seededRandom(rate);
  const startMs = msOfMinute(LIVE_MINUTE) - LEAD_MS;
  const perBatch = (rate * FOLD_INTERVAL_MS) / 1_000;
  let id = 1_000_000_000;
  let ticks = LIQUID_LOW + 10_000 * binUnits;
  for (let ms = startMs; ms < startMs + seconds * 1_000; ms += FOLD_INTERVAL_MS) {
    const builder = new TradeBatchBuilder("aggregate", scales, perBatch);
    for (let i = 0; i < perBatch; i++) {
      ticks += Math.floor((random() - 0.5) * 60);
      builder.push({
        id: ++id,
        timeUs: ms * 1_000 + Math.floor((i * FOLD_INTERVAL_MS * 1_000) / perBatch),
        price: `${Math.floor(ticks / 100)}.${String(ticks % 100).padStart(2, "0")}`,
        size: (0.00001 + Math.floor(random() * random() * 50_000) / 100_000).toFixed(5),
        firstId: id,
        lastId: id,
        buy: random() < 0.5,
      });
    }
    yield { batch: builder.build(), nowMs: ms + FOLD_INTERVAL_MS };
  }
}

function dayInMemory(): SeriesStore {
  const instrument = { venue: "binance", market: "spot", symbol: "BTCUSDT", ...scales } as const;
  const series = new SeriesStore({
    seriesId: 1,
    instrument: { ...instrument, tickUnits: 1, lotUnits: 1 },
    binUnits,
  });
  series.commit(dayRange(DAY - 1), yesterday);
  // The first live minute began before the stream did: history brings it.
  series.commit({ lo: dayRange(DAY).lo, hi: LIVE_MINUTE }, { ...LIQUID_GRID, minutes: today });
  return series;
}

function levelsAt(series: SeriesStore, nowMs: number): LevelSet {
  return readLevels(series, {
    session: utcSession(DAY),
    method: "ranked",
    coarser: 1,
    asOfMs: nowMs,
    nowMinute: minuteOfMs(nowMs),
    expectedEnd: minuteOfMs(nowMs - SEAL_GRACE_MS),
  });
}

/** POC, VAH, VAL, VWAP and the volume of the day, for comparison. */
function essence({ levels, volume }: LevelSet): string {
  return [levels.POC, levels.VAH, levels.VAL, levels.VWAP, volume].map((each) => each?.units).join(" ");
}

function run(rate: number, seconds: number): boolean {
  const series = dayInMemory();
  const ignore = () => {};
  const live = new LiveSeries(series, "aggregate", {
    changed: ignore,
    late: ignore,
    broke: ignore,
    sealed: ignore,
    overflow: ignore,
  });
  live.seam.up(msOfMinute(LIVE_MINUTE) - LEAD_MS);
  live.followSeam();
  const took: Record<Stage, number> = { seam: 0, store: 0, levels: 0, wire: 0 };
  const timed = <T>(stage: Stage, work: () => T): T => {
    const startedAt = performance.now();
    const result = work();
    took[stage] += performance.now() - startedAt;
    return result;
  };
  const received = new TradeBatchBuilder("aggregate", scales);
  let set: LevelSet | undefined;
  let endMs = 0;
  let cpuUs = 0;
  for (const { batch, nowMs } of stream(rate, seconds)) {
    received.append(batch);
    const cpu = process.cpuUsage();
    timed("seam", () => live.trades(batch, nowMs));
    timed("store", () => {
      live.followSeam();
      live.foldOpen();
    });
    const derived = timed("levels", () => levelsAt(series, nowMs));
    timed("wire", () => JSON.stringify(levelSetToWire(derived, null)));
    const { user, system } = process.cpuUsage(cpu);
    cpuUs += user + system;
    set = derived;
    endMs = nowMs;
  }
  const trades = received.length;
  const perTrade = (ms: number) => (ms * 1_000) / trades;
  const total = STAGES.reduce((sum, stage) => sum + took[stage], 0);
  const liveMinutes: readonly MinuteContribution[] = foldMinutes(
    rescaleBatch(received.build(), scales),
    binUnits,
  ).minutes.filter(({ minute }) => minute >= LIVE_MINUTE);

  // From scratch: the day's minutes as they are, folded anew, and its levels alone.
  const scratchCpu = process.cpuUsage();
  let fold = foldWindow([]);
  for (let i = 0; i < SCRATCH_ROUNDS; i++) {
    fold = foldWindow([...today, ...liveMinutes]);
    windowLevels(wholeWindow(fold), LIQUID_GRID);
  }
  const { user: scratchUser, system: scratchSystem } = process.cpuUsage(scratchCpu);
  const scratchUs = (scratchUser + scratchSystem) / SCRATCH_ROUNDS;
  const range: MinuteRange = dayRange(DAY);
  const other = new SeriesStore({ seriesId: 2, instrument: series.instrument, binUnits });
  other.commit(dayRange(DAY - 1), yesterday);
  other.commit(range, { ...LIQUID_GRID, minutes: [...today, ...liveMinutes] });
  const same = set !== undefined && essence(set) === essence(levelsAt(other, endMs));
  const stages = STAGES.map((stage) => `${stage} ${perTrade(took[stage]).toFixed(2)}`).join(", ");
  const cpuPerTrade = cpuUs / trades;
  console.log(
    `${rate.toLocaleString("en").padStart(6)} trades/s: ${cpuPerTrade.toFixed(2)} µs of processor time a trade; by the clock ${perTrade(total).toFixed(2)} (${stages})`,
  );
  console.log(
    `${"".padStart(17)} the day from scratch, fold and levels: ${scratchUs.toFixed(0)} µs; ${same ? "the same levels" : "OTHER LEVELS"}`,
  );
  // Both hold more than the work: the one what else the machine does, the other the collector's and the compiler's threads.
  return same && Math.min(cpuPerTrade, perTrade(total)) <= BUDGET_US;
}

console.log("to warm up:");
run(RATES[0], WARM_UP_SECONDS);
console.log("");
const passed = RATES.map((rate) => run(rate, Number(options.seconds)));
process.exit(passed.every(Boolean) ? 0 : 1);
