import { describe, expect, test } from "bun:test";
import { Expiry } from "../../src/push/expiry.ts";
import { FakeTimers } from "./fakes.ts";

function makeExpiry() {
  const timers = new FakeTimers();
  let lapses = 0;
  const expiry = new Expiry({
    timers,
    nowMs: () => 1_000_000 + timers.now(),
    graceMs: 5_000,
    onLapsed: () => {
      lapses += 1;
    },
  });
  return { timers, expiry, lapses: () => lapses };
}

describe("Expiry", () => {
  test("without an end nothing is told and nothing waits", () => {
    const { expiry, timers } = makeExpiry();
    expiry.set(undefined);
    expect([expiry.expired, expiry.lifetime, timers.pending]).toEqual([false, {}, 0]);
  });

  test("expires at its end, and lapses once the grace has passed too", async () => {
    const { expiry, timers, lapses } = makeExpiry();
    expiry.set(1_010_500);
    expect(expiry.lifetime).toEqual({ expires: true, ttl: 10 });
    await timers.advance(10_499);
    expect([expiry.expired, expiry.lifetime.ttl]).toEqual([false, 1]);
    await timers.advance(1);
    expect([expiry.expired, lapses()]).toEqual([true, 0]);
    await timers.advance(4_999);
    expect(lapses()).toBe(0);
    await timers.advance(1);
    expect([lapses(), timers.pending]).toEqual([1, 0]);
  });

  test("a later end replaces the earlier one", async () => {
    const { expiry, timers, lapses } = makeExpiry();
    expiry.set(1_001_000);
    await timers.advance(3_000);
    expiry.set(1_020_000);
    expect(expiry.expired).toBe(false);
    await timers.advance(21_999);
    expect(lapses()).toBe(0);
    await timers.advance(1);
    expect(lapses()).toBe(1);
  });

  test("an end of next year is waited for in steps that a timer can hold", async () => {
    const { expiry, timers, lapses } = makeExpiry();
    const waits: number[] = [];
    const after = timers.after.bind(timers);
    timers.after = (delayMs, run) => {
      waits.push(delayMs);
      return after(delayMs, run);
    };
    expiry.set(1_000_000 + 86_400_000);
    await timers.advance(86_400_000 + 5_000);
    expect(lapses()).toBe(1);
    expect(Math.max(...waits)).toBeLessThan(2 ** 31);
    expect(waits.length).toBeGreaterThan(1);
  });

  test("stop() leaves no timer", () => {
    const { expiry, timers } = makeExpiry();
    expiry.set(2_000_000);
    expiry.stop();
    expect(timers.pending).toBe(0);
  });
});
