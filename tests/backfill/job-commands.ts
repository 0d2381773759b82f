import { expect } from "bun:test";
import fc from "fast-check";
import type { Database } from "../../db/mod.ts";
import type { JobStore } from "../../src/backfill/job-store.ts";
import { BACKFILL_CHANNEL, jobChannel } from "../../src/backfill/store/events.ts";
import type { ClaimedChunk, SeriesRow } from "../../src/backfill/store/types.ts";
import { Coverage, invariant, JOB_EVENTS, type JobState, jobOutcome } from "../../src/core/mod.ts";
import type { JobModel, ModelChunk, ModelCommand } from "./job-model.ts";
import { chunksOf, deriveCounters, expire, jobOf, segmentOf } from "./job-store-support.ts";

/** Attempts of a chunk, few enough that crashes spend them. */
const ATTEMPTS_MAX = 3;
const CHUNK_MINUTES = 10;

/** The database under test, and what workers hold of it. */
export interface Bench {
  readonly store: JobStore;
  readonly database: Database;
  readonly series: readonly SeriesRow[];
  /** Offset of the channel of all jobs before this one was made. */
  readonly since: number;
  jobId: string | undefined;
  readonly held: ClaimedChunk[];
  /** Claims whose leases are gone: nobody may write with them. */
  readonly zombies: ClaimedChunk[];
}

type Step = fc.AsyncCommand<JobModel, Bench>;

/** A step that needs the job, and is held against the model afterwards. */
function step(name: string, run: (model: JobModel, bench: Bench, jobId: string) => Promise<void>): Step {
  return {
    check: () => true,
    toString: () => name,
    async run(model, bench) {
      invariant(bench.jobId !== undefined, "a job of the model is one of the database");
      await run(model, bench, bench.jobId);
      await compare(model, bench, bench.jobId);
    },
  };
}

/** A step with one of the chunks that are held; nothing when none is. */
function withHeld(
  name: string,
  pick: number,
  run: (model: JobModel, bench: Bench, claimed: ClaimedChunk, chunk: ModelChunk) => Promise<void>,
): Step {
  return step(`${name}(${pick})`, async (model, bench) => {
    const [claimed] = bench.held.splice(pick % Math.max(1, bench.held.length), 1);
    if (claimed === undefined) return;
    await run(model, bench, claimed, chunkOf(model, bench, claimed));
    bench.zombies.push(claimed);
  });
}

function chunkOf(model: JobModel, bench: Bench, { range, series }: ClaimedChunk): ModelChunk {
  const symbol = bench.series.findIndex(({ id }) => id === series.id);
  const before = model.all.findIndex((chunk) => chunk.symbol === symbol);
  const chunk = model.all[before + range.lo / CHUNK_MINUTES];
  invariant(chunk !== undefined, `chunk [${range.lo}, ${range.hi}) is one of the job's`);
  return chunk;
}

function create(chunks: readonly number[], maxParallel: number, hasDeadline: boolean): Step {
  return {
    check: () => true,
    toString: () => `create(${chunks.join("+")}, max ${maxParallel}${hasDeadline ? ", deadline" : ""})`,
    async run(model, bench) {
      const planned = chunks.flatMap((count, symbol) => chunksOf(bench.series[symbol]!.id, count));
      const ranked = planned.map((chunk, rank) => ({ ...chunk, rank }));
      const deadlineSeconds = hasDeadline ? 3_600 : undefined;
      const { job } = await bench.store.createJob(jobOf(ranked, { maxParallel, deadlineSeconds }));
      bench.jobId = job.id;
      model.create(chunks, maxParallel, hasDeadline);
      await compare(model, bench, job.id);
    },
  };
}

const claim = () =>
  step("claim", async (model, bench) => {
    const expected = model.next();
    const claimed = await bench.store.claim({ owner: "w", leaseMs: 60_000 });
    expect(claimed === undefined).toBe(expected === undefined);
    if (claimed === undefined || expected === undefined) return;
    model.claim(expected);
    expect(chunkOf(model, bench, claimed).no).toBe(expected.no);
    expect([claimed.attempt, claimed.lease.token]).toEqual([expected.attempt, expected.token]);
    bench.held.push(claimed);
  });

const commit = (pick: number) =>
  withHeld("commit", pick, async (model, { store }, { lease, range }, chunk) => {
    const outcome = await store.commit(lease, { segments: [segmentOf(range)], recordsFetched: 1 });
    expect(outcome.kind).toBe("committed");
    model.end(chunk, "done");
  });

/** A commit that may take the next chunk along: it does when a claim would follow it, and nothing else is to be done. */
const commitOn = (pick: number) =>
  step(`commitOn(${pick})`, async (model, bench) => {
    const [claimed] = bench.held.splice(pick % Math.max(1, bench.held.length), 1);
    if (claimed === undefined) return;
    const result = { segments: [segmentOf(claimed.range)], recordsFetched: 1 };
    const wasRunning = model.state === "in_progress";
    model.end(chunkOf(model, bench, claimed), "done");
    const expected = wasRunning ? model.next() : undefined;
    const outcome = await bench.store.commit(claimed.lease, result, { owner: "w", leaseMs: 60_000 });
    invariant(outcome.kind === "committed", "a fresh lease commits");
    bench.zombies.push(claimed);
    const { next } = outcome;
    expect(next === undefined).toBe(expected === undefined);
    if (next === undefined || expected === undefined) return;
    model.claim(expected);
    expect(chunkOf(model, bench, next).no).toBe(expected.no);
    expect([next.attempt, next.lease.token]).toEqual([expected.attempt, expected.token]);
    bench.held.push(next);
  });

const fail = (pick: number) =>
  withHeld("fail", pick, async (model, { store }, { lease }, chunk) => {
    expect((await store.fail(lease, { error: "broken" })).kind).toBe("failed");
    model.end(chunk, "failed");
  });

const retryLater = (pick: number) =>
  withHeld("retryLater", pick, async (model, { store }, { lease }, chunk) => {
    expect((await store.retryLater(lease, { error: "slow", delayMs: 0 })).kind).toBe("given_back");
    model.giveBack(chunk, true);
  });

const release = (pick: number) =>
  withHeld("release", pick, async (model, { store }, { lease }, chunk) => {
    expect((await store.release(lease)).kind).toBe("given_back");
    model.giveBack(chunk, false);
  });

const reap = (pick: number) =>
  withHeld("reap", pick, async (model, { store, database }, { lease }, chunk) => {
    await expire(database, lease);
    const report = await store.reapExpired(ATTEMPTS_MAX);
    const spent = chunk.attempt >= ATTEMPTS_MAX;
    expect([report.requeued, report.failed]).toEqual(spent ? [0, 1] : [1, 0]);
    if (spent) model.end(chunk, "failed");
    else model.giveBack(chunk, true);
  });

const zombie = (pick: number) =>
  step(`zombie(${pick})`, async (_model, { store, zombies }) => {
    const ghost = zombies[pick % Math.max(1, zombies.length)];
    if (ghost === undefined) return;
    const result = { segments: [segmentOf(ghost.range)], recordsFetched: 9 };
    const next = { owner: "ghost", leaseMs: 60_000 };
    expect(await store.commit(ghost.lease, result)).toEqual({ kind: "lost" });
    expect(await store.commit(ghost.lease, result, next)).toEqual({ kind: "lost" });
    expect(await store.fail(ghost.lease, { error: "late" })).toEqual({ kind: "lost" });
    expect(await store.release(ghost.lease)).toEqual({ kind: "lost" });
    expect(await store.heartbeat(ghost.lease, 1_000)).toBeUndefined();
  });

const heartbeat = (pick: number) =>
  step(`heartbeat(${pick})`, async (model, { store, held }) => {
    const claimed = held[pick % Math.max(1, held.length)];
    if (claimed === undefined) return;
    const answer = await store.heartbeat(claimed.lease, 60_000);
    expect(answer?.intent).toBe(model.intent ?? "cancel");
  });

const tell = (command: ModelCommand) =>
  step(JSON.stringify(command), async (model, { store, series }, jobId) => {
    const state = model.state;
    const obeyed = model.tell(command);
    const symbols =
      command.kind === "retry" && command.symbol !== undefined ? [series[command.symbol]!] : undefined;
    const outcome = await store.control(
      jobId,
      command.kind === "retry" ? { kind: "retry", symbols } : command,
    );
    if (obeyed) expect(outcome).toMatchObject({ kind: "moved", job: { status: model.state } });
    else expect(outcome).toMatchObject({ kind: "refused", state });
  });

const deadline = () =>
  step("deadline", async (model, { store, database }, jobId) => {
    await database.sql`
      update backfill_job set deadline_at = now() - interval '1 second' where id = ${jobId} and deadline_at is not null`;
    const ended = model.passDeadline();
    expect((await store.expireDeadlines()).map(({ job }) => job.status)).toEqual(ended ? ["error"] : []);
    // It has passed for a job that had ended before, too, and a retry takes away one that has: nothing ends by it any more.
    model.hasDeadline = false;
  });

/** The counters equal the rows, the rows the model; events are contiguous and legal; no minute is owned twice. */
async function compare(
  model: JobModel,
  { store, database, series, since }: Bench,
  jobId: string,
): Promise<void> {
  const [job, derived, own, everyone, ...owned] = await Promise.all([
    store.job(jobId),
    deriveCounters(database, jobId),
    store.events(jobChannel(jobId), 0, 1_000),
    store.events(BACKFILL_CHANNEL, since, 1_000),
    ...series.map(({ id }) => store.coverage(id, { lo: 0, hi: 1_000 })),
  ]);
  invariant(job !== undefined, "the job is there");
  expect(job).toMatchObject({ ...model.counts, status: model.state, maxParallel: model.maxParallel });
  expect(job).toMatchObject({ ...derived });
  expect(job.finishedAt !== undefined).toBe(["complete", "cancelled", "error"].includes(model.state));
  expect(own.map(({ offset, data }) => ({ offset, from: data.from, to: data.to }))).toEqual(
    model.transitions.map((move, n) => ({ offset: n + 1, ...move })),
  );
  expect(everyone.map(({ offset }) => offset)).toEqual(own.map((_, n) => since + n + 1));
  expect(everyone.map(({ data }) => data)).toEqual(own.map(({ data }) => data));
  for (const { data } of own) expect(isLegal(data.from, data.to)).toBe(true);
  for (const [symbol, rows] of owned.entries()) {
    const done = model.all
      .filter((chunk) => chunk.symbol === symbol)
      .flatMap(({ status }, n) =>
        status === "done" ? [{ lo: n * CHUNK_MINUTES, hi: (n + 1) * CHUNK_MINUTES }] : [],
      );
    const minutes = rows.reduce((sum, { lo, hi }) => sum + hi - lo, 0);
    expect(minutes).toBe(done.length * CHUNK_MINUTES);
    expect(Coverage.of(rows).ranges).toEqual(Coverage.of(done).ranges);
  }
}

function isLegal(from: JobState, to: JobState): boolean {
  return JOB_EVENTS.some((event) => {
    const outcome = jobOutcome(from, event);
    return outcome.kind === "moves" && outcome.to === to;
  });
}

const pick = fc.nat(9);

/** How a job begins: chunks of either symbol, parallelism, deadline. Now and then there is nothing to do from the start. */
export const jobBeginnings = fc
  .tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 1, max: 4 }),
    fc.boolean(),
  )
  .map(([one, two, parallel, late]) => create([one, two], parallel, late));

/** Everything that can be done to one job of up to two symbols. */
export const jobCommands = fc.commands(
  [
    ...Array.from({ length: 4 }, () => fc.constant(claim())),
    pick.map(commit),
    pick.map(commitOn),
    pick.map(commitOn),
    pick.map(fail),
    pick.map(retryLater),
    pick.map(release),
    pick.map(reap),
    pick.map(zombie),
    pick.map(heartbeat),
    fc.constant(tell({ kind: "pause" })),
    fc.constant(tell({ kind: "resume" })),
    fc.constant(tell({ kind: "resume" })),
    fc.constant(tell({ kind: "cancel" })),
    fc.constant(tell({ kind: "retry" })),
    fc.constant(tell({ kind: "retry" })),
    fc.integer({ min: 0, max: 1 }).map((symbol) => tell({ kind: "retry", symbol })),
    fc
      .integer({ min: 1, max: 3 })
      .map((maxParallel) => tell({ kind: "adjust", maxParallel, priority: maxParallel })),
    fc.constant(deadline()),
  ],
  { maxCommands: 60, size: "max" },
);
