import { beforeEach, expect, test } from "bun:test";
import type { ClaimedChunk, CommitOutcome } from "../../src/backfill/store/types.ts";
import { invariant } from "../../src/core/mod.ts";
import { chunksOf, jobOf, makeSeries, mustClaim, segmentOf } from "./job-store-support.ts";
import type { EngineJobStore, StoreSubject } from "./store-subject.ts";

const NEXT = { owner: "next", leaseMs: 60_000 };

/** Commits that claim the next chunk: what every database must do the same way. */
export function takeAlongContract(subject: () => StoreSubject): void {
  let store: EngineJobStore;
  beforeEach(async () => {
    store = subject().store;
    await subject().clearWork();
  });

  /** Commits an empty chunk, and asks for the next one. */
  const commitOn = async ({ lease }: ClaimedChunk) =>
    mustCommit(await store.commit(lease, { recordsFetched: 1 }, NEXT));

  const jobOfChunks = async (count: number, more: Parameters<typeof jobOf>[1] = {}) => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, count), more));
    return { series, job };
  };

  for (const covered of [false, true])
    test(`commit() ${covered ? "with" : "without"} segments takes the best chunk of its job along when asked to`, async () => {
      const { series, job } = await jobOfChunks(3, { maxParallel: 1 });
      const first = await mustClaim(store);
      const segments = covered ? [segmentOf(first.range)] : [];
      const { next, ...rest } = mustCommit(
        await store.commit(first.lease, { segments, recordsFetched: 5 }, NEXT),
      );
      expect(rest).toMatchObject({
        events: [],
        job: { id: job.id, chunksDone: 1, leased: 1, recordsFetched: 5 },
      });
      expect(rest.segmentIds).toHaveLength(segments.length);
      expect(next).toMatchObject({
        lease: { token: 1 },
        job: rest.job,
        series,
        range: { lo: 10, hi: 20 },
        source: "rest",
        attempt: 1,
        events: [],
      });
      invariant(next !== undefined, "there was a chunk to take along");
      const row = await store.readChunk(next.lease.chunkId);
      expect(row).toMatchObject({ status: "leased", leaseToken: 1, attempt: 1 });
      expect(await store.readChunk(first.lease.chunkId)).toMatchObject({ status: "done", records: 5 });
      expect(await store.job(job.id)).toEqual(rest.job);
      expect(await store.heartbeat(next.lease, 60_000)).toEqual({ intent: "run" });
      expect(await subject().deriveCounters(job.id)).toMatchObject({ chunksDone: 1, leased: 1 });
    });

  test("commit() takes nothing along that was not asked for", async () => {
    await jobOfChunks(2);
    const { lease } = await mustClaim(store);
    expect(mustCommit(await store.commit(lease, { recordsFetched: 0 }))).toMatchObject({
      job: { leased: 0 },
    });
    expect(await mustClaim(store)).toMatchObject({ attempt: 1, lease: { token: 1 } });
  });

  test("commit() keeps what the chunk it takes along has been through, and a release gives the attempt back", async () => {
    await jobOfChunks(3);
    const [one, two] = [await mustClaim(store), await mustClaim(store)];
    await store.retryLater(two.lease, { error: "slow", delayMs: 0 });
    const { next } = await commitOn(one);
    expect(next).toMatchObject({ lease: { chunkId: two.lease.chunkId, token: 2 }, attempt: 2 });
    expect(await store.readChunk(two.lease.chunkId)).toMatchObject({ status: "leased", error: "slow" });
    invariant(next !== undefined, "there was a chunk to take along");
    expect(await store.commit(two.lease, { recordsFetched: 1 }, NEXT)).toEqual({ kind: "lost" });
    expect((await store.release(next.lease)).kind).toBe("given_back");
    expect(await store.readChunk(two.lease.chunkId)).toMatchObject({ status: "pending", attempt: 1 });
  });

  test("commit() takes along what runs now: not what was put off, and nothing with the last chunk", async () => {
    await jobOfChunks(2);
    const [one, two] = [await mustClaim(store), await mustClaim(store)];
    await store.retryLater(two.lease, { error: "429", delayMs: 3_600_000 });
    expect((await commitOn(one)).next).toBeUndefined();
    await subject().makeDue(two.lease.chunkId);
    expect(await commitOn(await mustClaim(store))).toMatchObject({
      job: { status: "complete", leased: 0 },
      next: undefined,
    });
  });

  test("commit() by one worker serves two jobs of equal priority by turns", async () => {
    const jobs = [(await jobOfChunks(4)).job.id, (await jobOfChunks(6)).job.id];
    const served: number[] = [];
    let along = 0;
    for (let chunk = await store.claim(NEXT); chunk !== undefined; ) {
      served.push(jobs.indexOf(chunk.job.id));
      const { next } = await commitOn(chunk);
      if (next !== undefined) along++;
      chunk = next ?? (await store.claim(NEXT));
    }
    expect(served).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 1, 1]);
    // Only when the other job has nothing left.
    expect(along).toBe(2);
  });

  test("commit() takes nothing along past a job of higher priority, and stays with its own before one of lower", async () => {
    await jobOfChunks(3, { priority: 1 });
    await jobOfChunks(3, { priority: 0 });
    const first = await commitOn(await mustClaim(store));
    invariant(first.next !== undefined, "the other job comes later");
    const { job: urgent } = await jobOfChunks(1, { priority: 2 });
    expect((await commitOn(first.next)).next).toBeUndefined();
    expect((await mustClaim(store)).job.id).toBe(urgent.id);
  });

  test("commit() takes along past a better job that has no room, no chunk to run, or is paused", async () => {
    const { job: full } = await jobOfChunks(2, { priority: 3, maxParallel: 1 });
    expect((await mustClaim(store)).job.id).toBe(full.id);
    const { job: empty } = await jobOfChunks(1, { priority: 2 });
    expect((await mustClaim(store)).job.id).toBe(empty.id);
    const { job: paused } = await jobOfChunks(1, { priority: 1 });
    await store.control(paused.id, { kind: "pause" });
    await jobOfChunks(3);
    expect((await commitOn(await mustClaim(store))).next).toBeDefined();
  });

  test("commit() takes nothing along of a job that is not to run, or has more out than it may", async () => {
    const { job } = await jobOfChunks(6, { maxParallel: 3 });
    const [one, two, three] = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
    await subject().setIntent(job.id, "pause");
    expect(await commitOn(one)).toMatchObject({ job: { leased: 2 }, next: undefined });
    await subject().setIntent(job.id, "run");
    await store.control(job.id, { kind: "adjust", maxParallel: 1 });
    expect(await commitOn(two)).toMatchObject({ job: { leased: 1 }, next: undefined });
    expect(await commitOn(three)).toMatchObject({ job: { leased: 1 }, next: { range: { lo: 30, hi: 40 } } });
  });

  test("commit() by a zombie takes nothing along", async () => {
    const { job } = await jobOfChunks(3);
    const zombie = await mustClaim(store);
    await subject().expire(zombie.lease);
    await store.reapExpired();
    const heir = await mustClaim(store, "heir");
    const before = await store.job(job.id);
    expect(await store.commit(zombie.lease, { recordsFetched: 1 }, NEXT)).toEqual({ kind: "lost" });
    const segments = [segmentOf(zombie.range)];
    expect(await store.commit(zombie.lease, { segments, recordsFetched: 1 }, NEXT)).toEqual({ kind: "lost" });
    expect(await store.job(job.id)).toEqual(before!);
    expect(await subject().chunkStatuses(job.id)).toEqual({ leased: 1, pending: 2 });
    // What was sent twice: the second one is a zombie's, too.
    expect((await commitOn(heir)).next).toBeDefined();
    expect(await store.commit(heir.lease, { recordsFetched: 1 }, NEXT)).toEqual({ kind: "lost" });
    expect(await subject().chunkStatuses(job.id)).toEqual({ done: 1, leased: 1, pending: 1 });
  });

  test("commit() that replaces an older owner takes nothing along", async () => {
    const { series } = await jobOfChunks(3);
    const { lease, range } = await mustClaim(store);
    await store.commitLive(series.id, segmentOf({ lo: 0, hi: 3 }));
    const result = { segments: [segmentOf(range)], recordsFetched: 1 };
    expect(mustCommit(await store.commit(lease, result, NEXT))).toMatchObject({
      job: { leased: 0 },
      next: undefined,
    });
    expect(await mustClaim(store)).toMatchObject({ range: { lo: 10, hi: 20 }, attempt: 1 });
  });
}

function mustCommit(outcome: CommitOutcome) {
  invariant(outcome.kind === "committed", "a fresh lease commits");
  return { next: undefined, ...outcome };
}
