import { expect, test } from "bun:test";
import { SealedQueue } from "../../src/live/sealed-queue.ts";
import { batchOfTrades, idsOf, SCALES } from "../support/trades.ts";

/** Minutes `[lo, hi)` with one trade each, its id the minute. */
function sealed(lo: number, hi: number) {
  const minutes = Array.from({ length: hi - lo }, (_, i) => lo + i);
  const trades = minutes.map((id) => ({ id, timeMs: id * 60_000, price: 1, size: 1, buy: false }));
  return { range: { lo, hi }, batch: batchOfTrades(trades) };
}

function queueOf(...runs: readonly (readonly [number, number])[]): SealedQueue {
  const queue = new SealedQueue();
  for (const [lo, hi] of runs) queue.add(sealed(lo, hi));
  return queue;
}

const take = (queue: SealedQueue) => queue.takeRun(5, "aggregate", SCALES);

test("SealedQueue.takeRun(), joins minutes up to the window's end", () => {
  const queue = queueOf([11, 12], [12, 14], [14, 15], [15, 16]);
  const run = take(queue);
  expect(run?.range).toEqual({ lo: 11, hi: 15 });
  expect(idsOf(run!.batch)).toEqual([11, 12, 13, 14]);
  expect(queue.minutes.ranges).toEqual([{ lo: 15, hi: 16 }]);
  expect(queue.rows).toBe(1);
});

test("SealedQueue.takeRun(), ends where a minute is missing", () => {
  const queue = queueOf([10, 11], [12, 13]);
  expect(take(queue)?.range).toEqual({ lo: 10, hi: 11 });
  expect(take(queue)?.range).toEqual({ lo: 12, hi: 13 });
  expect(take(queue)).toBeUndefined();
});

test("SealedQueue.takeRun(), splits a run that crosses windows", () => {
  const queue = queueOf([13, 22], [22, 23]);
  const runs = [take(queue), take(queue), take(queue)];
  expect(runs.map((run) => run?.range)).toEqual([
    { lo: 13, hi: 15 },
    { lo: 15, hi: 20 },
    { lo: 20, hi: 23 },
  ]);
  expect(runs.map((run) => run?.batch.length)).toEqual([2, 5, 3]);
  expect(queue.rows).toBe(0);
});

test("SealedQueue.drop(), takes one minute out of the middle", () => {
  const queue = queueOf([10, 14]);
  queue.drop(12);
  queue.drop(40);
  expect(queue.minutes.ranges).toEqual([
    { lo: 10, hi: 12 },
    { lo: 13, hi: 14 },
  ]);
  expect(queue.rows).toBe(3);
  expect(idsOf(take(queue)!.batch)).toEqual([10, 11]);
});

test("SealedQueue.putBack(), a run is taken again first", () => {
  const queue = queueOf([10, 12], [12, 13]);
  const run = take(queue)!;
  queue.add(sealed(13, 14));
  queue.putBack(run);
  expect(queue.rows).toBe(4);
  expect(idsOf(take(queue)!.batch)).toEqual([10, 11, 12, 13]);
});
