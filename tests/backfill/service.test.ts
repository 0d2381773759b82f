import { expect, test } from "bun:test";
import type { BackfillRequest } from "../../src/backfill/request.ts";
import { RequestPlanner } from "../../src/backfill/request-planner.ts";
import { BackfillService, SymbolRefused } from "../../src/backfill/service.ts";
import type { ControlOutcome } from "../../src/backfill/store/command.ts";
import { JobTooLarge } from "../../src/backfill/store/errors.ts";
import type { CreateOutcome } from "../../src/backfill/store/jobs.ts";
import type { CandleSpan, NewJob } from "../../src/backfill/store/types.ts";
import { Coverage, foldMinutes, type MinuteRange, OperationFailure } from "../../src/core/mod.ts";
import { ProfileStore } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { batchOfTrades, instrumentNamed, madeTrades } from "../support/trades.ts";
import { newProgress, SERIES } from "./memory-job-store.ts";

const M = 28_000_800;
const minutes = (lo: number, hi: number): MinuteRange => ({ lo: M + lo, hi: M + hi });

function contributionsIn(range: MinuteRange) {
  const made = madeTrades(range.lo, { count: 20, fromMs: range.lo * 60_000, toMs: range.hi * 60_000 });
  return foldMinutes(batchOfTrades(made), SERIES.binUnits);
}

class Bench {
  readonly clock = new FakeClock((M + 100) * 60_000 + 30_000);
  readonly profiles = new ProfileStore();
  readonly store = this.profiles.open({
    seriesId: SERIES.id,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: SERIES.binUnits,
  });
  readonly created: NewJob[] = [];
  readonly calls: string[] = [];
  readonly jobs = new Map<string, CreateOutcome>();
  listed: MinuteRange[] = [];
  planned: MinuteRange[] = [];
  /** Candles that are known. */
  candles: CandleSpan[] = [];
  promised = Coverage.empty;
  /** What the job store answers to commands. */
  controlled: ControlOutcome = { kind: "unknown" };
  /** Minutes that a check or a read finds damaged. */
  damaged: MinuteRange | undefined;
  readonly service = new BackfillService({
    jobs: {
      createJob: async (job) => {
        const found = this.jobs.get(job.requestKey);
        if (found !== undefined) return { ...found, kind: "existing" };
        this.created.push(job);
        const planning = job.parts?.some(({ seriesId }) => seriesId === undefined) ?? false;
        const id = `job-${this.created.length}`;
        const nothing = job.chunks.length === 0 && !planning;
        const ended = nothing ? { status: "complete" as const, finishedAt: new Date(1) } : {};
        const outcome: CreateOutcome = {
          kind: "created",
          job: newProgress({ id, chunksTotal: job.chunks.length, planning, ...ended }),
          events: [],
        };
        this.jobs.set(job.requestKey, outcome);
        return outcome;
      },
      coverage: async (_id, range) =>
        Coverage.of(this.listed)
          .within(range)
          .ranges.map((part) => ({ ...part, segmentId: 1 })),
      control: async () => this.controlled,
    },
    store: this.profiles,
    catalog: {
      known: ({ symbol }) => (symbol === "BTCUSDT" ? { row: SERIES, store: this.store } : undefined),
      series: async ({ symbol }) => {
        if (symbol === "SLOW") await new Promise(() => undefined);
        if (symbol !== "BTCUSDT") throw new OperationFailure("permanent", `${symbol}: no such symbol`);
        return { row: SERIES, store: this.store };
      },
    },
    planner: new RequestPlanner({
      jobs: { openRanges: async () => this.planned, candleCoverage: async () => this.candles },
      reader: {
        verify: async () => {
          this.calls.push("verify");
          this.#lose();
          return { files: 1, damaged: 0 };
        },
      },
      live: {
        heldMinutes: (_id, range) => this.promised.within(range),
        flush: async () => {
          this.calls.push("flush");
        },
      },
      chunkMinutes: 10,
    }),
    reader: {
      read: async (_store, asked) => {
        this.#lose();
        const found = asked.ranges.map(contributionsIn);
        return { ...this.store.grid, minutes: found.flatMap((part) => part.minutes) };
      },
    },
    dispatcher: {
      nudge: () => this.calls.push("nudge"),
      heed: ({ intent }) => this.calls.push(`heed ${intent}`),
    },
    clock: this.clock,
    parallel: 4,
    onSettled: ({ job }) => this.calls.push(`settled ${job.id}`),
    onWaiting: () => this.calls.push("waiting"),
  });

  submit(over: Partial<BackfillRequest> = {}) {
    const request: BackfillRequest = {
      symbols: [{ venue: "binance", symbol: "BTCUSDT" }],
      range: minutes(0, 50),
      order: "oldest",
      priority: 0,
      force: false,
      reason: "request",
      ...over,
    };
    return this.service.submit(request, new AbortController().signal);
  }

  /** Minutes planned by the newest job. */
  get plan(): [lo: number, hi: number][] {
    const ranges = this.created.at(-1)?.chunks.map(({ range }) => range) ?? [];
    return Coverage.of(ranges).ranges.map(({ lo, hi }) => [lo - M, hi - M]);
  }

  #lose(): void {
    if (this.damaged === undefined) return;
    this.listed = [...Coverage.of(this.listed).subtract(this.damaged).ranges];
    this.service.applyLoss(SERIES.id, [this.damaged]);
    this.damaged = undefined;
  }
}

test("BackfillService.submit(), plans only what is neither covered nor promised to the stream", async () => {
  const bench = new Bench();
  bench.store.resetCommitted([minutes(10, 20)]);
  bench.promised = Coverage.of([minutes(40, 60)]);
  const submitted = await bench.submit();
  expect(submitted).toMatchObject({ kind: "created", job: { id: "job-1", chunksTotal: 3 } });
  expect(bench.plan).toEqual([
    [0, 10],
    [20, 40],
  ]);
  expect(bench.calls).toEqual(["verify", "settled job-1", "nudge"]);
});

test("BackfillService.submit(), minutes that have not ended are not planned", async () => {
  const bench = new Bench();
  await bench.submit({ range: minutes(95, 500) });
  expect(bench.plan).toEqual([[95, 100]]);
  await bench.submit({ range: minutes(300, 500) });
  expect(bench.created.at(-1)?.chunks).toEqual([]);
});

test("BackfillService.submit(), a request keeps what another job has planned, a repair leaves it out", async () => {
  const bench = new Bench();
  bench.planned = [minutes(0, 30)];
  await bench.submit();
  expect(bench.plan).toEqual([[0, 50]]);
  await bench.submit({ reason: "repair" });
  expect(bench.plan).toEqual([[30, 50]]);
});

test("BackfillService.submit(), with force plans covered minutes after the stream has written its own", async () => {
  const bench = new Bench();
  bench.store.resetCommitted([minutes(0, 50)]);
  bench.promised = Coverage.of([minutes(45, 60)]);
  await bench.submit({ force: true });
  expect(bench.plan).toEqual([[0, 45]]);
  expect(bench.calls).toContain("flush");
});

test("BackfillService.submit(), damaged files are found and their minutes planned", async () => {
  const bench = new Bench();
  bench.store.resetCommitted([minutes(0, 50)]);
  bench.damaged = minutes(20, 30);
  await bench.submit();
  expect(bench.plan).toEqual([[20, 30]]);
});

test("BackfillService.submit(), a symbol named twice is fetched once", async () => {
  const bench = new Bench();
  const symbol = { venue: "binance", symbol: "BTCUSDT" };
  await bench.submit({ symbols: [symbol, symbol] });
  expect(bench.created[0]?.chunks.length).toBe(5);
});

test("BackfillService.submit(), the same request is the same job until it has ended and minutes are missing again", async () => {
  const bench = new Bench();
  const first = await bench.submit();
  expect(await bench.submit()).toMatchObject({ kind: "existing", job: { id: first.job.id } });
  const [key] = bench.jobs.keys();
  const ended = { ...first.job, status: "complete" as const, finishedAt: new Date(1) };
  bench.jobs.set(key!, { kind: "created", job: ended, events: [] });
  bench.store.resetCommitted([minutes(0, 50)]);
  expect(await bench.submit()).toMatchObject({ kind: "existing" });
  bench.store.uncover(minutes(0, 10));
  expect(await bench.submit()).toMatchObject({ kind: "created", job: { id: "job-2" } });
  expect(await bench.submit({ force: true })).toMatchObject({ kind: "created", job: { id: "job-3" } });
});

test("BackfillService.submit(), what the process asks of itself is planned whole or refused by symbol", async () => {
  const bench = new Bench();
  const symbols = [
    { venue: "binance", symbol: "BTCUSDT" },
    { venue: "binance", symbol: "NOPE" },
  ];
  const refused = await bench.submit({ symbols, reason: "startup" }).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(SymbolRefused);
  expect(refused).toMatchObject({ index: 1, symbol: "binance:NOPE", message: "NOPE: no such symbol" });
  expect(bench.created).toEqual([]);
});

test("BackfillService.submit(), a symbol that cannot be looked up at once waits, and the others are planned", async () => {
  const bench = new Bench();
  const symbols = ["NOPE", "BTCUSDT", "BTCUSDT"].map((symbol) => ({ venue: "binance", symbol }));
  const { job } = await bench.submit({ symbols });
  expect(job).toMatchObject({ planning: true, chunksTotal: 5 });
  expect(bench.created[0]?.parts).toEqual([
    { venue: "binance", symbol: "NOPE", timeframe: undefined, seriesId: undefined },
    { venue: "binance", symbol: "BTCUSDT", timeframe: undefined, seriesId: SERIES.id },
  ]);
  expect(bench.calls).toEqual(["verify", "settled job-1", "nudge", "waiting"]);
});

test("BackfillService.submit(), is answered in bounded time although a venue is not", async () => {
  const bench = new Bench();
  const submitted = bench.submit({ symbols: [{ venue: "binance", symbol: "SLOW" }] });
  bench.clock.advance(1_500);
  expect((await submitted).job.planning).toBe(true);
});

test("BackfillService.submit(), many new symbols are not waited for at all", async () => {
  const bench = new Bench();
  const symbols = Array.from({ length: 100 }, (_, n) => ({
    venue: "binance",
    symbol: n < 3 ? "SLOW" : `S${n}`,
  }));
  expect((await bench.submit({ symbols })).job.planning).toBe(true);
  expect(bench.created[0]?.parts).toHaveLength(98);
});

test("BackfillService.submit(), more chunks than can be written at once are left to the background", async () => {
  const bench = new Bench();
  await bench.submit({ range: { lo: M - 20_001, hi: M } });
  expect(bench.created[0]).toMatchObject({ chunks: [], parts: [{ symbol: "BTCUSDT" }] });
  const { chunks } = await bench.service.planSymbol(
    newProgress({ request: bench.created[0]?.request }),
    { venue: "binance", symbol: "BTCUSDT" },
    new AbortController().signal,
  );
  expect(chunks).toHaveLength(2_001);
});

test("BackfillService.submit(), refuses more chunks than a job may have before anything is looked up", async () => {
  const bench = new Bench();
  const symbols = Array.from({ length: 100 }, (_, n) => ({ venue: "binance", symbol: `S${n}` }));
  const refused = await bench
    .submit({ symbols, range: { lo: M - 10_000, hi: M } })
    .catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(JobTooLarge);
  expect(bench.created).toEqual([]);
});

test("BackfillService.submit(), candles are planned by timeframe, without those that are known", async () => {
  const bench = new Bench();
  bench.candles = [{ seriesId: SERIES.id, timeframe: "1m", ...minutes(0, 40) }];
  await bench.submit({ timeframes: ["1m", "5m"] });
  expect(bench.created[0]).toMatchObject({ dataset: "candles", request: { timeframes: ["1m", "5m"] } });
  const planned = bench.created[0]?.chunks.map(({ timeframe, range, source }) => [timeframe, range, source]);
  expect(planned).toEqual([
    ["1m", minutes(40, 50), "candles"],
    ["5m", minutes(0, 50), "candles"],
  ]);
  await bench.submit({ timeframes: ["1m", "5m"], force: true });
  expect(bench.created[1]?.chunks[0]?.range).toEqual(minutes(0, 50));
  expect(bench.created[1]?.requestKey).not.toBe(bench.created[0]?.requestKey);
});

test("BackfillService.applyCommit(), the store takes over the pieces and tells of it once", () => {
  const bench = new Bench();
  let told = 0;
  bench.profiles.subscribe(() => told++);
  const piece = (range: MinuteRange) => ({ range, contributions: contributionsIn(range) });
  const pieces = [piece(minutes(0, 10)), piece(minutes(20, 30))];
  bench.service.applyCommit({ series: SERIES, pieces, job: newProgress(), events: [] });
  bench.service.applyCommit({ series: SERIES, pieces: [], job: newProgress(), events: [] });
  bench.service.applyCommit({ series: { ...SERIES, id: 99 }, pieces, job: newProgress(), events: [] });
  expect(bench.store.covered.ranges).toEqual([minutes(0, 10), minutes(20, 30)]);
  expect(bench.store.window(minutes(0, 30)).fold.count).toBe(40);
  expect(told).toBe(1);
});

test("BackfillService.resync(), brings the store back to what the database and the tape say", async () => {
  const bench = new Bench();
  bench.store.putLive(contributionsIn(minutes(0, 10)), minutes(0, 10));
  bench.listed = [minutes(5, 15), minutes(20, 25)];
  await bench.service.resync(bench.store, minutes(0, 30));
  expect(bench.store.covered.ranges).toEqual([minutes(5, 15), minutes(20, 25)]);
  expect(bench.store.window(minutes(0, 30)).fold.count).toBe(40);
});

test("BackfillService.resync(), minutes whose file turns out damaged are not covered", async () => {
  const bench = new Bench();
  bench.listed = [minutes(0, 10), minutes(10, 20)];
  bench.damaged = minutes(10, 20);
  await bench.service.resync(bench.store, minutes(0, 30));
  expect(bench.store.covered.ranges).toEqual([minutes(0, 10)]);
});

test("BackfillService.control(), lets go of what runs here, tells of it, and looks for work when there may be some", async () => {
  const bench = new Bench();
  expect(await bench.service.control("job-1", { kind: "pause" })).toEqual({ kind: "unknown" });
  expect(bench.calls).toEqual([]);
  bench.controlled = { kind: "moved", job: newProgress({ status: "paused", intent: "pause" }), events: [] };
  expect(await bench.service.control("job-1", { kind: "pause" })).toBe(bench.controlled);
  expect(bench.calls).toEqual(["heed pause", "settled job-1"]);
  bench.controlled = { kind: "moved", job: newProgress({ status: "pending" }), events: [] };
  await bench.service.control("job-1", { kind: "resume" });
  expect(bench.calls).toEqual(["heed pause", "settled job-1", "heed run", "settled job-1", "nudge"]);
});
