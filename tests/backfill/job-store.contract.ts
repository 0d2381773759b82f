import { beforeEach, expect, test } from "bun:test";
import { JobTooLarge } from "../../src/backfill/store/errors.ts";
import { BACKFILL_CHANNEL, jobChannel } from "../../src/backfill/store/events.ts";
import { CHUNKS_PER_JOB_MAX } from "../../src/backfill/store/jobs.ts";
import { chunksOf, fresh, jobOf, makeSeries, mustClaim, segmentOf } from "./job-store-support.ts";
import type { EngineJobStore, StoreSubject } from "./store-subject.ts";

/** Jobs, claims, fences and events: what every database must do the same way. */
export function jobStoreContract(subject: () => StoreSubject): void {
  let store: EngineJobStore;
  beforeEach(async () => {
    store = subject().store;
    await subject().clearWork();
  });

  const oneChunk = async () => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 1)));
    return { series, job };
  };

  test("ensureSeries() answers the existing row and keeps its bin", async () => {
    const first = await makeSeries(store);
    const again = await store.ensureSeries({ ...first, binUnits: 999, tickUnits: 2 });
    expect(again).toEqual({ ...first, tickUnits: 2 });
    expect(await store.findSeries(first)).toEqual(again);
    expect(await store.listSeries()).toContainEqual(again);
    expect(await store.findSeries({ ...first, market: "futures" })).toBeUndefined();
  });

  test("ensureSeries() grows scales with a finer venue and never shrinks them with a coarser one", async () => {
    const first = await makeSeries(store);
    const finer = await store.ensureSeries({
      ...first,
      priceScale: 4,
      sizeScale: 6,
      tickUnits: 5,
      lotUnits: 3,
    });
    expect(finer).toEqual({
      ...first,
      priceScale: 4,
      sizeScale: 6,
      tickUnits: 5,
      lotUnits: 3,
      binUnits: 1_000,
    });
    const coarser = await store.ensureSeries({
      ...first,
      priceScale: 1,
      sizeScale: 6,
      tickUnits: 1,
      lotUnits: 4,
    });
    expect(coarser).toEqual({ ...finer, tickUnits: 1_000, lotUnits: 4 });
  });

  test("growScales() rescales tick, lot and bin once, however often it is asked", async () => {
    const series = await makeSeries(store);
    const grown = { ...series, priceScale: 4, sizeScale: 6, tickUnits: 100, lotUnits: 10, binUnits: 1_000 };
    expect(await store.growScales(series.id, 4, 6)).toEqual(grown);
    expect(await store.growScales(series.id, 4, 6)).toEqual(grown);
    expect(await store.growScales(series.id, 0, 0)).toEqual(grown);
  });

  test("createJob() answers the existing job of the same request key", async () => {
    const series = await makeSeries(store);
    const wanted = jobOf(chunksOf(series.id, 3));
    const created = await store.createJob(wanted);
    expect(created.kind).toBe("created");
    expect(created.job).toMatchObject({
      status: "pending",
      chunksTotal: 3,
      progressPct: 0,
      dataset: "trades",
    });
    expect(created.job.request).toEqual(wanted.request);
    const again = await store.createJob({ ...wanted, chunks: chunksOf(series.id, 9) });
    expect(again).toEqual({ kind: "existing", job: created.job, events: [] });
    expect((await store.createJob(jobOf(chunksOf(series.id, 3)))).kind).toBe("created");
    expect(await store.job(created.job.id)).toEqual(created.job);
  });

  test("createJob() without chunks is complete at once", async () => {
    const { job, events } = await store.createJob(jobOf([]));
    expect(job).toMatchObject({ status: "complete", progressPct: 100 });
    expect(job.finishedAt).toBeInstanceOf(Date);
    expect(events.map((event) => event.data)).toMatchObject([
      { from: "idle", to: "complete" },
      { from: "idle", to: "complete" },
    ]);
    expect((await store.createJob(jobOf([], { status: "skipped" }))).job.status).toBe("skipped");
  });

  test("createJob() refuses more chunks than a job may have", async () => {
    const series = await makeSeries(store);
    const chunk = chunksOf(series.id, 1)[0]!;
    const tooMany = Array.from({ length: CHUNKS_PER_JOB_MAX + 1 }, () => chunk);
    await expect(store.createJob(jobOf(tooMany))).rejects.toBeInstanceOf(JobTooLarge);
  });

  test("job() answers undefined for an id of any other form", async () => {
    expect(await store.job("nonsense")).toBeUndefined();
    expect(await store.job("01900000-0000-7000-8000-000000000000")).toBeUndefined();
    expect(await store.jobDetails("nonsense")).toEqual([]);
  });

  test("claim() takes the job of higher priority, then the longest unserved, then the lowest rank", async () => {
    const series = await makeSeries(store);
    const [a, b] = chunksOf(series.id, 2);
    const old = await store.createJob(
      jobOf([
        { ...a!, rank: 9 },
        { ...b!, rank: 2 },
      ]),
    );
    const young = await store.createJob(jobOf(chunksOf(series.id, 1, 100)));
    const urgent = await store.createJob(jobOf(chunksOf(series.id, 1, 200), { priority: 5 }));
    const order = [
      await mustClaim(store),
      await mustClaim(store),
      await mustClaim(store),
      await mustClaim(store),
    ];
    expect(order.map((claimed) => [claimed.job.id, claimed.range.lo])).toEqual([
      [urgent.job.id, 200],
      [old.job.id, 10],
      [young.job.id, 100],
      [old.job.id, 0],
    ]);
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
  });

  test("claim() serves jobs of equal priority in turn, whatever their size", async () => {
    const series = await makeSeries(store);
    const ids: string[] = [];
    for (const size of [9, 3, 5])
      ids.push((await store.createJob(jobOf(chunksOf(series.id, size), { maxParallel: 20 }))).job.id);
    const served: number[] = [];
    for (let n = 0; n < 17; n++) served.push(ids.indexOf((await mustClaim(store)).job.id));
    expect(served).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 2, 0, 2, 0, 0, 0, 0]);
  });

  test("claim() moves the job to in_progress once, with one event", async () => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 2)));
    const first = await mustClaim(store);
    expect(first.job).toMatchObject({ status: "in_progress", leased: 1 });
    expect(first.job.startedAt).toBeInstanceOf(Date);
    expect(first.events.map((event) => event.channel)).toEqual([BACKFILL_CHANNEL, jobChannel(job.id)]);
    expect(first.events[0]?.data).toMatchObject({
      job_id: job.id,
      from: "pending",
      to: "in_progress",
      progress_pct: 0,
    });
    expect(first).toMatchObject({
      series,
      source: "rest",
      attempt: 1,
      range: { lo: 0, hi: 10 },
      lease: { token: 1 },
    });
    const second = await mustClaim(store);
    expect(second.events).toEqual([]);
    expect(second.lease.chunkId).not.toBe(first.lease.chunkId);
  });

  test("claim() holds a job to its max_parallel and to its intent", async () => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 3), { maxParallel: 1 }));
    const first = await mustClaim(store);
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    await store.commit(first.lease, { recordsFetched: 0 });
    await subject().setIntent(job.id, "pause");
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    await subject().setIntent(job.id, "run");
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeDefined();
  });

  test("heartbeat() extends the lease, tells the intent, and nothing once the lease is lost", async () => {
    await oneChunk();
    const { lease, job } = await mustClaim(store);
    const before = await store.readChunk(lease.chunkId);
    expect(await store.heartbeat(lease, 600_000)).toEqual({ intent: "run" });
    const after = await store.readChunk(lease.chunkId);
    expect(after!.leaseUntil!.getTime()).toBeGreaterThan(before!.leaseUntil!.getTime());
    await subject().setIntent(job.id, "cancel");
    expect(await store.heartbeat(lease, 600_000)).toEqual({ intent: "cancel" });
    expect(await store.heartbeat({ ...lease, token: lease.token + 1 }, 600_000)).toBeUndefined();
    await store.release(lease);
    expect(await store.heartbeat(lease, 600_000)).toBeUndefined();
  });

  // A job's last chunk ends it and goes another way through the store than one of many.
  test.each([1, 3])(
    "a zombie whose chunk was reaped and claimed again can write nothing (%i chunks)",
    async (chunks) => {
      const series = await makeSeries(store);
      const { job } = await store.createJob(jobOf(chunksOf(series.id, chunks)));
      const zombie = await mustClaim(store, "zombie");
      await subject().expire(zombie.lease);
      expect(await store.reapExpired()).toMatchObject({ requeued: 1, failed: 0 });
      const heir = await mustClaim(store, "heir");
      expect(heir.lease).toEqual({ chunkId: zombie.lease.chunkId, token: zombie.lease.token + 1 });
      expect(heir.attempt).toBe(2);
      const before = await store.job(job.id);
      const result = { segments: [segmentOf(zombie.range)], recordsFetched: 5 };
      expect(await store.commit(zombie.lease, result)).toEqual({ kind: "lost" });
      expect(await store.commit(zombie.lease, { recordsFetched: 0 })).toEqual({ kind: "lost" });
      expect(await store.fail(zombie.lease, { error: "x" })).toEqual({ kind: "lost" });
      expect(await store.retryLater(zombie.lease, { error: "x", delayMs: 0 })).toEqual({ kind: "lost" });
      expect(await store.release(zombie.lease)).toEqual({ kind: "lost" });
      expect(await store.job(job.id)).toEqual(before!);
      expect(await store.coverage(series.id, { lo: 0, hi: 100 })).toEqual([]);
      expect((await store.commit(heir.lease, result)).kind).toBe("committed");
    },
  );

  test("a zombie whose chunk was reaped and not claimed yet can write nothing either", async () => {
    const { series } = await oneChunk();
    const { lease } = await mustClaim(store);
    await subject().expire(lease);
    await store.reapExpired();
    expect(
      await store.commit(lease, { segments: [segmentOf({ lo: 0, hi: 10 })], recordsFetched: 5 }),
    ).toEqual({ kind: "lost" });
    expect(await store.coverage(series.id, { lo: 0, hi: 100 })).toEqual([]);
  });

  test("commit() ends the chunk and, with the last one, the job", async () => {
    const series = await makeSeries(store);
    const { job } = await store.createJob(jobOf(chunksOf(series.id, 2)));
    const first = await mustClaim(store);
    const second = await mustClaim(store);
    const half = await store.commit(first.lease, {
      segments: [segmentOf(first.range)],
      recordsFetched: 5,
      recordsInserted: 4,
    });
    expect(half).toMatchObject({
      kind: "committed",
      events: [],
      job: { status: "in_progress", progressPct: 50, leased: 1 },
    });
    const whole = await store.commit(second.lease, {
      segments: [segmentOf(second.range, { files: [], rows: 0 })],
      recordsFetched: 0,
    });
    expect(whole).toMatchObject({
      kind: "committed",
      job: {
        status: "complete",
        progressPct: 100,
        chunksDone: 2,
        leased: 0,
        recordsFetched: 5,
        recordsInserted: 4,
      },
    });
    expect(whole.kind === "committed" && whole.events.map((event) => event.data.to)).toEqual([
      "complete",
      "complete",
    ]);
    expect(await store.coverage(series.id, { lo: 0, hi: 100 })).toHaveLength(2);
    expect((await store.job(job.id))?.finishedAt).toBeInstanceOf(Date);
  });

  test("readChunk() tells after a lost acknowledgement that the commit went through, and a second one is refused", async () => {
    await oneChunk();
    const { lease, range } = await mustClaim(store);
    const outcome = await store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 5 });
    const chunk = await store.readChunk(lease.chunkId);
    expect(chunk).toMatchObject({ status: "done", leaseToken: lease.token, records: 5 });
    expect(outcome.kind === "committed" && outcome.segmentIds).toEqual([...chunk!.segmentIds]);
    expect(await store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 5 })).toEqual({
      kind: "lost",
    });
    expect((await store.readChunk(lease.chunkId))?.segmentIds).toHaveLength(1);
    expect(await store.readChunk(999_999_999)).toBeUndefined();
  });

  test("commit() refuses a segment outside of its chunk and leaves everything as it was", async () => {
    await oneChunk();
    const { lease } = await mustClaim(store);
    await expect(
      store.commit(lease, { segments: [segmentOf({ lo: 5, hi: 11 })], recordsFetched: 1 }),
    ).rejects.toThrow("inside its chunk");
    expect(await store.readChunk(lease.chunkId)).toMatchObject({ status: "leased", segmentIds: [] });
  });

  test("retryLater() spends the attempt, keeps the error and waits", async () => {
    const { job } = await oneChunk();
    const { lease } = await mustClaim(store);
    expect(await store.retryLater(lease, { error: "429", delayMs: 3_600_000 })).toMatchObject({
      kind: "given_back",
      job: { leased: 0 },
    });
    const chunk = await store.readChunk(lease.chunkId);
    expect(chunk).toMatchObject({ status: "pending", attempt: 1, error: "429" });
    expect(await store.claim({ owner: "w", leaseMs: 1_000 })).toBeUndefined();
    const { nextDueMs } = await store.pendingWork();
    expect(nextDueMs).toBeGreaterThan(3_000_000);
    expect(nextDueMs).toBeLessThanOrEqual(3_600_000);
    expect((await store.jobDetails(job.id))[0]).toMatchObject({ status: "in_progress", error: "429" });
    await subject().makeDue(lease.chunkId);
    expect((await mustClaim(store)).attempt).toBe(2);
  });

  test("release() gives the chunk back without spending an attempt", async () => {
    await oneChunk();
    const first = await mustClaim(store);
    expect(await store.release(first.lease)).toMatchObject({
      kind: "given_back",
      job: { leased: 0, status: "in_progress" },
    });
    const again = await mustClaim(store);
    expect(again).toMatchObject({ attempt: 1, lease: { chunkId: first.lease.chunkId, token: 2 } });
    expect(again.events).toEqual([]);
  });

  test("fail() of every chunk ends the job in error, of some in complete", async () => {
    const series = await makeSeries(store);
    const lost = await store.createJob(jobOf(chunksOf(series.id, 1)));
    const failed = await store.fail((await mustClaim(store)).lease, { error: "no such symbol" });
    expect(failed).toMatchObject({
      kind: "failed",
      job: { id: lost.job.id, status: "error", chunksFailed: 1, error: "no such symbol" },
    });
    expect(failed.kind === "failed" && failed.events[0]?.data).toMatchObject({
      to: "error",
      error: "no such symbol",
      progress_pct: 100,
    });

    const partial = await store.createJob(jobOf(chunksOf(series.id, 2)));
    await store.fail((await mustClaim(store)).lease, { error: "gone" });
    const ended = await store.commit((await mustClaim(store)).lease, { recordsFetched: 1 });
    expect(ended).toMatchObject({
      kind: "committed",
      job: { id: partial.job.id, status: "complete", chunksDone: 1, chunksFailed: 1 },
    });
    expect(await store.jobDetails(partial.job.id)).toMatchObject([
      {
        seriesId: series.id,
        symbol: series.symbol,
        status: "complete",
        chunksTotal: 2,
        chunksDone: 1,
        chunksFailed: 1,
        records: 1,
        error: "gone",
      },
    ]);
  });

  test("reapExpired() fails a chunk whose attempts are spent", async () => {
    const { job } = await oneChunk();
    for (let attempt = 1; attempt <= 5; attempt++) {
      const claimed = await mustClaim(store, "crasher");
      expect(claimed.attempt).toBe(attempt);
      await subject().expire(claimed.lease);
      expect(await store.reapExpired()).toMatchObject(
        attempt < 5 ? { requeued: 1, failed: 0 } : { requeued: 0, failed: 1 },
      );
    }
    expect(await store.job(job.id)).toMatchObject({ status: "error", chunksFailed: 1, leased: 0 });
    expect((await store.job(job.id))?.error).toContain("crasher");
    expect(await store.reapExpired()).toEqual({ requeued: 0, failed: 0, jobs: [], events: [] });
  });

  test("reapExpired() leaves leases alone that have not ended", async () => {
    await oneChunk();
    const { lease } = await mustClaim(store);
    expect((await store.reapExpired()).requeued).toBe(0);
    expect(await store.heartbeat(lease, 1_000)).toEqual({ intent: "run" });
  });

  test("pendingWork() counts what may run and forgets what has ended", async () => {
    expect(await store.pendingWork()).toEqual({ jobs: 0, chunks: 0, leased: 0, nextDueMs: undefined });
    const series = await makeSeries(store);
    await store.createJob(jobOf(chunksOf(series.id, 2), { maxParallel: 1 }));
    expect(await store.pendingWork()).toEqual({ jobs: 1, chunks: 2, leased: 0, nextDueMs: 0 });
    const first = await mustClaim(store);
    const busy = await store.pendingWork();
    expect(busy).toMatchObject({ jobs: 1, chunks: 2, leased: 1 });
    expect(busy.nextDueMs).toBeGreaterThan(0);
    await store.commit(first.lease, { recordsFetched: 0 });
    await store.commit((await mustClaim(store)).lease, { recordsFetched: 0 });
    expect(await store.pendingWork()).toEqual({ jobs: 0, chunks: 0, leased: 0, nextDueMs: undefined });
  });

  test("openRanges() are the minutes that jobs under way have not fetched yet", async () => {
    const series = await makeSeries(store);
    await store.createJob(jobOf(chunksOf(series.id, 3)));
    const { job: other } = await store.createJob(jobOf(chunksOf(series.id, 2, 50)));
    expect(await store.openRanges(series.id, { lo: 5, hi: 65 })).toEqual([
      { lo: 5, hi: 30 },
      { lo: 50, hi: 65 },
    ]);
    const first = await mustClaim(store);
    expect((await store.openRanges(series.id, { lo: 0, hi: 100 }))[0]).toEqual({ lo: 0, hi: 30 });
    await store.commit(first.lease, { segments: [segmentOf(first.range)], recordsFetched: 1 });
    await subject().setIntent(other.id, "cancel");
    expect(await store.openRanges(series.id, { lo: 0, hi: 100 })).toEqual([{ lo: 10, hi: 30 }]);
    expect(await store.openRanges(series.id, { lo: 40, hi: 40 })).toEqual([]);
  });

  test("recentJobs() lists the newest first", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await store.createJob(jobOf([]))).job.id);
    expect((await store.recentJobs(2)).map((job) => job.id)).toEqual(ids.slice(0, 2));
  });

  test("events() of both channels hold each transition once, with contiguous offsets, under concurrency", async () => {
    const series = await makeSeries(store);
    const start = await store.channelState(BACKFILL_CHANNEL);
    expect(start?.epoch).toMatch(/^[0-9a-f]{8}$/);
    const jobs = await Promise.all(
      Array.from({ length: 12 }, () => store.createJob(jobOf(chunksOf(series.id, 1)))),
    );
    const claims = await Promise.all(jobs.map(() => store.claim({ owner: fresh("w"), leaseMs: 60_000 })));
    await Promise.all(claims.map((claimed) => store.commit(claimed!.lease, { recordsFetched: 1 })));
    const since = start?.offset ?? 0;
    const all = await store.events(BACKFILL_CHANNEL, since, 1_000);
    expect(all.map((event) => event.offset)).toEqual(Array.from({ length: 36 }, (_, n) => since + n + 1));
    expect(await store.channelState(BACKFILL_CHANNEL)).toEqual({ epoch: start!.epoch, offset: since + 36 });
    for (const { job } of jobs) {
      const own = await store.events(jobChannel(job.id), 0, 10);
      expect(own.map((event) => [event.offset, event.data.from, event.data.to])).toEqual([
        [1, "idle", "pending"],
        [2, "pending", "in_progress"],
        [3, "in_progress", "complete"],
      ]);
      expect(all.filter((event) => event.data.job_id === job.id).map((event) => event.data)).toEqual(
        own.map((event) => event.data),
      );
    }
    expect(all[0]?.data.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await store.events(BACKFILL_CHANNEL, since + 30, 2)).toEqual(all.slice(30, 32));
    expect(await store.channelState("backfill:none")).toBeUndefined();
  });
}
