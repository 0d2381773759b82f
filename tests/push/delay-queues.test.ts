import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { DelayQueues } from "../../src/push/delay-queues.ts";
import { FakeTimers } from "./fakes.ts";

const DELAYS_MS = [25, 8, 3];
/** A delay that has no queue. */
const OTHER_MS = 11;

describe("DelayQueues", () => {
  test("every timer runs at its time and in its order, and none that was called off, as with timers of their own", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set"), delayMs: fc.constantFrom(...DELAYS_MS, OTHER_MS) }),
      fc.record({ kind: fc.constant("set inside"), delayMs: fc.constantFrom(...DELAYS_MS) }),
      fc.record({ kind: fc.constant("call off"), nth: fc.nat(20) }),
      fc.record({ kind: fc.constant("pass"), ms: fc.nat(12) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const naive = new FakeTimers();
        const machine = new FakeTimers();
        const queues = new DelayQueues(machine, DELAYS_MS);
        const worlds = [naive, queues].map((timers) => ({
          timers,
          ran: [] as string[],
          cancels: [] as (() => void)[],
        }));
        for (const [at, each] of steps.entries()) {
          for (const { timers, ran, cancels } of worlds) {
            const note = (name: string, delayMs: number) => ran.push(`${delayMs} ${timers.now()} ${name}`);
            if ("ms" in each) continue;
            if ("nth" in each) cancels.at(-1 - (each.nth % Math.max(1, cancels.length)))?.();
            else
              cancels.push(
                timers.after(each.delayMs, () => {
                  note(`#${at}`, each.delayMs);
                  if (each.kind === "set inside")
                    cancels.push(timers.after(each.delayMs, () => note(`inside #${at}`, each.delayMs)));
                }),
              );
          }
          if ("ms" in each) for (const timers of [naive, machine]) await timers.advance(each.ms);
        }
        for (const timers of [naive, machine]) await timers.advance(100);
        // Between two delays that end in the same millisecond there is no order.
        const [expected, found] = worlds.map(({ ran }) =>
          [...DELAYS_MS, OTHER_MS].map((delayMs) => ran.filter((line) => line.startsWith(`${delayMs} `))),
        );
        expect(found).toEqual(expected!);
        expect(machine.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("thousands share one timer of the machine, and come due in turns of 200", async () => {
    const machine = new FakeTimers();
    const queues = new DelayQueues(machine, [25]);
    let ran = 0;
    const cancels = Array.from({ length: 1_000 }, () => queues.after(25, () => void ran++));
    expect(machine.pending).toBe(1);
    for (const cancel of cancels.slice(500)) cancel();
    const turns: number[] = [];
    const watched: typeof machine.after = machine.after.bind(machine);
    machine.after = (delayMs, run) =>
      watched(delayMs, () => {
        run();
        turns.push(ran);
      });
    await machine.advance(24);
    expect(ran).toBe(0);
    await machine.advance(1);
    expect(ran).toBe(500);
    expect(turns).toEqual([400, 500]);
    expect(machine.pending).toBe(0);
  });

  test("one that throws keeps none of the others from running", async () => {
    const machine = new FakeTimers();
    const queues = new DelayQueues(machine, [5]);
    const ran: string[] = [];
    queues.after(5, () => {
      throw new Error("broken");
    });
    queues.after(5, () => void ran.push("second"));
    await expect(machine.advance(5)).rejects.toThrow("broken");
    await machine.advance(5);
    expect(ran).toEqual(["second"]);
  });
});
