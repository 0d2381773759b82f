import { describe, expect, test } from "bun:test";
import { Pace } from "../../src/push/pace.ts";
import type { PushTimers } from "../../src/push/timers.ts";
import { FakeTimers } from "./fakes.ts";

/** Timers that come late by what `lateMs` says when they are set. */
function lateTimers(lateMs: () => number): { readonly clock: FakeTimers; readonly timers: PushTimers } {
  const clock = new FakeTimers();
  const after = (delayMs: number, run: () => void) => clock.after(delayMs + lateMs(), run);
  return { clock, timers: { now: () => clock.now(), after } };
}

describe("Pace", () => {
  test.each([
    [5, [0, 105, 205, 305, 405]],
    // More than a tenth of the interval: the next run keeps its distance from this one.
    [40, [0, 140, 270, 400]],
  ])("a run that is %d ms late does not delay those after it by as much", async (late, expected) => {
    let lateMs = 0;
    const { clock, timers } = lateTimers(() => lateMs);
    const runs: number[] = [];
    const pace = new Pace(timers, 100, () => {
      runs.push(clock.now());
      lateMs = late;
      pace.request();
    });
    pace.request();
    await clock.advance(410);
    pace.stop();
    expect(runs).toEqual(expected);
  });
});
