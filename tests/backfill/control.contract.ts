import { beforeEach, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { ControlOutcome, JobCommand } from "../../src/backfill/store/command.ts";
import { jobChannel } from "../../src/backfill/store/events.ts";
import type { NewJob } from "../../src/backfill/store/types.ts";
import { invariant } from "../../src/core/mod.ts";
import { chunksOf, jobOf, makeSeries, mustClaim, segmentOf } from "./job-store-support.ts";
import type { EngineJobStore, StoreSubject } from "./store-subject.ts";

/** Chunks: more than a cancel calls off while it is waited for. */
const LARGE = 2_400;

/** Commands and deadlines: what every job store must do the same way. */
export function controlContract(subject: () => StoreSubject): void {
  let store: EngineJobStore;
  beforeEach(async () => {
    store = subject().store;
    await subject().clearWork();
  });

  const makeJob = async (count: number, more: Partial<NewJob> = {}) => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, count), more));
    return { series, id: job.id };
  };
  const moved = (outcome: ControlOutcome) => {
    invariant(outcome.kind === "moved", `the command was ${outcome.kind}`);
    return outcome;
  };
  const tell = async (id: string, command: JobCommand) => moved(await store.control(id, command));
  const transitions = async (id: string) => {
    const events = await store.events(jobChannel(id), 0, 1_000);
    expect(events.map(({ offset }) => offset)).toEqual(events.map((_, n) => n + 1));
    return events.map(({ data }) => `${data.from} ${data.to}`);
  };
  const statuses = (id: string) => subject().chunkStatuses(id);

  test("control() pause gives out no chunks, lets what is out come in, and tells its holder", async () => {
    const { id } = await makeJob(3);
    const out = await mustClaim(store);
    const paused = await tell(id, { kind: "pause" });
    expect(paused.job).toMatchObject({ status: "paused", intent: "pause", leased: 1 });
    expect(paused.events.map(({ data }) => data.to)).toEqual(["paused", "paused"]);
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    expect(await store.heartbeat(out.lease, 60_000)).toEqual({ intent: "pause" });
    expect((await store.commit(out.lease, { recordsFetched: 1 })).kind).toBe("committed");
    expect(await store.job(id)).toMatchObject({ status: "paused", chunksDone: 1, leased: 0 });
    expect(await transitions(id)).toEqual(["idle pending", "pending in_progress", "in_progress paused"]);
  });

  test("control() resume makes the job pending, and the next claim in_progress", async () => {
    const { id } = await makeJob(2);
    const out = await mustClaim(store);
    await tell(id, { kind: "pause" });
    await store.release(out.lease);
    const resumed = await tell(id, { kind: "resume" });
    expect(resumed.job).toMatchObject({ status: "pending", intent: "run" });
    expect((await mustClaim(store)).attempt).toBe(1);
    expect((await transitions(id)).slice(-2)).toEqual(["paused pending", "pending in_progress"]);
  });

  test("control() of a paused job whose last chunk comes in completes it", async () => {
    const { id } = await makeJob(1);
    const out = await mustClaim(store);
    await tell(id, { kind: "pause" });
    expect(await store.commit(out.lease, { recordsFetched: 1 })).toMatchObject({
      kind: "committed",
      job: { status: "complete" },
    });
    expect((await transitions(id)).at(-1)).toBe("paused complete");
  });

  test("control() cancel calls off what waits; what is out is called off when it comes back, and counts when it commits", async () => {
    const { id, series } = await makeJob(5);
    const [first, second, third] = [await mustClaim(store), await mustClaim(store), await mustClaim(store)];
    await store.commit(first.lease, { segments: [segmentOf(first.range)], recordsFetched: 4 });
    const cancelled = await tell(id, { kind: "cancel" });
    expect(cancelled.job).toMatchObject({
      status: "cancelled",
      intent: "cancel",
      chunksDone: 1,
      chunksCancelled: 2,
      leased: 2,
    });
    expect(cancelled.job.finishedAt).toBeInstanceOf(Date);
    expect(await store.heartbeat(second.lease, 60_000)).toEqual({ intent: "cancel" });
    expect(await store.release(second.lease)).toMatchObject({ job: { chunksCancelled: 3, leased: 1 } });
    await store.commit(third.lease, { segments: [segmentOf(third.range)], recordsFetched: 4 });
    expect(await store.job(id)).toMatchObject({ status: "cancelled", chunksDone: 2, leased: 0 });
    expect(await statuses(id)).toEqual({ cancelled: 3, done: 2 });
    expect(await store.coverage(series.id, { lo: 0, hi: 100 })).toHaveLength(2);
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    expect(await store.calledOffRanges(series.id, { lo: 0, hi: 45 })).toEqual([
      { lo: 10, hi: 20 },
      { lo: 30, hi: 45 },
    ]);
    expect(await store.openRanges(series.id, { lo: 0, hi: 100 })).toEqual([]);
    expect((await store.jobDetails(id))[0]).toMatchObject({ status: "cancelled", chunksDone: 2 });
    expect((await transitions(id)).at(-1)).toBe("in_progress cancelled");
  });

  test("control() cancel of a large job ends it at once; its chunks are called off meanwhile, and a retry brings back all of them", async () => {
    const { id, series } = await makeJob(LARGE);
    const held = await mustClaim(store);
    const cancelled = await tell(id, { kind: "cancel" });
    expect(cancelled).toMatchObject({ job: { status: "cancelled", leased: 1 }, events: { length: 2 } });
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    const called = { lo: 0, hi: LARGE * 10 };
    expect(await store.calledOffRanges(series.id, called)).toEqual([{ lo: 10, hi: LARGE * 10 }]);
    expect(await store.openRanges(series.id, { lo: 10, hi: LARGE * 10 })).toEqual([]);
    const agrees = async () => {
      const job = await store.job(id);
      expect((await statuses(id))["cancelled"]).toBe(job?.chunksCancelled ?? 0);
      return job?.chunksCancelled;
    };
    expect(await agrees()).toBe(cancelled.job.chunksCancelled);
    await store.release(held.lease);
    await agrees();
    const reaped = await store.reapExpired();
    expect(await agrees()).toBe(LARGE);
    for (const job of reaped.jobs) expect(job).toMatchObject({ id, chunksCancelled: LARGE });
    expect((await transitions(id)).at(-1)).toBe("in_progress cancelled");

    const again = await tell(id, { kind: "retry" });
    expect(again.job).toMatchObject({ status: "pending", chunksCancelled: 0 });
    await tell(id, { kind: "cancel" });
    const symbols = [{ venue: series.venue, symbol: series.symbol }];
    expect((await tell(id, { kind: "retry", symbols })).job).toMatchObject({ chunksCancelled: 0 });
    expect(await statuses(id)).toEqual({ pending: LARGE });
  }, 60_000);

  test("control() cancel: a crashed holder's chunk is called off by the reaper, a put-off one at once", async () => {
    const { id } = await makeJob(2);
    const [crashed, late] = [await mustClaim(store), await mustClaim(store)];
    await tell(id, { kind: "cancel" });
    await store.retryLater(late.lease, { error: "429", delayMs: 0 });
    await subject().expire(crashed.lease);
    await store.reapExpired();
    expect(await statuses(id)).toEqual({ cancelled: 2 });
    expect(await store.job(id)).toMatchObject({ status: "cancelled", chunksCancelled: 2, leased: 0 });
  });

  test("control() cancel: what a crashed process held is called off when it starts again", async () => {
    const { id } = await makeJob(2);
    await mustClaim(store);
    await tell(id, { kind: "cancel" });
    await store.releaseAll();
    expect(await statuses(id)).toEqual({ cancelled: 2 });
    expect(await store.job(id)).toMatchObject({ chunksCancelled: 2, leased: 0 });
  });

  test("control() retry of a cancelled job brings back what is missing and nothing of what is done", async () => {
    const { id, series } = await makeJob(3);
    const first = await mustClaim(store);
    await store.commit(first.lease, { segments: [segmentOf(first.range)], recordsFetched: 4 });
    await tell(id, { kind: "cancel" });
    const again = await tell(id, { kind: "retry" });
    expect(again.job).toMatchObject({ status: "pending", intent: "run", chunksCancelled: 0, chunksDone: 1 });
    expect(again.job.finishedAt).toBeUndefined();
    expect(await store.calledOffRanges(series.id, { lo: 0, hi: 100 })).toEqual([]);
    for (let n = 0; n < 2; n++) {
      const { lease, range } = await mustClaim(store);
      await store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 4 });
    }
    expect(await store.job(id)).toMatchObject({ status: "complete", chunksDone: 3, recordsFetched: 12 });
    expect((await transitions(id)).slice(-4)).toEqual([
      "in_progress cancelled",
      "cancelled pending",
      "pending in_progress",
      "in_progress complete",
    ]);
  });

  test("control() retry of a complete job with failures gives the failed chunks all of their attempts", async () => {
    const { id } = await makeJob(2);
    const bad = await mustClaim(store);
    await store.fail(bad.lease, { error: "delisted" });
    await store.commit((await mustClaim(store)).lease, { recordsFetched: 1 });
    expect(await store.job(id)).toMatchObject({ status: "complete", chunksFailed: 1, error: "delisted" });
    const again = await tell(id, { kind: "retry" });
    expect(again.job).toMatchObject({ status: "pending", chunksFailed: 0, chunksDone: 1 });
    expect(again.job.error).toBeUndefined();
    const claimed = await mustClaim(store);
    expect(claimed).toMatchObject({ attempt: 1, lease: { chunkId: bad.lease.chunkId, token: 2 } });
    expect(await store.commit(bad.lease, { recordsFetched: 1 })).toEqual({ kind: "lost" });
    await store.commit(claimed.lease, { recordsFetched: 1 });
    expect((await store.jobDetails(id))[0]).toMatchObject({ status: "complete", error: undefined });
  });

  test("control() retry of chosen symbols leaves the others called off, and the job ends without them", async () => {
    const one = await makeSeries(store);
    const two = await makeSeries(store);
    const both = [...chunksOf(one.id, 2), ...chunksOf(two.id, 2)];
    const { job } = await store.createJob(jobOf(both));
    await tell(job.id, { kind: "cancel" });
    const stranger = { venue: "binance", symbol: "NOPE" };
    expect(await store.control(job.id, { kind: "retry", symbols: [one, stranger] })).toEqual({
      kind: "refused",
      state: "cancelled",
      why: "nothing of binance:NOPE has failed or was called off",
    });
    const again = await tell(job.id, { kind: "retry", symbols: [one] });
    expect(again.job).toMatchObject({ status: "pending", chunksCancelled: 2 });
    for (let n = 0; n < 2; n++) {
      const claimed = await mustClaim(store);
      expect(claimed.series.id).toBe(one.id);
      await store.commit(claimed.lease, { recordsFetched: 1 });
    }
    expect(await store.job(job.id)).toMatchObject({ status: "complete", chunksDone: 2, chunksCancelled: 2 });
    expect((await store.jobDetails(job.id)).map(({ symbol, status }) => [symbol, status])).toEqual([
      [one.symbol, "complete"],
      [two.symbol, "cancelled"],
    ]);
    expect((await tell(job.id, { kind: "retry" })).job).toMatchObject({
      status: "pending",
      chunksCancelled: 0,
    });
  });

  test("control() retry while the job runs brings back what has failed so far, without a transition", async () => {
    const { id } = await makeJob(2);
    await store.fail((await mustClaim(store)).lease, { error: "gone" });
    const before = await transitions(id);
    expect(await tell(id, { kind: "retry" })).toMatchObject({
      job: { status: "in_progress", chunksFailed: 0 },
      events: [],
    });
    expect(await transitions(id)).toEqual(before);
    expect(await statuses(id)).toEqual({ pending: 2 });
  });

  test("control() adjust changes priority and parallelism from the next claim on", async () => {
    const { id } = await makeJob(2, { maxParallel: 1 });
    const other = await makeJob(1);
    await tell(other.id, { kind: "adjust", priority: 7 });
    expect((await mustClaim(store)).job.id).toBe(other.id);
    await mustClaim(store);
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    expect(await tell(id, { kind: "adjust", maxParallel: 2 })).toMatchObject({
      job: { maxParallel: 2, priority: 0, status: "in_progress" },
      events: [],
    });
    expect((await mustClaim(store)).job.id).toBe(id);
  });

  test("control() of an unknown job, and where the state forbids it, writes nothing", async () => {
    expect(await store.control("nonsense", { kind: "pause" })).toEqual({ kind: "unknown" });
    expect(await store.control(randomUUID(), { kind: "cancel" })).toEqual({ kind: "unknown" });
    const { id } = await makeJob(1);
    expect(await store.control(id, { kind: "resume" })).toEqual({
      kind: "refused",
      state: "pending",
      why: "only a paused job resumes",
    });
    await store.commit((await mustClaim(store)).lease, { recordsFetched: 1 });
    const ended = await store.job(id);
    const commands: JobCommand[] = [
      { kind: "pause" },
      { kind: "resume" },
      { kind: "cancel" },
      { kind: "retry" },
      { kind: "adjust", priority: 1 },
    ];
    for (const command of commands)
      expect(await store.control(id, command)).toMatchObject({ kind: "refused", state: "complete" });
    expect(await store.job(id)).toEqual(ended!);
    expect(await transitions(id)).toHaveLength(3);
  });

  test("expireDeadlines() ends a job in error that says what was reached, and a retry goes on from there", async () => {
    const { id } = await makeJob(3, { deadlineSeconds: 3_600 });
    expect((await store.job(id))?.deadlineAt?.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await store.expireDeadlines()).toEqual([]);
    const [done, out] = [await mustClaim(store), await mustClaim(store)];
    await store.commit(done.lease, { segments: [segmentOf(done.range)], recordsFetched: 4 });
    await subject().passDeadline(id);
    const [expired, ...more] = await store.expireDeadlines();
    expect(more).toEqual([]);
    expect(expired?.job).toMatchObject({ status: "error", intent: "cancel", chunksCancelled: 1, leased: 1 });
    expect(expired?.job.error).toMatch(
      /^the deadline of \S+Z passed with 1 of 3 chunks committed \(33\.3 %\);/,
    );
    expect(expired?.events[0]?.data.error).toBe(expired!.job.error!);
    await store.fail(out.lease, { error: "late trouble" });
    expect((await store.job(id))?.error).toBe(expired!.job.error!);
    expect(await store.expireDeadlines()).toEqual([]);
    expect(await transitions(id)).toEqual(["idle pending", "pending in_progress", "in_progress error"]);
    const again = await tell(id, { kind: "retry" });
    expect(again.job).toMatchObject({
      status: "pending",
      chunksDone: 1,
      chunksFailed: 0,
      chunksCancelled: 0,
    });
    expect([again.job.deadlineAt, again.job.error]).toEqual([undefined, undefined]);
    expect(await store.expireDeadlines()).toEqual([]);
  });

  test("expireDeadlines() by many at the same time ends each job once; a paused job does not escape it", async () => {
    const jobs = await Promise.all([
      makeJob(2, { deadlineSeconds: 60 }),
      makeJob(2, { deadlineSeconds: 60 }),
    ]);
    await tell(jobs[0].id, { kind: "pause" });
    for (const { id } of jobs) await subject().passDeadline(id);
    const ended = await Promise.all([1, 2, 3, 4].map(() => store.expireDeadlines()));
    expect(
      ended
        .flat()
        .map(({ job }) => job.id)
        .toSorted(),
    ).toEqual(jobs.map(({ id }) => id).toSorted());
    for (const { id } of jobs) {
      expect((await transitions(id)).filter((move) => move.endsWith("error"))).toHaveLength(1);
      expect(await store.job(id)).toMatchObject({
        status: "error",
        ...(await subject().deriveCounters(id)),
      });
    }
  });
}
