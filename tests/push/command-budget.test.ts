import { describe, expect, test } from "bun:test";
import { CommandBudget } from "../../src/push/command-budget.ts";
import { PUSH_LIMITS } from "../../src/push/mod.ts";
import { FakeTimers } from "./fakes.ts";

function makeBudget(commandsPerSecond: number, commandsBurst: number) {
  const timers = new FakeTimers();
  return { timers, budget: new CommandBudget({ ...PUSH_LIMITS, commandsPerSecond, commandsBurst }, timers) };
}

describe("CommandBudget", () => {
  test("has room for a burst, and for no more of it", () => {
    const { budget } = makeBudget(10, 20);
    expect([budget.take(19), budget.take(1), budget.take(1)]).toEqual([true, true, false]);
  });

  test("earns so much a second, and never more than a burst", async () => {
    const { budget, timers } = makeBudget(10, 20);
    budget.take(20);
    await timers.advance(500);
    expect(budget.take(5)).toBe(true);
    await timers.advance(60_000);
    expect([budget.take(20), budget.take(1)]).toEqual([true, false]);
  });

  test("a client that keeps to the rate is never refused", async () => {
    const { budget, timers } = makeBudget(10, 20);
    for (let n = 0; n < 200; n++) {
      expect(budget.take(1)).toBe(true);
      await timers.advance(100);
    }
  });
});
