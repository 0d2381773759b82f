import { expect, test } from "bun:test";
import type { CommittedChunk } from "../../src/backfill/chunk-runner.ts";
import { Dispatcher, LEASE_MS } from "../../src/backfill/dispatcher.ts";
import { CoverageConflict } from "../../src/backfill/store/errors.ts";
import { InvariantError, type MinuteRange, OperationFailure, type TradeBatch } from "../../src/core/mod.ts";
import type { IdRange, TradesOfRange } from "../../src/venues/mod.ts";
import { FakeVenue } from "../live/fakes.ts";
import { FakeClock, instantTurns, settle } from "../support/fake-clock.ts";
import { batchOfTrades, madeTrades, SCALES } from "../support/trades.ts";
import { MemoryJobStore, newProgress } from "./memory-job-store.ts";

const M = 28_000_000;
type Answer = (range: MinuteRange, signal: AbortSignal) => Promise<TradeBatch>;

/** Two trades a minute, the same ones whenever they are asked for. */
function tradesOf({ lo, hi }: MinuteRange): TradeBatch {
  return batchOfTrades(
    madeTrades(lo, { count: 2 * (hi - lo), fromMs: lo * 60_000, toMs: hi * 60_000, firstId: lo * 2 }),
  );
}

/** Waits until the caller lets go. */
const hang: Answer = (_range, signal) =>
  new Promise((_, reject) => {
    const end = () => reject(new OperationFailure("aborted", "aborted"));
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
  });

class Bench {
  readonly clock = new FakeClock(M * 60_000);
  readonly jobs = new MemoryJobStore(this.clock);
  readonly committed: CommittedChunk[] = [];
  readonly failures: { readonly message: string; readonly retryInMs: number | undefined }[] = [];
  readonly troubles: string[] = [];
  readonly fetches: MinuteRange[] = [];
  readonly dispatcher: Dispatcher;
  idGaps: IdRange[] = [];
  written = 0;
  fetching = 0;
  mostFetching = 0;
  answer: Answer = async (range) => tradesOf(range);
  /** Whether no trade behind the window was seen, and what both clocks agree is past. */
  openEnd = false;
  pastMs = Number.POSITIVE_INFINITY;

  constructor(parallel = 2) {
    const venue = new FakeVenue();
    venue.trades = ((_instrument: unknown, range: MinuteRange, { signal }: { signal: AbortSignal }) =>
      this.#fetch(range, signal)) as unknown as typeof venue.trades;
    this.dispatcher = new Dispatcher(
      {
        jobs: this.jobs,
        tape: {
          write: async () => {
            this.written++;
            return [];
          },
        },
        venueOf: () => venue,
        candleSourceOf: () => {
          throw new Error("there are no candle chunks here");
        },
        turns: instantTurns(),
        sleep: (ms) => new Promise((resolve) => this.clock.after(ms, resolve)),
        pastMs: () => this.pastMs,
      },
      {
        owner: "test",
        parallel,
        random: () => 0.5,
        timers: this.clock,
        listener: {
          settled: () => undefined,
          claimed: () => undefined,
          committed: (chunk) => this.committed.push(chunk),
          attemptFailed: (_chunk, { message }, retryInMs) => this.failures.push({ message, retryInMs }),
          troubled: (thrown) => this.troubles.push(String(thrown)),
        },
      },
    );
  }

  async #fetch(range: MinuteRange, signal: AbortSignal): Promise<TradesOfRange> {
    this.fetches.push(range);
    this.mostFetching = Math.max(this.mostFetching, ++this.fetching);
    try {
      const batch = await this.answer(range, signal);
      const answer = { batch, dropped: 0, duplicates: 0, idGaps: this.idGaps, requests: 1 };
      return this.openEnd ? { ...answer, openEnd: true } : answer;
    } finally {
      this.fetching--;
    }
  }

  /** Runs until nothing more happens for a minute. */
  async settleAll(): Promise<void> {
    await this.clock.run(60_000);
  }
}

test("Dispatcher, runs every chunk, so many at once and no more", async () => {
  const bench = new Bench(3);
  bench.answer = async (range) => {
    await new Promise<void>((resolve) => bench.clock.after(100, resolve));
    return tradesOf(range);
  };
  for (let i = 0; i < 10; i++) bench.jobs.plan(M + i * 10, M + i * 10 + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.jobs.chunks.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual(
    Array(10).fill("done 1"),
  );
  expect(bench.mostFetching).toBe(3);
  expect(bench.jobs.mostLeased).toBe(3);
  expect(bench.committed.flatMap(({ pieces }) => pieces.map(({ range }) => range)).length).toBe(10);
  expect(bench.jobs.covered.ranges).toEqual([{ lo: M, hi: M + 100 }]);
  await bench.dispatcher.stop();
  expect(bench.clock.pending).toBe(0);
});

test("Dispatcher, goes on with what its commits take along, without another claim", async () => {
  const bench = new Bench(1);
  for (let i = 0; i < 5; i++) bench.jobs.plan(M + i * 10, M + i * 10 + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.jobs.chunks.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual(
    Array(5).fill("done 1"),
  );
  const { calls } = bench.jobs;
  expect(calls.slice(0, calls.lastIndexOf("commit")).filter((call) => call === "claim")).toHaveLength(1);
  expect([bench.mostFetching, bench.jobs.mostLeased]).toEqual([1, 1]);
  expect(bench.committed).toHaveLength(5);
  await bench.dispatcher.stop();
  expect(bench.clock.pending).toBe(0);
});

test("Dispatcher, believes in what a commit took along from before the commit was sent", async () => {
  const bench = new Bench(1);
  const commit = bench.jobs.commit.bind(bench.jobs);
  bench.jobs.commit = async (...args) => {
    const outcome = await commit(...args);
    // The answer is a lease late.
    await new Promise<void>((resolve) => bench.clock.after(LEASE_MS, resolve));
    return outcome;
  };
  bench.jobs.plan(M, M + 10);
  bench.jobs.plan(M + 10, M + 20);
  bench.jobs.reapExpired = async () => ({ requeued: 0, failed: 0, jobs: [], events: [] });
  bench.dispatcher.start();
  await bench.clock.run(0);
  // Given back, it is nobody's.
  bench.jobs.claim = async () => undefined;
  await bench.clock.run(LEASE_MS + 100);
  expect(bench.committed).toHaveLength(1);
  expect(bench.jobs.calls).toContain("release");
  expect(bench.fetches.filter(({ lo }) => lo === M + 10)).toEqual([]);
  await bench.dispatcher.stop();
});

test("Dispatcher, takes nothing along while a venue shuts it out", async () => {
  const bench = new Bench(2);
  bench.answer = async (range) => {
    if (range.lo === M) throw new OperationFailure("banned", "418", { retryAfterMs: 60_000 });
    await new Promise<void>((resolve) => bench.clock.after(100, resolve));
    return tradesOf(range);
  };
  for (let i = 0; i < 3; i++) bench.jobs.plan(M + i * 10, M + i * 10 + 10);
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  expect(bench.jobs.chunks.map(({ status }) => status)).toEqual(["pending", "done", "pending"]);
  await bench.dispatcher.stop();
});

test("Dispatcher, work that is planned later begins with the nudge", async () => {
  const bench = new Bench();
  bench.dispatcher.start();
  await bench.clock.run(100);
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.nudge();
  await bench.clock.run(0);
  expect(bench.jobs.chunks[0]?.status).toBe("done");
  await bench.dispatcher.stop();
});

test("Dispatcher, a nudge while the queue is being looked at is not lost", async () => {
  const bench = new Bench();
  const pendingWork = bench.jobs.pendingWork.bind(bench.jobs);
  bench.jobs.pendingWork = async () => {
    bench.jobs.pendingWork = pendingWork;
    const answer = await pendingWork();
    bench.jobs.plan(M, M + 10);
    bench.dispatcher.nudge();
    return answer;
  };
  bench.dispatcher.start();
  await bench.clock.run(0);
  expect(bench.jobs.chunks[0]?.status).toBe("done");
  await bench.dispatcher.stop();
});

test("Dispatcher, a failed attempt is tried again after its backoff and what the venue asks for", async () => {
  const bench = new Bench();
  let tries = 0;
  bench.answer = async (range) => {
    if (++tries === 1) throw new OperationFailure("transient", "502");
    if (tries === 2) throw new OperationFailure("throttled", "429", { retryAfterMs: 7_000 });
    return tradesOf(range);
  };
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(249);
  expect(tries).toBe(1);
  await bench.clock.run(60);
  expect(tries).toBe(2);
  await bench.clock.run(6_900);
  expect(tries).toBe(2);
  await bench.clock.run(200);
  expect(bench.failures).toEqual([
    { message: "502", retryInMs: 250 },
    { message: "429", retryInMs: 7_000 },
  ]);
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "done", attempt: 3 });
  await bench.dispatcher.stop();
});

for (const [name, thrown] of [
  ["what the venue refuses for good", new OperationFailure("permanent", "unknown symbol")],
  ["a bug of our own", new InvariantError("bins do not fit")],
] as const)
  test(`Dispatcher, ${name} fails its chunk at once and the others go on`, async () => {
    const bench = new Bench();
    bench.answer = async (range) => {
      if (range.lo === M) throw thrown;
      return tradesOf(range);
    };
    bench.jobs.plan(M, M + 10);
    bench.jobs.plan(M + 10, M + 20);
    bench.dispatcher.start();
    await bench.settleAll();
    expect(bench.jobs.chunks.map(({ status, attempt }) => [status, attempt])).toEqual([
      ["failed", 1],
      ["done", 1],
    ]);
    expect(bench.failures.map(({ retryInMs }) => retryInMs)).toEqual([undefined]);
    await bench.dispatcher.stop();
  });

test("Dispatcher, trades in finer steps than the series knew grow its scales and keep its bins", async () => {
  const bench = new Bench(1);
  bench.answer = async (range) =>
    batchOfTrades([{ id: range.lo, timeMs: range.lo * 60_000, price: 123_456, size: 1, buy: true }], {
      scales: range.lo === M ? { priceScale: 4, sizeScale: 3 } : SCALES,
    });
  // The middle is covered, so the chunk is fetched in two ranges, the second at the coarser scale.
  bench.jobs.covered = bench.jobs.covered.add({ lo: M + 2, hi: M + 4 });
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  const pieces = bench.committed.flatMap((chunk) => chunk.pieces);
  expect(pieces.map(({ contributions }) => contributions.binUnits)).toEqual([500, 500]);
  expect(pieces.map(({ contributions }) => [...contributions.minutes[0]!.bins])).toEqual([[246], [24_691]]);
  await bench.dispatcher.stop();
});

test("Dispatcher, a minute with two owners is a bug and not tried again", async () => {
  const bench = new Bench();
  let commits = 0;
  bench.jobs.commit = async () => {
    commits++;
    throw new CoverageConflict(1, [{ lo: M, hi: M + 1 }], undefined);
  };
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(commits).toBe(1);
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "failed", attempt: 1 });
  await bench.dispatcher.stop();
});

test("Dispatcher, after five attempts a chunk has failed", async () => {
  const bench = new Bench();
  bench.answer = async () => {
    throw new OperationFailure("transient", "502");
  };
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.fetches.length).toBe(5);
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "failed", attempt: 5, error: "502" });
  await bench.dispatcher.stop();
});

test("Dispatcher.stop(), gives chunks back without spending their attempt", async () => {
  const bench = new Bench(2);
  bench.answer = hang;
  for (let i = 0; i < 3; i++) bench.jobs.plan(M + i * 10, M + i * 10 + 10);
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  expect(bench.fetching).toBe(2);
  await bench.dispatcher.stop();
  expect(bench.jobs.chunks.map(({ status, attempt }) => [status, attempt])).toEqual([
    ["pending", 0],
    ["pending", 0],
    ["pending", 0],
  ]);
  expect(bench.failures).toEqual([]);
  expect(bench.clock.pending).toBe(0);
  bench.dispatcher.nudge();
  await bench.settleAll();
  expect(bench.fetches.length).toBe(2);
});

test("Dispatcher.stop(), a chunk whose claim is under way is given back, too", async () => {
  const bench = new Bench(1);
  bench.answer = hang;
  bench.jobs.plan(M, M + 10);
  const claim = bench.jobs.claim.bind(bench.jobs);
  const database = Promise.withResolvers<void>();
  bench.jobs.claim = async (options) => {
    const chunk = await claim(options);
    await database.promise;
    return chunk;
  };
  bench.dispatcher.start();
  await bench.clock.run(0);
  expect(bench.jobs.chunks[0]?.status).toBe("leased");
  const stopped = bench.dispatcher.stop();
  database.resolve();
  await stopped;
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "pending", attempt: 0 });
});

test("Dispatcher.stop(), a chunk that a commit under way takes along is given back, too", async () => {
  const bench = new Bench(1);
  bench.jobs.plan(M, M + 10);
  bench.jobs.plan(M + 10, M + 20);
  const commit = bench.jobs.commit.bind(bench.jobs);
  const database = Promise.withResolvers<void>();
  bench.jobs.commit = async (...args) => {
    const outcome = await commit(...args);
    await database.promise;
    return outcome;
  };
  bench.dispatcher.start();
  await bench.clock.run(0);
  expect(bench.jobs.chunks.map(({ status }) => status)).toEqual(["done", "leased"]);
  const stopped = bench.dispatcher.stop();
  database.resolve();
  await stopped;
  expect(bench.jobs.chunks[1]).toMatchObject({ status: "pending", attempt: 0 });
  expect(bench.committed).toHaveLength(1);
  expect(bench.fetches).toHaveLength(1);
});

test("Dispatcher.stop(), commits on its way out, and takes nothing along", async () => {
  const bench = new Bench(1);
  bench.jobs.plan(M, M + 10);
  bench.jobs.plan(M + 10, M + 20);
  const commit = bench.jobs.commit.bind(bench.jobs);
  const asked: unknown[] = [];
  bench.jobs.commit = (lease, result, next) => {
    asked.push(next);
    return asked.length === 1 ? Promise.reject(new Error("not sent")) : commit(lease, result, next);
  };
  let stopped = Promise.resolve();
  bench.jobs.readChunk = async () => {
    stopped = bench.dispatcher.stop();
    return undefined;
  };
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  await stopped;
  expect(asked[0]).toEqual({ owner: "test", leaseMs: LEASE_MS });
  expect(asked.slice(1).every((next) => next === undefined)).toBe(true);
  expect(bench.jobs.chunks[1]).toMatchObject({ status: "pending", attempt: 0 });
});

test("Dispatcher.stop(), what breaks because we let go is no failed attempt", async () => {
  const bench = new Bench(1);
  bench.answer = (_range, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("socket closed"))));
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(100);
  await bench.dispatcher.stop();
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "pending", attempt: 0 });
  expect(bench.failures).toEqual([]);
});

test("Dispatcher.stop(), does not wait for ever for a chunk that hears nothing", async () => {
  const bench = new Bench(1);
  bench.answer = () => new Promise(() => undefined);
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(100);
  let stopped = false;
  void bench.dispatcher.stop().then(() => {
    stopped = true;
  });
  await bench.clock.run(7_999);
  expect(stopped).toBe(false);
  await bench.clock.run(1);
  await settle();
  expect(stopped).toBe(true);
});

test("Dispatcher, overlapping chunks wait for one another and fetch each minute once", async () => {
  const bench = new Bench(3);
  bench.answer = async (range) => {
    await new Promise<void>((resolve) => bench.clock.after(100, resolve));
    return tradesOf(range);
  };
  bench.jobs.plan(M, M + 10);
  bench.jobs.plan(M + 5, M + 15);
  bench.jobs.plan(M + 20, M + 30);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.fetches).toEqual([
    { lo: M, hi: M + 10 },
    { lo: M + 20, hi: M + 30 },
    { lo: M + 10, hi: M + 15 },
  ]);
  expect(bench.jobs.chunks.every(({ status }) => status === "done")).toBe(true);
  await bench.dispatcher.stop();
});

test("Dispatcher, a chunk that waits for an overlapping one is given back without it when it is to be let go", async () => {
  const bench = new Bench();
  const deaf = Promise.withResolvers<TradeBatch>();
  bench.answer = () => deaf.promise;
  const running = bench.jobs.plan(M, M + 10);
  const waiting = bench.jobs.plan(M + 5, M + 15);
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  expect([running.status, waiting.status, bench.fetches.length]).toEqual(["leased", "leased", 1]);
  bench.dispatcher.heed({ id: "job-1", intent: "pause" });
  await bench.clock.run(100);
  expect([running.status, bench.fetches.length]).toEqual(["leased", 1]);
  expect(bench.jobs.calls.filter((call) => call === "release")).toHaveLength(1);
  deaf.resolve(tradesOf({ lo: M, hi: M + 10 }));
  await bench.dispatcher.stop();
});

test("Dispatcher, a forced chunk fetches covered minutes again", async () => {
  const bench = new Bench();
  bench.jobs.force = true;
  bench.jobs.covered = bench.jobs.covered.add({ lo: M, hi: M + 10 });
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.fetches).toEqual([{ lo: M, hi: M + 10 }]);
  await bench.dispatcher.stop();
});

test("Dispatcher, a commit whose answer was lost is read again and counts once", async () => {
  const bench = new Bench();
  bench.jobs.lostAnswers = 1;
  const chunk = bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.jobs.calls.filter((call) => call === "commit").length).toBe(1);
  expect(chunk).toMatchObject({ status: "done", attempt: 1, segments: 1 });
  expect(bench.committed.length).toBe(1);
  expect(bench.failures).toEqual([]);
  await bench.dispatcher.stop();
});

test("Dispatcher, a commit that did not arrive is sent again", async () => {
  const bench = new Bench();
  bench.jobs.trouble.set("commit", 2);
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "done", attempt: 1, segments: 1 });
  await bench.dispatcher.stop();
});

test("Dispatcher, a chunk that is somebody else's by now publishes nothing", async () => {
  const bench = new Bench();
  const chunk = bench.jobs.plan(M, M + 10);
  bench.answer = async (range) => {
    bench.jobs.steal(chunk);
    return tradesOf(range);
  };
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  expect(bench.jobs.calls).toContain("commit");
  expect(bench.committed).toEqual([]);
  expect(bench.jobs.covered.size).toBe(0);
  await bench.dispatcher.stop();
});

test("Dispatcher, a lease that is lost ends its chunk at the next heartbeat", async () => {
  const bench = new Bench();
  bench.answer = hang;
  const chunk = bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(1_000);
  expect(bench.fetching).toBe(1);
  bench.jobs.steal(chunk);
  await bench.clock.run(5_000);
  expect(bench.fetching).toBe(0);
  expect(bench.failures).toEqual([]);
  await bench.dispatcher.stop();
});

test("Dispatcher, trouble with the database is told and survived", async () => {
  const bench = new Bench();
  bench.jobs.trouble.set("claim", 2).set("pendingWork", 1).set("reapExpired", 1);
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(5_000);
  expect(bench.jobs.chunks[0]?.status).toBe("done");
  expect(bench.troubles.length).toBe(4);
  await bench.dispatcher.stop();
});

test("Dispatcher, a chunk that could not be given back is reaped and run again", async () => {
  const bench = new Bench();
  let tries = 0;
  bench.answer = async (range) => {
    if (++tries === 1) throw new OperationFailure("transient", "502");
    return tradesOf(range);
  };
  bench.jobs.trouble.set("retryLater", 1);
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(10_000);
  expect(bench.jobs.chunks[0]?.status).toBe("leased");
  await bench.clock.run(10_000);
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "done", attempt: 2 });
  await bench.dispatcher.stop();
});

test("Dispatcher, ids that the venue left out fail the attempt", async () => {
  const bench = new Bench();
  bench.idGaps = [{ from: 5, to: 8 }];
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(100);
  expect(bench.failures[0]?.message).toBe(
    "binance:BTCUSDT: the venue left out trade ids 5 to 7, asked twice",
  );
  expect(bench.jobs.covered.size).toBe(0);
  await bench.dispatcher.stop();
});

test("Dispatcher, minutes that one of two clocks says are not over wait, unless a later trade proves them", async () => {
  const bench = new Bench();
  bench.openEnd = true;
  bench.pastMs = (M + 10) * 60_000 - 3_000;
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(0);
  expect(bench.failures).toEqual([
    { message: expect.stringContaining("3000 ms are left"), retryInMs: 3_000 },
  ]);
  expect(bench.jobs.chunks[0]?.status).toBe("pending");
  bench.openEnd = false;
  await bench.settleAll();
  expect(bench.jobs.chunks[0]?.status).toBe("done");
  await bench.dispatcher.stop();
});

test("Dispatcher, minutes without trades are covered by a segment without files", async () => {
  const bench = new Bench();
  bench.jobs.plan(M, M + 10);
  bench.answer = async () => batchOfTrades([], { scales: SCALES });
  bench.dispatcher.start();
  await bench.settleAll();
  expect(bench.jobs.covered.ranges).toEqual([{ lo: M, hi: M + 10 }]);
  expect(bench.written).toBe(0);
  await bench.dispatcher.stop();
});

test("Dispatcher.heed(), chunks of a job that is not to run are let go at once, without spending the attempt", async () => {
  const bench = new Bench();
  bench.answer = hang;
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(0);
  bench.dispatcher.heed({ id: "another", intent: "pause" });
  bench.dispatcher.heed({ id: "job-1", intent: "run" });
  await bench.clock.run(0);
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "leased", attempt: 1 });
  bench.answer = async (range) => tradesOf(range);
  bench.dispatcher.heed({ id: "job-1", intent: "pause" });
  await bench.clock.run(0);
  expect(bench.jobs.calls).toContain("release");
  expect(bench.failures).toEqual([]);
  // The fake gives it out again, as a resumed job would.
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "done", attempt: 1 });
  await bench.dispatcher.stop();
});

test("Dispatcher, a heartbeat that brings another intent has the chunk given back", async () => {
  const bench = new Bench();
  bench.answer = hang;
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(0);
  bench.jobs.intent = "cancel";
  bench.answer = async (range) => tradesOf(range);
  await bench.clock.run(2_000);
  expect(bench.jobs.calls).toContain("release");
  expect(bench.jobs.chunks[0]).toMatchObject({ status: "done", attempt: 1 });
  await bench.dispatcher.stop();
});

test("Dispatcher, looks for deadlines that have passed and lets go of their chunks", async () => {
  const bench = new Bench();
  bench.answer = hang;
  bench.jobs.plan(M, M + 10);
  bench.dispatcher.start();
  await bench.clock.run(0);
  bench.jobs.overdue.push({
    job: newProgress({ id: "job-1", intent: "cancel", status: "error" }),
    events: [],
  });
  bench.answer = async (range) => tradesOf(range);
  await bench.clock.run(3_000);
  expect(bench.jobs.calls).toContain("release");
  await bench.dispatcher.stop();
});
