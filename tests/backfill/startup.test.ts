import { expect, test } from "bun:test";
import type { BackfillRequest } from "../../src/backfill/request.ts";
import { type Submitted, SymbolRefused } from "../../src/backfill/service.ts";
import { StartupBackfill, type StartupOptions } from "../../src/backfill/startup.ts";
import type { JobCommand } from "../../src/backfill/store/command.ts";
import { JobTooLarge } from "../../src/backfill/store/errors.ts";
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
  readonly commands: { readonly jobId: string; readonly command: JobCommand }[] = [];
  submit: (request: BackfillRequest, signal: AbortSignal) => Promise<Submitted> = async () => ({
    kind: "created",
    job: this.job(),
  });
  readonly startup: StartupBackfill;
  readonly #stop = new AbortController();

  constructor(options: Partial<StartupOptions> = {}) {
    this.startup = new StartupBackfill(
      {
        symbols: [BTC, ETH],
        ranges: (hi) => [{ lo: (DAY - 1) * MINUTES_PER_DAY, hi }],
        enabled: true,
        ...options,
      },
      {
        jobs: {
          recentJobs: async () => {
            if (this.databaseFails-- > 0) throw new Error("the database is gone");
            return this.former;
          },
        },
        service: {
          submit: async (request, signal) => {
            this.requests.push(request);
            return this.submit(request, signal);
          },
          control: async (jobId, command) => {
            this.commands.push({ jobId, command });
            const former = this.former.find(({ id }) => id === jobId);
            if (former === undefined) return { kind: "unknown" };
            return { kind: "moved", job: { ...former, version: former.version + 1 }, events: [] };
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
      order: "certify",
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

test("StartupBackfill, a time limit is given to the job, less what planning took", async () => {
  const bench = new Bench({ timeoutSeconds: 60 });
  let tries = 0;
  bench.submit = async () => {
    if (++tries < 2)
      throw new OperationFailure("transient", "connect ECONNREFUSED", { retryAfterMs: 20_000 });
    return { kind: "created", job: bench.job() };
  };
  const begun = bench.begin();
  await bench.clock.run(30_000);
  await begun;
  expect(bench.requests.map(({ deadlineSeconds }) => deadlineSeconds)).toEqual([60, 40]);
  expect(bench.clock.pending).toBe(0);
  const reached = "the deadline passed with 3 of 8 chunks committed";
  bench.observe({ status: "error", version: 5, chunksDone: 3, error: reached, finishedAt: new Date(1) });
  expect(bench.startup.status()).toMatchObject({
    status: "error",
    running: false,
    percentage: 37.5,
    chunksDone: 3,
    error: reached,
  });
});

test("StartupBackfill, a venue that refuses every request until the time is up is an error that says so", async () => {
  const bench = new Bench({ timeoutSeconds: 60 });
  bench.submit = async () => {
    throw new OperationFailure("transient", "connect ECONNREFUSED");
  };
  const begun = bench.begin();
  await bench.clock.run(59_000);
  expect(bench.startup.status()).toMatchObject({ status: "pending", running: true });
  await bench.clock.run(1_000);
  await begun;
  expect(bench.startup.status()).toMatchObject({
    status: "error",
    running: false,
    error: "the start-up backfill could not be planned within 60 s: connect ECONNREFUSED",
  });
  expect(bench.clock.pending).toBe(0);
});

test("StartupBackfill, a venue that takes the request and never answers is an error when the time is up", async () => {
  const bench = new Bench({ timeoutSeconds: 60 });
  bench.submit = (_request, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new OperationFailure("aborted", "let go")), {
        once: true,
      });
    });
  const begun = bench.begin();
  await bench.clock.run(60_000);
  await begun;
  expect(bench.startup.status()).toMatchObject({
    status: "error",
    error: "the start-up backfill could not be planned within 60 s: the venue did not answer",
  });
});

test("StartupBackfill, unfinished jobs of a former process get the time that this start gives", async () => {
  const deadlineAt = new Date(DAY * MS_PER_DAY + 91_000);
  const former = (bench: Bench) => [
    bench.job({ id: "old", chunksTotal: 10, chunksDone: 4, status: "in_progress", deadlineAt }),
    bench.job({ id: "ended", finishedAt: new Date(1), deadlineAt }),
  ];
  const limited = new Bench({ timeoutSeconds: 60 });
  limited.former = former(limited);
  await limited.begin();
  expect(limited.commands).toEqual([{ jobId: "old", command: { kind: "adjust", deadlineSeconds: 60 } }]);
  expect(limited.requests[0]?.deadlineSeconds).toBe(60);

  const unlimited = new Bench();
  unlimited.former = former(unlimited);
  await unlimited.begin();
  expect(unlimited.commands).toEqual([{ jobId: "old", command: { kind: "adjust", deadlineSeconds: null } }]);
  expect(unlimited.requests[0]).not.toHaveProperty("deadlineSeconds");
});

test("StartupBackfill, a shutdown cancels what is not done and leaves what has ended", async () => {
  const bench = new Bench();
  await bench.begin();
  bench.observe({ status: "in_progress", version: 2, chunksDone: 2 });
  bench.stop();
  expect(bench.startup.status()).toMatchObject({ status: "cancelled", running: false, error: null });
  expect(bench.warnings).toEqual([
    "start-up backfill cancelled by the shutdown at 25.0 %, 2 of 8 chunks; the next start goes on",
  ]);

  const done = new Bench();
  await done.begin();
  done.observe({ status: "complete", version: 9, chunksDone: 8, finishedAt: new Date(1) });
  done.stop();
  expect(done.status).toBe("complete");
  expect(done.warnings).toEqual([]);

  const early = new Bench();
  early.stop();
  await early.begin();
  expect(early.status).toBe("cancelled");
  expect(early.requests).toEqual([]);
});

test("StartupBackfill, a job that somebody pauses or cancels says so", async () => {
  const bench = new Bench();
  await bench.begin();
  bench.observe({ status: "paused", version: 2, chunksDone: 2 });
  expect(bench.startup.status()).toMatchObject({ status: "paused", running: false, etaSeconds: null });
  bench.observe({ status: "pending", version: 3, chunksDone: 2 });
  expect(bench.startup.status()).toMatchObject({ status: "pending", running: true });
  bench.observe({ status: "cancelled", version: 4, chunksDone: 2, finishedAt: new Date(1) });
  expect(bench.startup.status()).toMatchObject({ status: "cancelled", running: false, percentage: 25 });
  // A retry brings it back.
  bench.observe({ status: "pending", version: 5, chunksDone: 2 });
  expect(bench.status).toBe("pending");
});

test("StartupBackfill, work that is too much for one job becomes several", async () => {
  const bench = new Bench();
  let made = 0;
  bench.submit = async ({ symbols }) => {
    if (symbols.length > 1) throw new JobTooLarge(70_000, 60_000);
    return { kind: "created", job: bench.job({ id: `job-${++made}` }) };
  };
  await bench.begin();
  expect(bench.requests.map(({ symbols }) => symbols)).toEqual([[BTC, ETH], [BTC], [ETH]]);
  expect(bench.startup.status()).toMatchObject({ status: "pending", chunksTotal: 16 });
});
