import { expect, test } from "bun:test";
import { seededRandom } from "../support/trades.ts";
import { RunawayRun, Scheduler } from "./support/scheduler.ts";
import { SimulatedProcess } from "./support/simulated-process.ts";

const NEVER = () => false;

function processOf(scheduler: Scheduler): SimulatedProcess {
  return new SimulatedProcess("p", scheduler, { offsetMs: 500, rate: 2 });
}

test("runUntil() runs events by their times and settles promises in between", () => {
  const scheduler = new Scheduler(0, seededRandom(1));
  const seen: string[] = [];
  const later = async (name: string) => {
    await Promise.resolve();
    await Promise.resolve();
    seen.push(`${name} settled at ${scheduler.nowMs()}`);
  };
  scheduler.after(20, () => seen.push(`b at ${scheduler.nowMs()}`));
  scheduler.after(10, () => {
    seen.push(`a at ${scheduler.nowMs()}`);
    void later("a");
  });
  scheduler.after(15, () => seen.push("never"))();
  scheduler.after(40, () => seen.push("too late"));
  expect(scheduler.runUntil(NEVER, 30)).toBe(false);
  expect(seen).toEqual(["a at 10", "a settled at 10", "b at 20"]);
  expect([scheduler.nowMs(), scheduler.pending]).toEqual([30, 1]);
});

test("runUntil() lets the seed decide between events of one time", () => {
  const orderOf = (seed: number) => {
    const scheduler = new Scheduler(0, seededRandom(seed));
    const order: number[] = [];
    for (let n = 0; n < 6; n++) scheduler.after(1, () => order.push(n));
    scheduler.runUntil(NEVER, 1);
    return order.join("");
  };
  expect(orderOf(1)).toBe(orderOf(1));
  expect(new Set(Array.from({ length: 20 }, (_, seed) => orderOf(seed))).size).toBeGreaterThan(5);
});

test("runUntil() gives up on a run without end", () => {
  const scheduler = new Scheduler(0, seededRandom(1));
  const again = () => void scheduler.after(0, again);
  again();
  expect(() => scheduler.runUntil(NEVER, 1)).toThrow(RunawayRun);
});

test("a paused process gets what it missed all at once, a dead one nothing", () => {
  const scheduler = new Scheduler(1_000, seededRandom(1));
  const process = processOf(scheduler);
  const fired: number[] = [];
  for (const delayMs of [20, 40, 400]) process.after(delayMs, () => fired.push(scheduler.nowMs()));
  process.after(30, () => fired.push(-1))();
  process.pause();
  scheduler.runUntil(NEVER, 1_100);
  expect(fired).toEqual([]);
  process.resume();
  expect(process.isCatchingUp).toBe(true);
  scheduler.runUntil(NEVER, 1_150);
  expect(fired).toEqual([1_100, 1_100]);
  process.kill();
  scheduler.runUntil(NEVER, 2_000);
  expect(fired).toHaveLength(2);
});

test("a process has a clock of its own", () => {
  const scheduler = new Scheduler(1_000, seededRandom(1));
  const process = processOf(scheduler);
  const before = process.now();
  let firedAt = 0;
  process.after(100, () => {
    firedAt = scheduler.nowMs();
  });
  scheduler.runUntil(NEVER, 1_200);
  expect([firedAt, process.now() - before, process.nowMs()]).toEqual([1_050, 400, 1_700]);
});
