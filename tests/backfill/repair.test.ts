import { expect, test } from "bun:test";
import { GapRepair } from "../../src/backfill/repair.ts";
import type { BackfillRequest } from "../../src/backfill/request.ts";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { instrumentNamed } from "../support/trades.ts";
import { newProgress } from "./memory-job-store.ts";

const M = 28_000_000;
const minutes = (lo: number, hi: number): MinuteRange => ({ lo: M + lo, hi: M + hi });

class Bench {
  /** Minute 29 has just been over for long enough. */
  readonly clock = new FakeClock((M + 30) * 60_000 + 1_000);
  readonly series = new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: 5 });
  readonly requests: BackfillRequest[] = [];
  readonly warnings: string[] = [];
  planned: MinuteRange[] = [];
  calledOff: MinuteRange[] = [];
  promised: Coverage = Coverage.empty;
  submitFails = 0;
  plansFail = false;
  readonly repair = new GapRepair({
    jobs: {
      openRanges: async () => {
        if (this.plansFail) throw new Error("the database is gone");
        return this.planned;
      },
      calledOffRanges: async () => this.calledOff,
    },
    service: {
      submit: async (request) => {
        if (this.submitFails-- > 0) throw new Error("the venue is down");
        this.requests.push(request);
        return { kind: "created", job: newProgress() };
      },
    },
    live: { heldMinutes: (_id, range) => this.promised.within(range), flush: async () => undefined },
    clock: this.clock,
    followed: () => [this.series],
    wanted: (hi) => [{ lo: M, hi }],
    warn: (message) => this.warnings.push(message),
  });

  get asked(): [lo: number, hi: number, force: boolean][] {
    return this.requests.map(({ range, force }) => [range.lo - M, range.hi - M, force]);
  }
}

test("GapRepair.lookOnce(), asks once for every minute that nobody covers or is about to", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10)]);
  bench.planned = [minutes(12, 15)];
  bench.promised = Coverage.of([minutes(20, 40)]);
  await bench.repair.lookOnce();
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([
    [10, 12, false],
    [15, 20, false],
  ]);
  expect(bench.requests[0]).toMatchObject({
    symbols: [{ venue: "binance", symbol: "BTCUSDT" }],
    reason: "repair",
    order: "recent",
  });
});

test("GapRepair.lookOnce(), a minute is no gap until the venue lists all of it", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 30)]);
  await bench.clock.run(59_999);
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([]);
  await bench.clock.run(1);
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([[30, 31, false]]);
});

test("GapRepair.lookOnce(), nothing is asked for while all is covered, planned or promised", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10)]);
  bench.planned = [minutes(10, 20)];
  bench.promised = Coverage.of([minutes(20, 100)]);
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([]);
});

test("GapRepair.lookOnce(), a gap that stays is fetched anew, more and more rarely", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10), minutes(11, 10_000)]);
  const askedAt: number[] = [];
  for (let second = 0; second <= 3_600; second += 10) {
    const before = bench.requests.length;
    await bench.repair.lookOnce();
    if (bench.requests.length > before) askedAt.push(second);
    await bench.clock.run(10_000);
  }
  expect(askedAt).toEqual([0, 30, 90, 210, 450, 930, 1_890]);
  expect(bench.asked.slice(0, 3)).toEqual([
    [10, 11, false],
    [10, 11, true],
    [10, 11, true],
  ]);
});

test("GapRepair.lookOnce(), a gap that was closed and opens again is asked for at once", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10), minutes(11, 10_000)]);
  await bench.repair.lookOnce();
  bench.series.resetCommitted([minutes(0, 10_000)]);
  await bench.repair.lookOnce();
  bench.series.uncover(minutes(10, 11));
  await bench.repair.lookOnce();
  expect(bench.asked.length).toBe(2);
});

test("GapRepair.lookOnce(), trouble is told, and does not forget what was asked for", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10), minutes(11, 10_000)]);
  await bench.repair.lookOnce();
  bench.plansFail = true;
  await bench.repair.lookOnce();
  expect(bench.warnings).toEqual(["binance:BTCUSDT: looking for gaps failed: the database is gone"]);
  bench.plansFail = false;
  await bench.repair.lookOnce();
  expect(bench.asked.length).toBe(1);
});

test("GapRepair.refetch(), fetches a covered minute again, and again when it could not be asked for", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10_000)]);
  bench.submitFails = 1;
  await bench.repair.refetch(bench.series, M + 7);
  expect(bench.asked).toEqual([]);
  expect(bench.warnings[0]).toContain("could not be fetched again: the venue is down");
  await bench.repair.lookOnce();
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([[7, 8, true]]);
});

test("GapRepair.start(), looks again and again until it is stopped", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 30)]);
  bench.repair.start();
  await bench.clock.run(60_000);
  expect(bench.asked).toEqual([[30, 31, false]]);
  await bench.repair.stop();
  await bench.clock.run(600_000);
  expect(bench.asked.length).toBe(1);
  expect(bench.clock.pending).toBe(0);
});

test("GapRepair.lookOnce(), leaves minutes alone that somebody called off", async () => {
  const bench = new Bench();
  bench.series.resetCommitted([minutes(0, 10)]);
  bench.calledOff = [minutes(10, 25)];
  await bench.repair.lookOnce();
  expect(bench.asked).toEqual([[25, 30, false]]);
});
