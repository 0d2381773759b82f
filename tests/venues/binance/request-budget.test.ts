import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { OperationFailure } from "../../../src/core/mod.ts";
import { type Permit, RequestBudget } from "../../../src/venues/binance/request-budget.ts";
import { ManualClock, settle } from "../support/manual-clock.ts";

const MINUTE = 60_000;
const signal = new AbortController().signal;

function watched(promise: Promise<Permit>) {
  const state: { permit?: Permit; failure?: OperationFailure } = {};
  promise.then(
    (permit) => {
      state.permit = permit;
    },
    (failure: unknown) => {
      if (failure instanceof OperationFailure) state.failure = failure;
    },
  );
  return state;
}

function budgetAt(nowMs: number, limit = 100, inFlightMax = 8) {
  const clock = new ManualClock(nowMs);
  return { clock, budget: new RequestBudget({ clock, limit, inFlightMax }) };
}

describe("RequestBudget", () => {
  test("acquire() lets at most inFlightMax requests out at once, first come first served", async () => {
    const { budget } = budgetAt(30_000, 6_000, 2);
    const [a, b, c, d] = [1, 2, 3, 4].map(() => watched(budget.acquire(1, signal)));
    await settle();
    expect([a?.permit, b?.permit, c?.permit].map((p) => p !== undefined)).toEqual([true, true, false]);
    a?.permit?.done(1);
    await settle();
    expect([c?.permit !== undefined, d?.permit !== undefined]).toEqual([true, false]);
  });

  test("acquire() waits for the next window when the stated weight leaves no room", async () => {
    const { clock, budget } = budgetAt(30_000);
    const first = await budget.acquire(4, signal);
    first.done(89);
    const next = watched(budget.acquire(4, signal));
    await clock.advance(30_000);
    expect(next.permit).toBeUndefined();
    await clock.advance(1_000);
    expect(next.permit).toBeDefined();
  });

  test("acquire() gives the headroom to repairs, and repairs go first", async () => {
    const { budget, clock } = budgetAt(30_000, 100, 1);
    const first = await budget.acquire(4, signal);
    const history = watched(budget.acquire(4, signal));
    const repair = watched(budget.acquire(4, signal, "repair"));
    first.done(91);
    await settle();
    expect([history.permit, repair.permit].map((p) => p !== undefined)).toEqual([false, true]);
    repair.permit?.done(95);
    await clock.advance(MINUTE);
    expect(history.permit).toBeDefined();
  });

  test("done() of a request of the former window does not count against the new one", async () => {
    const { budget, clock } = budgetAt(59_000);
    const old = await budget.acquire(4, signal);
    await clock.advance(2_000);
    old.done(90);
    expect(budget.used).toBe(0);
  });

  test("a turn of the clock sends one request alone, and asks again soon when the venue has not turned yet", async () => {
    const { budget, clock } = budgetAt(30_000);
    (await budget.acquire(4, signal)).done(90);
    const waiting = [1, 2, 3].map(() => watched(budget.acquire(4, signal)));
    await clock.advance(31_000);
    const granted = () => waiting.filter((w) => w.permit !== undefined).length;
    expect(granted()).toBe(1);
    waiting[0]?.permit?.done(94);
    await clock.advance(500);
    expect(granted()).toBe(1);
    await clock.advance(600);
    expect(granted()).toBe(2);
    waiting[1]?.permit?.done(4);
    await settle();
    expect(granted()).toBe(3);
  });

  test("done() with less weight than before, of a later request, has seen a new window", async () => {
    const { budget } = budgetAt(30_000);
    (await budget.acquire(4, signal)).done(88);
    expect(budget.used).toBe(88);
    (await budget.acquire(1, signal)).done(5);
    expect(budget.used).toBe(5);
  });

  test("throttle() holds everything back until it ends and then lets one through", async () => {
    const { budget, clock } = budgetAt(5_000);
    const out = await budget.acquire(1, signal);
    budget.throttle(7_000);
    out.done();
    const waiting = [1, 2].map(() => watched(budget.acquire(1, signal)));
    await clock.advance(6_999);
    expect(waiting.some((w) => w.permit !== undefined)).toBe(false);
    await clock.advance(1);
    expect(waiting.map((w) => w.permit !== undefined)).toEqual([true, false]);
  });

  test("throttle() without a time holds until the venue's next window, by the venue's clock", async () => {
    const { budget, clock } = budgetAt(5_000);
    budget.observeServerTime(50_000, 5_000);
    budget.throttle();
    const waiting = watched(budget.acquire(1, signal));
    await clock.advance(9_900);
    expect(waiting.permit).toBeUndefined();
    await clock.advance(400);
    expect(waiting.permit).toBeDefined();
  });

  test("throttle() beyond what a call may wait is told at once", async () => {
    const { budget } = budgetAt(0);
    const waiting = watched(budget.acquire(1, signal));
    await settle();
    expect(waiting.permit).toBeDefined();
    budget.throttle(5 * MINUTE);
    const refused = watched(budget.acquire(1, signal));
    await settle();
    expect(refused.failure?.kind).toBe("throttled");
    expect(refused.failure?.retryAfterMs).toBe(5 * MINUTE);
  });

  test("ban() refuses everyone, those who wait included, and is never shortened", async () => {
    const { budget, clock } = budgetAt(0, 6_000, 1);
    const out = await budget.acquire(1, signal);
    const queued = watched(budget.acquire(1, signal));
    budget.ban(10 * MINUTE);
    budget.ban(MINUTE);
    budget.throttle(1_000);
    await settle();
    expect(queued.failure?.kind).toBe("banned");
    expect(budget.banMsLeft).toBe(10 * MINUTE);
    out.done();
    await clock.advance(10 * MINUTE - 1);
    const early = watched(budget.acquire(1, signal));
    await settle();
    expect(early.failure?.retryAfterMs).toBe(1);
    await clock.advance(1);
    const late = watched(budget.acquire(1, signal));
    await settle();
    expect(late.permit).toBeDefined();
  });

  test("acquire() leaves the queue when its signal aborts", async () => {
    const { budget } = budgetAt(0, 6_000, 1);
    const out = await budget.acquire(1, signal);
    const abort = new AbortController();
    const queued = watched(budget.acquire(1, abort.signal));
    abort.abort();
    await settle();
    expect(queued.failure?.kind).toBe("aborted");
    expect(budget.waiting).toBe(0);
    out.done();
    expect(watched(budget.acquire(1, abort.signal)).permit).toBeUndefined();
  });

  test("acquire() gives up when its turn does not come", async () => {
    const { budget, clock } = budgetAt(0, 6_000, 1);
    await budget.acquire(1, signal);
    const queued = watched(budget.acquire(1, signal));
    await clock.advance(15 * MINUTE);
    expect(queued.failure?.kind).toBe("throttled");
  });

  test("weights sent in any minute of the venue stay within its limit, whatever its clock says", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -90_000, max: 90_000 }),
        fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 30, maxLength: 120 }),
        fc.integer({ min: 0, max: MINUTE - 1 }),
        async (skewMs, weights, startMs) => {
          const { budget, clock } = budgetAt(10 * MINUTE + startMs);
          const perMinute = new Map<number, number>();
          let sent = 0;
          const all = weights.map(async (weight) => {
            const permit = await budget.acquire(weight, signal);
            const minute = Math.floor((clock.nowMs() + skewMs) / MINUTE);
            const used = (perMinute.get(minute) ?? 0) + weight;
            perMinute.set(minute, used);
            sent++;
            clock.after(40, () => permit.done(used));
          });
          await clock.advance(60 * MINUTE);
          await Promise.all(all);
          expect(sent).toBe(weights.length);
          expect(Math.max(...perMinute.values())).toBeLessThanOrEqual(100);
        },
      ),
      { numRuns: 30 },
    );
  });
});
