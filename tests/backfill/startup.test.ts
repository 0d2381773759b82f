import { expect, test } from "bun:test";
import type { BackfillRequest } from "../../src/backfill/request.ts";
import { type Submitted, SymbolRefused } from "../../src/backfill/service.ts";
import { StartupBackfill } from "../../src/backfill/startup.ts";
import type { JobProgress } from "../../src/backfill/store/types.ts";
import { MINUTES_PER_DAY, MS_PER_DAY, OperationFailure } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { newProgress } from "./memory-job-store.ts";

const DAY = 20_000;
const BTC = { venue: "binance", symbol: "BTCUSDT" };
const ETH = { venue: "binance", symbol: "ETHUSDT" };

class Bench {
  /** One minute and a half into a day. */
  readonly clock = new FakeClock(DAY * MS_PER_DAY + 90_000);
  readonly requests: BackfillRequest[] = [];
  readonly warnings: string[] = [];
  former: JobProgress[] = [];
  databaseFails = 0;
  submit: (request: BackfillRequest) => Promise<Submitted> = async () => ({
    kind: "created",
    job: this.job(),
  });
  readonly startup: StartupBackfill;
  readonly #stop = new AbortController();

  constructor(options: { enabled?: boolean } = {}) {
    this.startup = new StartupBackfill(
      { symbols: [BTC, ETH], days: 2, enabled: options.enabled ?? true },
      {
        jobs: {
          recentJobs: async () => {
            if (this.databaseFails-- > 0) throw new Error("the database is gone");
            return this.former;
          },
        },
        service: {
          submit: async (request) => {
            this.requests.push(request);
            return this.submit(request);
          },
        },
        clock: this.clock,
        random: () => 0.5,
        warn: (message) => this.warnings.push(message),
      },
    );
  }

  job(over: Partial<JobProgress> = {}): JobProgress {
    const request = { symbols: [], from: "", to: "", order: "recent", force: false, reason: "startup" };
    return newProgress({ chunksTotal: 8, request, ...over });
  }

  observe(over: Partial<JobProgress>): void {
    this.startup.observe({ job: this.job(over), events: [] });
  }

  begin(): Promise<void> {
    return this.startup.begin(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  get status(): string {
    return this.startup.status().status;
  }
}

test("StartupBackfill, goes from idle over pending and in_progress to complete", async () => {
  const bench = new Bench();
  expect(bench.status).toBe("idle");
  await bench.begin();
  expect(bench.startup.status()).toEqual({
    status: "pending",
    running: true,
    chunksDone: 0,
    chunksTotal: 8,
    percentage: 0,
    etaSeconds: null,
    error: null,
  });
  bench.observe({ status: "in_progress", version: 2, leased: 1 });
  expect(bench.startup.status()).toMatchObject({ status: "in_progress", etaSeconds: null });
  bench.observe({ status: "in_progress", version: 3, chunksDone: 1 });
  bench.clock.advance(4_000);
  bench.observe({ status: "in_progress", version: 4, chunksDone: 3, chunksFailed: 1 });
  // Two chunks in four seconds since the first one, four are left.
  expect(bench.startup.status()).toMatchObject({ chunksDone: 3, percentage: 50, etaSeconds: 8 });
  bench.observe({ status: "in_progress", version: 3, chunksDone: 2 });
  expect(bench.startup.status().chunksDone).toBe(3);
  bench.observe({ status: "complete", version: 9, chunksDone: 8, finishedAt: new Date(1) });
  expect(bench.startup.status()).toMatchObject({
    status: "complete",
    running: false,
    percentage: 100,
    etaSeconds: 0,
  });
});

test("StartupBackfill.begin(), asks for whole days up to now, the newest minutes first", async () => {
  const bench = new Bench();
  await bench.begin();
  expect(bench.requests).toEqual([
    {
      symbols: [BTC, ETH],
      range: { lo: (DAY - 1) * MINUTES_PER_DAY, hi: DAY * MINUTES_PER_DAY + 1 },
      order: "recent",
      priority: 5,
      force: false,
      reason: "startup",
    },
  ]);
});

test("StartupBackfill, switched off is disabled and asks for nothing", async () => {
  const bench = new Bench({ enabled: false });
  await bench.begin();
  expect(bench.status).toBe("disabled");
  expect(bench.requests).toEqual([]);
});

test("StartupBackfill, percentage rounds down, so that 100 means done", async () => {
  const bench = new Bench();
  bench.submit = async () => ({ kind: "created", job: bench.job({ chunksTotal: 3_000 }) });
  await bench.begin();
  bench.observe({ status: "in_progress", version: 2, chunksTotal: 3_000, chunksDone: 2_999 });
  expect(bench.startup.status().percentage).toBe(99.9);
});

test("StartupBackfill, a job that failed is an error with its message", async () => {
  const bench = new Bench();
  await bench.begin();
  bench.observe({ status: "error", version: 2, chunksFailed: 8, error: "502", finishedAt: new Date(1) });
  expect(bench.startup.status()).toMatchObject({ status: "error", running: false, error: "502" });
});

test("StartupBackfill.begin(), leaves an unknown symbol out and names it", async () => {
  const bench = new Bench();
  bench.submit = async ({ symbols }) => {
    if (symbols.length === 2)
      throw new SymbolRefused(
        0,
        "binance:BTCUSDT",
        new OperationFailure("permanent", "BTCUSDT: no such symbol"),
      );
    return { kind: "created", job: bench.job() };
  };
  await bench.begin();
  expect(bench.requests.map(({ symbols }) => symbols)).toEqual([[BTC, ETH], [ETH]]);
  expect(bench.startup.status()).toMatchObject({ status: "pending", error: "BTCUSDT: no such symbol" });
  expect(bench.warnings[0]).toContain("leaves out binance:BTCUSDT");
});

test("StartupBackfill.begin(), without any known symbol ends in error", async () => {
  const bench = new Bench();
  bench.submit = async ({ symbols }) => {
    throw new SymbolRefused(0, `binance:${symbols[0]?.symbol}`, new OperationFailure("permanent", "unknown"));
  };
  await bench.begin();
  expect(bench.startup.status()).toMatchObject({ status: "error", running: false, error: "unknown" });
});

test("StartupBackfill.begin(), tries again until the venue and the database answer", async () => {
  const bench = new Bench();
  bench.databaseFails = 1;
  let tries = 0;
  bench.submit = async () => {
    if (++tries < 3) throw new OperationFailure("transient", "connect ECONNREFUSED");
    return { kind: "created", job: bench.job() };
  };
  const begun = bench.begin();
  await bench.clock.run(1_000);
  expect(bench.startup.status()).toMatchObject({ status: "pending", error: "connect ECONNREFUSED" });
  await bench.clock.run(60_000);
  await begun;
  expect(tries).toBe(3);
  expect(bench.startup.status()).toMatchObject({ status: "pending", chunksTotal: 8, error: null });
  expect(bench.warnings.length).toBe(3);
});

test("StartupBackfill.begin(), ends with the process while the venue is down", async () => {
  const bench = new Bench();
  bench.submit = async () => {
    throw new OperationFailure("transient", "connect ECONNREFUSED");
  };
  const begun = bench.begin();
  await bench.clock.run(10_000);
  bench.stop();
  await begun;
  expect(bench.clock.pending).toBe(0);
});

test("StartupBackfill.begin(), goes on with the unfinished jobs of a former process", async () => {
  const bench = new Bench();
  const ofUser = { ...newProgress(), request: { ...(bench.job().request as object), reason: "request" } };
  bench.former = [
    bench.job({ id: "old", chunksTotal: 10, chunksDone: 4, status: "in_progress" }),
    bench.job({ id: "ended", finishedAt: new Date(1), chunksTotal: 90 }),
    { ...ofUser, id: "asked", chunksTotal: 70 },
  ];
  await bench.begin();
  expect(bench.startup.status()).toMatchObject({ status: "in_progress", chunksDone: 4, chunksTotal: 18 });
  expect(["old", "job-1", "ended", "asked"].map((id) => bench.startup.owns(id))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
