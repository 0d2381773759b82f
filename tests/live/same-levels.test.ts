import { expect, test } from "bun:test";
import fc from "fast-check";
import { dayOfMinute, dayRange, foldMinutes, utcSession, VALUE_AREA_METHODS } from "../../src/core/mod.ts";
import { levelSetToWire } from "../../src/protocol/mod.ts";
import { readLevels, SeriesStore } from "../../src/store/mod.ts";
import { batchOfTrades, type MadeTrade, madeTrades } from "../support/trades.ts";
import { withTape } from "../tape/support.ts";
import { FIRST_MINUTE, LiveBench, START_MS } from "./fakes.ts";

const MINUTES = 6;
const DAY = dayOfMinute(FIRST_MINUTE);
/** Trades arrive in frames of this length. */
const FRAME_MS = 1_700;

test("readLevels(), live, after a restart and by replay are the same, bit for bit", async () => {
  await withTape(async (tape) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), async (seed, chunkMinutes) => {
        const trades = madeTrades(seed, {
          count: 120,
          fromMs: START_MS,
          toMs: START_MS + MINUTES * 60_000,
        });
        const bench = new LiveBench();
        await live(bench, trades);
        const range = { lo: FIRST_MINUTE, hi: FIRST_MINUTE + MINUTES };
        // The stream joined within the first minute, so that one is backfilled.
        const first = { lo: range.lo, hi: range.lo + 1 };
        const { instrument, grid } = bench.series;
        const joined = batchOfTrades(trades.filter((trade) => minuteOf(trade) === first.lo));
        bench.series.commit(first, foldMinutes(joined, grid.binUnits));
        expect(bench.series.covered.covers(range)).toBe(true);

        const restarted = empty(bench.series);
        restarted.resetCommitted(bench.series.covered.ranges);
        const files = await tape.write({ series: instrument, batch: joined, range: first, origin: "rest" });
        for (const { batch, range: own } of bench.written)
          files.push(...(await tape.write({ series: instrument, batch, range: own, origin: "ws" })));
        restarted.beginLoad(DAY);
        restarted.endLoad(DAY, await tape.contributions(files, { ranges: [dayRange(DAY)], ...grid }));

        const replayed = empty(bench.series);
        const chunks = Map.groupBy(trades, (trade) =>
          Math.floor((minuteOf(trade) - range.lo) / chunkMinutes),
        );
        for (let chunk = 0; chunk * chunkMinutes < MINUTES; chunk++) {
          const lo = range.lo + chunk * chunkMinutes;
          const own = { lo, hi: Math.min(range.hi, lo + chunkMinutes) };
          replayed.commit(own, foldMinutes(batchOfTrades(chunks.get(chunk) ?? []), grid.binUnits));
        }
        // What the stream sealed after the last trade holds none.
        for (const own of bench.series.covered.subtract(range).ranges)
          replayed.commit(own, { ...grid, minutes: [] });

        for (const method of VALUE_AREA_METHODS) {
          const told = toldBy(bench.series, method);
          expect(toldBy(restarted, method)).toEqual(told);
          expect(toldBy(replayed, method)).toEqual(told);
        }
      }),
      { numRuns: 15 },
    );
  });
}, 60_000);

/** Streams the trades at their times, and ends when all of them are written. */
async function live(bench: LiveBench, trades: readonly MadeTrade[]): Promise<void> {
  bench.venue.newestOf = async () => {
    const last = trades.findLast(({ timeMs }) => timeMs <= bench.clock.nowMs());
    return last && { id: last.id, timeUs: last.timeMs * 1_000 };
  };
  let sent = 0;
  for (let at = 0; at < (MINUTES + 1) * 60_000; at += FRAME_MS) {
    await bench.clock.run(FRAME_MS);
    const due = trades.findIndex(({ timeMs }) => timeMs > bench.clock.nowMs());
    const end = due < 0 ? trades.length : due;
    if (end > sent) bench.stream(trades.slice(sent, end));
    sent = end;
  }
  await bench.ingest.stop();
}

function minuteOf({ timeMs }: MadeTrade): number {
  return Math.floor(timeMs / 60_000);
}

function empty({ seriesId, instrument, grid }: SeriesStore): SeriesStore {
  return new SeriesStore({ seriesId, instrument, binUnits: grid.binUnits });
}

/** The level set as it crosses the wire, without the count of changes that led to it. */
function toldBy(series: SeriesStore, method: (typeof VALUE_AREA_METHODS)[number]) {
  const nowMinute = FIRST_MINUTE + MINUTES + 1;
  const set = readLevels(series, {
    session: utcSession(DAY),
    method,
    coarser: 1,
    asOfMs: nowMinute * 60_000,
    nowMinute,
    expectedEnd: nowMinute - 1,
  });
  const { revision: _, ...told } = levelSetToWire(set, null);
  return told;
}
