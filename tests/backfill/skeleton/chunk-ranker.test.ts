import { afterEach, expect, test } from "bun:test";
import { ChunkRanker } from "../../../src/backfill/skeleton/chunk-ranker.ts";
import { skeletonCandles } from "../../../src/backfill/skeleton/skeleton-candles.ts";
import type { ChunkRankStore, NewRank, OpenChunk } from "../../../src/backfill/store/chunk-ranks.ts";
import type { JobProgress } from "../../../src/backfill/store/types.ts";
import { dayOfMinute, dayRange, formatMinute, type MinuteRange } from "../../../src/core/mod.ts";
import type { SeriesStore } from "../../../src/store/mod.ts";
import type { HistoryCandle } from "../../../src/venues/mod.ts";
import { FakeClock, instantTurns } from "../../support/fake-clock.ts";
import { makeStore, TODAY } from "./fakes.ts";

const YESTERDAY = { lo: TODAY.lo - 1_440, hi: TODAY.lo };
const CHUNK_MINUTES = 10;
/** Long enough for a ranking and what it conflates. */
const A_WHILE_MS = 1_000;

/** The pending chunks of one job, as many as two days have, and what was asked of them. */
class MemoryChunks implements ChunkRankStore {
  readonly pending = new Map<number, OpenChunk>();
  readonly asked: MinuteRange[] = [];
  readonly writes: (readonly NewRank[])[] = [];
  failures = 0;

  constructor() {
    for (let rank = 0; rank < 288; rank++) {
      const hi = TODAY.hi - rank * CHUNK_MINUTES;
      this.pending.set(rank, { id: rank, lo: hi - CHUNK_MINUTES, hi, rank, state: "due" });
    }
  }

  async nextMinute(): Promise<number | undefined> {
    return this.inOrder()[0]?.lo;
  }

  async openChunks(_job: string, _series: number, range: MinuteRange): Promise<OpenChunk[]> {
    this.asked.push(range);
    if (this.failures-- > 0) throw new Error("the database is away");
    return this.inOrder().filter(({ lo }) => lo >= range.lo && lo < range.hi);
  }

  async rerank(ranks: readonly NewRank[]): Promise<number> {
    this.writes.push(ranks);
    for (const { id, rank } of ranks) this.pending.set(id, { ...this.pending.get(id)!, rank });
    return ranks.length;
  }

  inOrder(): OpenChunk[] {
    return [...this.pending.values()].sort((a, b) => a.rank - b.rank);
  }

  /** Claims and commits the chunk that comes next. */
  commitNext(series: SeriesStore): OpenChunk {
    const [next] = this.inOrder();
    if (next === undefined) throw new Error("no chunk is left");
    this.pending.delete(next.id);
    series.commit(next, { ...series.grid, minutes: [] });
    return next;
  }
}

/** A day of which the minutes from 02:00 to 03:00 alone decide where the POC is. */
function tellCandles(series: SeriesStore, range: MinuteRange): void {
  const candles: HistoryCandle[] = [];
  for (let minute = range.lo; minute < range.hi; minute++) {
    const decides = minute % 1_440 >= 120 && minute % 1_440 < 180;
    const [low, high, volume] = decides ? ["10.00", "11.00", "1000"] : ["10.00", "10.00", "1"];
    const quoteVolume = decides ? "10500" : "10";
    candles.push({
      ...{ openMs: minute * 60_000, open: low, high, low, close: high, volume, quoteVolume, trades: 50 },
    });
  }
  series.putCandles(range, { ...skeletonCandles(candles, series.grid.scales), quoteDigits: 8 });
}

const rankers: ChunkRanker[] = [];
afterEach(async () => {
  for (const ranker of rankers.splice(0)) await ranker.stop();
});

function world() {
  const series = makeStore();
  const chunks = new MemoryChunks();
  const clock = new FakeClock(TODAY.hi * 60_000);
  const brought: MinuteRange[] = [];
  const warnings: string[] = [];
  const ranker = new ChunkRanker({
    chunks,
    store: { bySymbol: (symbol) => (symbol === series.symbol ? series : undefined) },
    skeleton: {
      bring: async (_series, range) => {
        brought.push(range);
        return { kind: "known" };
      },
    },
    loader: { load: async () => undefined },
    windowOf: (minute) => dayRange(dayOfMinute(minute)),
    ...{ method: "ranked", timers: clock, turns: instantTurns(), warn: (text) => warnings.push(text) },
  });
  rankers.push(ranker);
  const job = (more: { order?: string; force?: boolean; status?: JobProgress["status"] } = {}) => {
    const { order = "certify", force = false, status = "in_progress" } = more;
    const range = { from: formatMinute(YESTERDAY.lo), to: formatMinute(TODAY.hi) };
    const request = { symbols: [series.symbol], order, force, reason: "request", ...range };
    ranker.observe({ id: "job", dataset: "trades", status, request });
  };
  return { series, chunks, clock, brought, warnings, ranker, job };
}

test("ChunkRanker, ranks the session under way once its candles are there, and no other", async () => {
  const { series, chunks, clock, brought, ranker, job } = world();
  job();
  await clock.run(A_WHILE_MS);
  expect([brought, chunks.writes]).toEqual([[TODAY], []]);
  tellCandles(series, TODAY);
  ranker.changed(series);
  await clock.run(A_WHILE_MS);
  const first = chunks.inOrder().slice(0, 6);
  expect(first.map(({ lo }) => lo - TODAY.lo).sort((a, b) => a - b)).toEqual([120, 130, 140, 150, 160, 170]);
  const others = chunks.inOrder().filter(({ lo }) => lo < TODAY.lo);
  expect(others.map(({ rank, id }) => rank - id)).toEqual(Array(144).fill(0));
  expect(chunks.asked.filter(({ lo }) => lo !== TODAY.lo)).toEqual([]);
});

test("ChunkRanker, a burst of changes is one ranking, and a change that is none is not looked at", async () => {
  const { series, chunks, clock, ranker, job } = world();
  tellCandles(series, TODAY);
  job();
  await clock.run(A_WHILE_MS);
  const looks = chunks.asked.length;
  for (let i = 0; i < 50; i++) ranker.changed(series);
  await clock.run(A_WHILE_MS);
  expect(chunks.asked.length).toBe(looks);
  for (let i = 0; i < 30; i++) {
    chunks.commitNext(series);
    ranker.changed(series);
  }
  await clock.run(A_WHILE_MS);
  expect(chunks.asked.length).toBeLessThanOrEqual(looks + 2);
});

test("ChunkRanker, goes on with the session before when one is done, whose candles it asks for in time", async () => {
  const { series, chunks, clock, brought, ranker, job } = world();
  tellCandles(series, TODAY);
  job();
  for (let left = 144; left > 0; left--) {
    await clock.run(150);
    expect(chunks.commitNext(series).lo).toBeGreaterThanOrEqual(TODAY.lo);
    ranker.changed(series);
    if (left === 40) expect(brought).toEqual([TODAY]);
  }
  expect(brought).toContainEqual(YESTERDAY);
  tellCandles(series, YESTERDAY);
  ranker.changed(series);
  await clock.run(A_WHILE_MS);
  const first = chunks.inOrder().slice(0, 6);
  expect(first.map(({ lo }) => lo - YESTERDAY.lo).sort((a, b) => a - b)).toEqual([
    120, 130, 140, 150, 160, 170,
  ]);
});

test("ChunkRanker, leaves other orders, forced jobs and ended jobs alone", async () => {
  for (const more of [{ order: "recent" }, { force: true }, { status: "complete" as const }]) {
    const { series, chunks, clock, ranker, job } = world();
    tellCandles(series, TODAY);
    job(more);
    ranker.changed(series);
    await clock.run(A_WHILE_MS);
    expect([chunks.asked, chunks.writes]).toEqual([[], []]);
  }
  const { series, chunks, clock, ranker, job } = world();
  tellCandles(series, TODAY);
  job();
  await clock.run(A_WHILE_MS);
  job({ status: "cancelled" });
  const looks = chunks.asked.length;
  chunks.commitNext(series);
  ranker.changed(series);
  await clock.run(A_WHILE_MS);
  expect(chunks.asked.length).toBe(looks);
});

test("ChunkRanker, a failure leaves the order as it is, is told once and tried again", async () => {
  const { series, chunks, clock, warnings, job } = world();
  tellCandles(series, TODAY);
  chunks.failures = 2;
  job();
  await clock.run(A_WHILE_MS);
  expect([chunks.writes.length, warnings.length]).toEqual([0, 1]);
  expect(warnings[0]).toContain("the database is away");
  await clock.run(11_000);
  expect([chunks.writes.length, warnings.length]).toEqual([1, 1]);
});
