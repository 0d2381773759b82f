import { beforeEach, expect, test } from "bun:test";
import fc from "fast-check";
import { CoverageConflict } from "../../src/backfill/store/errors.ts";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";
import { backfillRange, chunksOf, jobOf, makeSeries, mustClaim, segmentOf } from "./job-store-support.ts";
import type { EngineJobStore, StoreSubject } from "./store-subject.ts";

const ALL: MinuteRange = { lo: -1_000, hi: 1_000 };

/** Who owns which minute: what every database must do the same way. */
export function coverageContract(subject: () => StoreSubject): void {
  let store: EngineJobStore;
  beforeEach(async () => {
    store = subject().store;
    await subject().clearWork();
  });

  test("commit() splits an older owner that sticks out at either side", async () => {
    const { id } = await makeSeries(store);
    const old = await backfillRange(store, id, { lo: 0, hi: 30 });
    const young = await backfillRange(store, id, { lo: 10, hi: 20 });
    expect(await store.coverage(id, ALL)).toEqual([
      { lo: 0, hi: 10, segmentId: old },
      { lo: 10, hi: 20, segmentId: young },
      { lo: 20, hi: 30, segmentId: old },
    ]);
    expect((await store.segments(id, ALL)).map((found) => [found.id, found.covered])).toEqual([
      [
        old,
        [
          { lo: 0, hi: 10 },
          { lo: 20, hi: 30 },
        ],
      ],
      [young, [{ lo: 10, hi: 20 }]],
    ]);
    expect(await store.coverage(id, { lo: 15, hi: 22 })).toEqual([
      { lo: 15, hi: 20, segmentId: young },
      { lo: 20, hi: 22, segmentId: old },
    ]);
    expect(await store.coverage(id, { lo: 30, hi: 40 })).toEqual([]);
  });

  test("commit() supersedes a segment that owns nothing any more", async () => {
    const { id } = await makeSeries(store);
    const old = await backfillRange(store, id, { lo: 0, hi: 10 });
    const young = await backfillRange(store, id, { lo: 0, hi: 20 });
    expect((await store.segments(id, ALL)).map((found) => found.id)).toEqual([young]);
    expect(await subject().segmentStates(id)).toEqual(
      new Map([
        [old, "superseded"],
        [young, "committed"],
      ]),
    );
  });

  test("commit() covers only the minutes that the segment names", async () => {
    const { id } = await makeSeries(store);
    const covered = [
      { lo: 0, hi: 3 },
      { lo: 7, hi: 10 },
    ];
    const segmentId = await backfillRange(store, id, { lo: 0, hi: 10 }, { covered });
    expect(await store.coverage(id, ALL)).toEqual(covered.map((range) => ({ ...range, segmentId })));
  });

  test("commit() without trades still covers its minutes", async () => {
    const { id } = await makeSeries(store);
    await backfillRange(
      store,
      id,
      { lo: 0, hi: 10 },
      { files: [], rows: 0, firstId: undefined, lastId: undefined },
    );
    const [listed] = await store.segments(id, ALL);
    expect(listed).toMatchObject({ files: [], rows: 0, firstId: undefined, covered: [{ lo: 0, hi: 10 }] });
  });

  test("segments() keeps files, ids and times exactly", async () => {
    const { id } = await makeSeries(store);
    const files = [{ path: "a/b.parquet", bytes: 9_007_199_254_740_991, sha256: "0f".repeat(32), rows: 3 }];
    const segmentId = await backfillRange(
      store,
      id,
      { lo: 0, hi: 10 },
      { files, lastId: "99999999999999999999", firstTimeUs: 1_767_225_600_123_456 },
    );
    expect((await store.segments(id, ALL))[0]).toMatchObject({
      id: segmentId,
      files,
      lastId: "99999999999999999999",
      firstTimeUs: 1_767_225_600_123_456,
    });
  });

  test("commit() refuses segments that cover a minute twice", async () => {
    const { id } = await makeSeries(store);
    await store.createJob(jobOf(chunksOf(id, 1)));
    const { lease } = await mustClaim(store);
    const segments = [segmentOf({ lo: 0, hi: 6 }), segmentOf({ lo: 5, hi: 10 })];
    await expect(store.commit(lease, { segments, recordsFetched: 1 })).rejects.toThrow("twice");
    expect(await store.coverage(id, ALL)).toEqual([]);
  });

  test("commitLive() of a covered minute is a CoverageConflict and writes nothing", async () => {
    const { id } = await makeSeries(store);
    const live = await store.commitLive(id, segmentOf({ lo: 0, hi: 10 }, { kind: "live" }));
    await store.commitLive(id, segmentOf({ lo: 10, hi: 12 }, { kind: "live" }));
    await expect(store.commitLive(id, segmentOf({ lo: 9, hi: 11 }, { kind: "live" }))).rejects.toBeInstanceOf(
      CoverageConflict,
    );
    expect((await store.coverage(id, ALL)).map(({ lo, hi }) => [lo, hi])).toEqual([
      [0, 10],
      [10, 12],
    ]);
    expect((await subject().segmentStates(id)).size).toBe(2);
    const young = await backfillRange(store, id, { lo: 0, hi: 10 });
    expect(await subject().segmentStates(id)).toMatchObject(
      new Map([
        [live, "superseded"],
        [young, "committed"],
      ]),
    );
  });

  test("quarantineSegment() answers the minutes that became uncovered, once", async () => {
    const { id } = await makeSeries(store);
    const old = await backfillRange(store, id, { lo: 0, hi: 30 });
    const young = await backfillRange(store, id, { lo: 10, hi: 20 });
    const freed = await store.quarantineSegment(old, "checksum");
    expect(freed).toEqual({
      seriesId: id,
      ranges: [
        { lo: 0, hi: 10 },
        { lo: 20, hi: 30 },
      ],
    });
    expect(await store.quarantineSegment(old, "checksum")).toBeUndefined();
    expect(await store.quarantineSegment(999_999_999, "checksum")).toBeUndefined();
    expect(await store.coverage(id, ALL)).toEqual([{ lo: 10, hi: 20, segmentId: young }]);
    expect(await subject().segmentStates(id)).toEqual(
      new Map([
        [old, "quarantined"],
        [young, "committed"],
      ]),
    );
  });

  const Op = fc.record({
    kind: fc.constantFrom("backfill", "backfill", "live", "quarantine"),
    lo: fc.integer({ min: -20, max: 60 }),
    length: fc.integer({ min: 1, max: 40 }),
    pick: fc.nat(50),
  });

  test("coverage() equals a map from minutes to owners after any sequence of changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(Op, { minLength: 1, maxLength: 10 }), async (ops) => {
        const { id } = await makeSeries(store);
        const owners = new Map<number, number>();
        const written = new Set<number>();
        const quarantined = new Set<number>();
        for (const { kind, lo, length, pick } of ops) {
          const range = { lo, hi: lo + length };
          const minutes = Array.from({ length }, (_, n) => lo + n);
          if (kind === "backfill") {
            const segmentId = await backfillRange(store, id, range);
            written.add(segmentId);
            for (const minute of minutes) owners.set(minute, segmentId);
          } else if (kind === "live") {
            const taken = minutes.some((minute) => owners.has(minute));
            const outcome = await store
              .commitLive(id, segmentOf(range, { kind: "live" }))
              .catch((thrown: unknown) => thrown);
            expect(outcome instanceof CoverageConflict).toBe(taken);
            if (typeof outcome === "number") {
              written.add(outcome);
              for (const minute of minutes) owners.set(minute, outcome);
            }
          } else {
            const victim = [...new Set(owners.values())][pick % Math.max(1, new Set(owners.values()).size)];
            if (victim === undefined) continue;
            const lost = [...owners].filter(([, owner]) => owner === victim).map(([minute]) => minute);
            const freed = await store.quarantineSegment(victim, "test");
            expect([...(freed?.ranges ?? [])]).toEqual([
              ...Coverage.of(lost.map((minute) => ({ lo: minute, hi: minute + 1 }))).ranges,
            ]);
            quarantined.add(victim);
            for (const minute of lost) owners.delete(minute);
          }
        }
        const rows = await store.coverage(id, ALL);
        const found = rows.flatMap((row) =>
          Array.from({ length: row.hi - row.lo }, (_, n): [number, number] => [row.lo + n, row.segmentId]),
        );
        expect(found).toEqual([...owners].sort(([a], [b]) => a - b));
        const alive = new Set(owners.values());
        expect(new Set((await store.segments(id, ALL)).map((listed) => listed.id))).toEqual(alive);
        for (const [segmentId, state] of await subject().segmentStates(id))
          expect(state).toBe(
            quarantined.has(segmentId) ? "quarantined" : alive.has(segmentId) ? "committed" : "superseded",
          );
        expect((await subject().segmentStates(id)).size).toBe(written.size);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  const Step = fc.record({
    kind: fc.constantFrom("claim", "claim", "claim", "commit", "fail", "retry", "release", "crash", "zombie"),
    pick: fc.nat(20),
  });

  test("the counters of a job equal the counts of its chunks after every operation", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(Step, { minLength: 5, maxLength: 18 }),
        async (count, steps) => {
          await subject().clearWork();
          const { id } = await makeSeries(store);
          const { job } = await store.createJob(jobOf(chunksOf(id, count), { maxParallel: 3 }));
          const held: Awaited<ReturnType<typeof mustClaim>>[] = [];
          const lost: typeof held = [];
          for (const { kind, pick } of steps) {
            const [claimed] =
              kind === "claim" || kind === "zombie" ? [] : held.splice(pick % Math.max(1, held.length), 1);
            const lease = claimed?.lease;
            if (kind === "claim") {
              const next = await store.claim({ owner: "w", leaseMs: 60_000 });
              if (next !== undefined) held.push(next);
            } else if (kind === "zombie") {
              const ghost = lost.at(pick % Math.max(1, lost.length));
              if (ghost !== undefined)
                expect(
                  await store.commit(ghost.lease, { segments: [segmentOf(ghost.range)], recordsFetched: 9 }),
                ).toEqual({ kind: "lost" });
            } else if (claimed === undefined || lease === undefined) continue;
            else if (kind === "commit")
              await store.commit(lease, { segments: [segmentOf(claimed.range)], recordsFetched: pick });
            else if (kind === "fail") await store.fail(lease, { error: "broken" });
            else if (kind === "retry") await store.retryLater(lease, { error: "slow", delayMs: 0 });
            else if (kind === "release") await store.release(lease);
            else {
              await subject().expire(lease);
              await store.reapExpired(3);
              lost.push(claimed);
            }
            const now = await store.job(job.id);
            const derived = await subject().deriveCounters(job.id);
            expect(now).toMatchObject({ ...derived });
            const ended = derived.chunksDone + derived.chunksFailed === count;
            expect(now?.status === "complete" || now?.status === "error").toBe(ended);
            if (ended) expect(now?.status).toBe(derived.chunksDone === 0 ? "error" : "complete");
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
}
