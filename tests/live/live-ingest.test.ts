import { expect, test } from "bun:test";
import { Coverage, MS_PER_MINUTE, OperationFailure } from "../../src/core/mod.ts";
import { settle } from "../support/fake-clock.ts";
import { idsOf } from "../support/trades.ts";
import { LiveBench, FIRST_MINUTE as M, START_MS } from "./fakes.ts";

const minutes = (lo: number, hi: number) => ({ lo: M + lo, hi: M + hi });
const ranges = (segments: readonly { readonly range: { readonly lo: number; readonly hi: number } }[]) =>
  segments.map(({ range }) => [range.lo - M, range.hi - M]);
const held = (bench: LiveBench, lo: number, hi: number) =>
  bench.ingest.heldMinutes(1, minutes(lo, hi)).ranges.map((range) => [range.lo - M, range.hi - M]);

test("LiveIngest, an open minute is in the store within the fold interval", () => {
  const bench = new LiveBench();
  bench.clock.advance(1_000);
  bench.trade(7);
  bench.trade(5);
  const before = bench.announced;
  bench.clock.advance(40);
  expect(bench.series.window(minutes(0, 1)).fold.volume).toBe(12);
  expect(bench.series.covered.size).toBe(0);
  expect(bench.announced - before).toBe(1);
});

test("LiveIngest, whoever reads before the fold interval is over brings the open minute up to its last trade", () => {
  const bench = new LiveBench();
  bench.clock.advance(1_000);
  bench.trade(7);
  const before = bench.announced;
  bench.ingest.catchUp(1);
  expect(bench.series.window(minutes(0, 1)).fold.volume).toBe(7);
  bench.ingest.catchUp(1);
  bench.ingest.catchUp(99);
  expect(bench.announced - before).toBe(1);
  bench.trade(5);
  bench.clock.advance(40);
  expect(bench.series.window(minutes(0, 1)).fold.volume).toBe(12);
  expect(bench.announced - before).toBe(2);
});

test("LiveIngest, sealed minutes are covered at once and written in aligned windows", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(12);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(100);
  expect(ranges(bench.written)).toEqual([
    [1, 5],
    [5, 10],
  ]);
  expect(bench.written.map(({ batch }) => batch.length)).toEqual([8, 10]);
  expect(bench.written[1]?.contributions.minutes.length).toBe(5);
  expect(bench.series.covered.ranges).toEqual([minutes(1, 12)]);
  expect(bench.series.committedWithin(minutes(0, 20)).ranges).toEqual([minutes(1, 10)]);
  expect(bench.series.window(minutes(1, 12)).fold.volume).toBe(220);
  await bench.ingest.stop();
});

test("LiveIngest, a quiet minute is sealed by the venue's word", async () => {
  const bench = new LiveBench();
  await bench.clock.run(20_000);
  const tradedMs = bench.clock.nowMs();
  bench.trade();
  bench.venue.newestOf = async () => ({ id: 1, timeUs: tradedMs * 1_000 });
  await bench.clock.run(40_000 + 60_000 + 1_100);
  expect(bench.series.covered.size).toBe(0);
  await bench.clock.run(1_000);
  expect(bench.series.covered.ranges).toEqual([minutes(1, 2)]);
  expect(bench.venue.newestAsked).toBeGreaterThan(0);
});

test("LiveIngest, a venue that does not answer is asked again, not all the time", async () => {
  const bench = new LiveBench();
  bench.venue.newestOf = async () => {
    throw new OperationFailure("transient", "502");
  };
  await bench.clock.run(10_000);
  expect(bench.venue.newestAsked).toBeGreaterThanOrEqual(3);
  expect(bench.venue.newestAsked).toBeLessThanOrEqual(6);
  expect(bench.warnings).toContain("newest trade not to be had");
});

test("LiveIngest, an answer that never comes is given up", async () => {
  const bench = new LiveBench();
  bench.venue.newestOf = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await bench.clock.run(30_000);
  expect(bench.venue.newestAsked).toBeGreaterThan(2);
  await bench.ingest.stop();
});

test("LiveIngest, a failed commit keeps the minutes and tries again", async () => {
  const bench = new LiveBench();
  bench.answers = ["fail", "fail", "committed"];
  await bench.tradeMinutes(5);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(2_000);
  expect(bench.commits.length).toBe(1);
  expect(held(bench, 0, 5)).toEqual([[1, 5]]);
  expect(bench.series.covered.ranges).toEqual([minutes(1, 5)]);
  await bench.clock.run(12_000);
  expect(ranges(bench.commits)).toEqual([
    [1, 5],
    [1, 5],
    [1, 5],
  ]);
  expect(ranges(bench.written)).toEqual([[1, 5]]);
  expect(idsOf(bench.written[0]!.batch)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
});

test("LiveIngest, a conflict drops the minutes", async () => {
  const bench = new LiveBench();
  bench.answers = ["conflict", "committed"];
  await bench.tradeMinutes(5);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(30_000);
  expect(ranges(bench.commits)).toEqual([[1, 5]]);
  expect(bench.written).toEqual([]);
  expect(held(bench, 0, 5)).toEqual([]);
});

test("LiveIngest.heldMinutes(), a run that is being written is held until it is committed", async () => {
  const bench = new LiveBench();
  const answer = Promise.withResolvers<"committed">();
  bench.answers = [answer.promise, "committed"];
  await bench.tradeMinutes(5);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(1_000);
  expect(bench.commits.length).toBe(1);
  expect(held(bench, 0, 5)).toEqual([[1, 5]]);
  // What the stream may still seal is promised: from the minute under way on.
  expect(held(bench, 0, 30)).toEqual([[1, 30]]);
  expect(bench.series.committedWithin(minutes(0, 9)).ranges).toEqual([]);
  answer.resolve("committed");
  await settle();
  expect(held(bench, 0, 5)).toEqual([]);
  expect(bench.series.committedWithin(minutes(0, 9)).ranges).toEqual([minutes(1, 5)]);
});

test("LiveIngest.heldMinutes(), nothing for a series that is not followed, nothing ahead while the stream is down", async () => {
  const bench = new LiveBench();
  expect(bench.ingest.heldMinutes(99, minutes(0, 9))).toBe(Coverage.empty);
  bench.trade();
  expect(held(bench, 0, 9)).toEqual([[1, 9]]);
  bench.venue.listener?.down("BTCUSDT", "closed");
  expect(held(bench, 0, 9)).toEqual([]);
  expect(bench.warnings).toEqual(["live continuity ended; the gap is backfilled"]);
});

test("LiveIngest.flush(), one run is written at a time, whoever asks", async () => {
  const bench = new LiveBench();
  const answer = Promise.withResolvers<"committed">();
  bench.answers = [answer.promise, "committed"];
  await bench.tradeMinutes(8);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(1_000);
  const flushed = Promise.all([bench.ingest.flush(1), bench.ingest.flush(1)]);
  await bench.clock.run(30_000);
  expect(ranges(bench.commits)).toEqual([[1, 5]]);
  answer.resolve("committed");
  await flushed;
  expect(ranges(bench.commits)).toEqual([
    [1, 5],
    [5, 8],
  ]);
  expect(held(bench, 0, 8)).toEqual([]);
});

test("LiveIngest.stop(), writes what is sealed and closes the feed", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(3);
  await bench.clock.run(1_000);
  bench.trade();
  expect(bench.commits).toEqual([]);
  await bench.ingest.stop();
  expect(ranges(bench.written)).toEqual([[1, 3]]);
  expect(bench.venue.closed).toBe(true);
  expect(bench.clock.pending).toBe(0);
});

test("LiveIngest.stop(), ends although nothing can be written", async () => {
  const bench = new LiveBench();
  bench.answers = ["fail"];
  await bench.tradeMinutes(3);
  await bench.clock.run(1_000);
  bench.trade();
  await bench.ingest.stop();
  expect(bench.written).toEqual([]);
});

test("LiveIngest, a trade that comes late for a waiting minute takes it out of the queue", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(3);
  await bench.clock.run(1_000);
  bench.trade();
  bench.trade(1, START_MS + 1 * MS_PER_MINUTE + 59_000);
  expect(bench.refetched).toEqual([M + 1]);
  expect(bench.series.covered.ranges).toEqual([minutes(2, 3)]);
  await bench.ingest.stop();
  expect(ranges(bench.written)).toEqual([[2, 3]]);
});

test("LiveIngest, a trade that comes late for a written minute uncovers and refetches it", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(5);
  await bench.clock.run(11_000);
  bench.trade();
  await bench.clock.run(1_000);
  expect(ranges(bench.written)).toEqual([[1, 5]]);
  bench.trade(1, START_MS + 3 * MS_PER_MINUTE + 59_000);
  expect(bench.refetched).toEqual([M + 3]);
  expect(bench.series.covered.ranges).toEqual([minutes(1, 3), minutes(4, 5)]);
});

for (const outcome of ["committed", "fail"] as const)
  test(`LiveIngest, a trade that comes late while its minute is written is not lost (${outcome})`, async () => {
    const bench = new LiveBench();
    const answer = Promise.withResolvers<"committed" | "fail">();
    bench.answers = [answer.promise, "committed"];
    await bench.tradeMinutes(5);
    await bench.clock.run(11_000);
    bench.trade();
    await bench.clock.run(1_000);
    bench.trade(1, START_MS + 3 * MS_PER_MINUTE + 59_000);
    expect(bench.refetched).toEqual([M + 3]);
    answer.resolve(outcome);
    await settle();
    expect(bench.series.covered.has(M + 3)).toBe(false);
    await bench.ingest.stop();
    expect(ranges(bench.written)).toEqual(
      outcome === "committed"
        ? [[1, 5]]
        : [
            [1, 3],
            [4, 5],
          ],
    );
    expect(bench.series.covered.ranges).toEqual([minutes(1, 3), minutes(4, 5)]);
  });

test("LiveIngest, trades whose ids and times disagree at an edge are written in id order", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(4);
  await bench.clock.run(100);
  bench.trade(1);
  bench.trade(1, bench.clock.nowMs() - 200);
  await bench.clock.run(5_000);
  bench.trade(1);
  await bench.tradeMinutes(1);
  bench.trade(1);
  await bench.ingest.stop();
  expect(ranges(bench.written)).toEqual([[1, 5]]);
  for (const { batch } of bench.written) {
    const ids = idsOf(batch);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  }
  expect(bench.series.window(minutes(3, 4)).fold.volume).toBe(21);
});

test("LiveIngest, a store whose scales outgrew the stream's gets whole bins", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(2);
  bench.series.growScales({ priceScale: 4, sizeScale: 3 });
  bench.trade();
  await bench.clock.run(1_000);
  bench.trade();
  await bench.clock.run(100);
  expect(bench.series.grid.binUnits).toBe(500);
  expect([...bench.series.window(minutes(0, 3)).fold.profile.rows().bins]).toEqual([20]);
  expect(bench.series.window(minutes(0, 3)).fold.high).toBe(10_000);
});

test("LiveIngest, a window that is not sealed to its end is written after a while", async () => {
  const bench = new LiveBench();
  await bench.tradeMinutes(4);
  bench.venue.listener?.down("BTCUSDT", "closed");
  await bench.clock.run(60_000 + 14_000);
  expect(bench.commits).toEqual([]);
  await bench.clock.run(2_000);
  expect(ranges(bench.written)).toEqual([[1, 3]]);
});
