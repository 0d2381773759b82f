import { expect, test } from "bun:test";
import type { BackfillRequest } from "../../src/backfill/request.ts";
import { BackfillService, SymbolRefused } from "../../src/backfill/service.ts";
import type { CreateOutcome } from "../../src/backfill/store/jobs.ts";
import type { NewJob } from "../../src/backfill/store/types.ts";
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
  promised = Coverage.empty;
  /** Minutes that a check or a read finds damaged. */
  damaged: MinuteRange | undefined;
  readonly service = new BackfillService({
    jobs: {
      createJob: async (job) => {
        const found = this.jobs.get(job.requestKey);
        if (found !== undefined) return { ...found, kind: "existing" };
        this.created.push(job);
        const ended = job.chunks.length === 0 ? { status: "complete" as const, finishedAt: new Date(1) } : {};
        const outcome: CreateOutcome = {
          kind: "created",
          job: newProgress({ id: `job-${this.created.length}`, chunksTotal: job.chunks.length, ...ended }),
          events: [],
        };
        this.jobs.set(job.requestKey, outcome);
        return outcome;
      },
      coverage: async (_id, range) =>
        Coverage.of(this.listed)
          .within(range)
          .ranges.map((part) => ({ ...part, segmentId: 1 })),
      openRanges: async () => this.planned,
    },
    store: this.profiles,
    catalog: {
      series: async ({ symbol }) => {
        if (symbol !== "BTCUSDT") throw new OperationFailure("permanent", `${symbol}: no such symbol`);
        return { row: SERIES, store: this.store };
      },
    },
    reader: {
      verify: async () => {
        this.calls.push("verify");
        this.#lose();
        return { files: 1, damaged: 0 };
      },
      read: async (_store, asked) => {
        this.#lose();
        const found = asked.ranges.map(contributionsIn);
        return { ...this.store.grid, minutes: found.flatMap((part) => part.minutes) };
      },
    },
    dispatcher: { nudge: () => this.calls.push("nudge") },
    live: {
      heldMinutes: (_id, range) => this.promised.within(range),
      flush: async () => {
        this.calls.push("flush");
      },
    },
    clock: this.clock,
    chunkMinutes: 10,
    parallel: 4,
    onSettled: ({ job }) => this.calls.push(`settled ${job.id}`),
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

test("BackfillService.submit(), names the symbol that cannot be served", async () => {
  const bench = new Bench();
  const symbols = [
    { venue: "binance", symbol: "BTCUSDT" },
    { venue: "binance", symbol: "NOPE" },
  ];
  const refused = await bench.submit({ symbols }).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(SymbolRefused);
  expect(refused).toMatchObject({ index: 1, symbol: "binance:NOPE", message: "NOPE: no such symbol" });
  expect(bench.created).toEqual([]);
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
