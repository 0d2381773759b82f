import { expect, test } from "bun:test";
import { LeaseKeeper, type SendHeartbeat } from "../../src/backfill/lease-keeper.ts";
import { FakeClock } from "../support/fake-clock.ts";

const LEASE_MS = 3_000;
const lease = { chunkId: 4, token: 2 };

function keeperOf(send: SendHeartbeat) {
  const clock = new FakeClock(1_000_000);
  const sentAt: number[] = [];
  const keeper = new LeaseKeeper(
    (each, ms) => {
      sentAt.push(clock.nowMs() - 1_000_000);
      return send(each, ms);
    },
    LEASE_MS,
    clock,
  );
  return { clock, sentAt, keep: (claimedAt = clock.now()) => keeper.keep(lease, claimedAt) };
}

test("LeaseKeeper.keep(), beats at a third of the lease as long as it is answered", async () => {
  const asked: unknown[] = [];
  const { clock, sentAt, keep } = keeperOf(async (...args) => {
    asked.push(args);
    return { intent: "run" };
  });
  const kept = keep();
  await clock.run(10_000);
  expect(sentAt).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000]);
  expect(asked[0]).toEqual([lease, LEASE_MS]);
  expect(kept.signal.aborted).toBe(false);
  kept.end();
});

test("LeaseKeeper.keep(), two lost beats do no harm", async () => {
  let beats = 0;
  const { clock, keep } = keeperOf(async () => {
    if (++beats % 3 !== 0) throw new Error("the database is gone");
    return { intent: "run" };
  });
  const kept = keep();
  // The third beat would come when the lease has run out, so the second one is the last chance.
  await clock.run(2_999);
  expect(kept.signal.aborted).toBe(false);
  await clock.run(1);
  expect(kept.signal.aborted).toBe(true);
});

test("LeaseKeeper.keep(), a beat that is answered in between renews the lease from when it was sent", async () => {
  let beats = 0;
  const { clock, keep } = keeperOf(async () => {
    if (++beats !== 2) throw new Error("the database is gone");
    return { intent: "run" };
  });
  const kept = keep();
  await clock.run(4_999);
  expect(kept.signal.aborted).toBe(false);
  await clock.run(1);
  expect(kept.signal.aborted).toBe(true);
  expect(kept.signal.reason.message).toContain("lease 2 of chunk 4: ran out");
});

test("LeaseKeeper.keep(), the lease ends on time though its claim was slow and no beat is ever answered", async () => {
  const { clock, keep } = keeperOf(() => new Promise(() => undefined));
  const kept = keep(clock.now() - 2_000);
  await clock.run(999);
  expect(kept.signal.aborted).toBe(false);
  await clock.run(1);
  expect(kept.signal.aborted).toBe(true);
  expect(clock.pending).toBe(0);
});

test("LeaseKeeper.keep(), a lease that the database does not know aborts at once", async () => {
  const { clock, sentAt, keep } = keeperOf(async () => undefined);
  const kept = keep();
  await clock.run(1_000);
  expect(kept.signal.reason).toMatchObject({
    kind: "aborted",
    message: "lease 2 of chunk 4: was taken back",
  });
  await clock.run(10_000);
  expect(sentAt).toEqual([1_000]);
});

test("LeaseKeeper.end(), stops the beats and aborts nothing", async () => {
  const answer = Promise.withResolvers<undefined>();
  const { clock, sentAt, keep } = keeperOf(() => answer.promise);
  const kept = keep();
  await clock.run(1_000);
  kept.end();
  answer.resolve(undefined);
  await clock.run(20_000);
  expect(sentAt).toEqual([1_000]);
  expect(kept.signal.aborted).toBe(false);
  expect(clock.pending).toBe(0);
});

test("LeaseKeeper.keep(), an intent other than run aborts the chunk, whose lease is still ours", async () => {
  let intent: "run" | "pause" = "run";
  const { clock, sentAt, keep } = keeperOf(async () => ({ intent }));
  const kept = keep();
  await clock.run(1_000);
  expect(kept.signal.aborted).toBe(false);
  intent = "pause";
  await clock.run(1_000);
  expect(kept.signal.reason).toMatchObject({ kind: "aborted", message: expect.stringContaining("pause") });
  const sent = sentAt.length;
  await clock.run(30_000);
  expect(sentAt.length).toBe(sent);
});

test("LeaseKeeper.keep(), beats of a long lease come often enough to bring a pause within 2 s", async () => {
  const clock = new FakeClock(0);
  const sentAt: number[] = [];
  const keeper = new LeaseKeeper(
    async () => {
      sentAt.push(clock.nowMs());
      return { intent: "run" };
    },
    60_000,
    clock,
  );
  keeper.keep(lease, clock.now());
  await clock.run(4_500);
  expect(sentAt).toEqual([1_500, 3_000, 4_500]);
});

test("LeaseKeeper.keep(), a claim whose answer took longer than the lease is lost before anything begins", () => {
  const { clock, sentAt, keep } = keeperOf(async () => ({ intent: "run" }));
  const kept = keep(clock.now() - LEASE_MS);
  expect(kept.signal.aborted).toBe(true);
  expect([sentAt, clock.pending]).toEqual([[], 0]);
});
