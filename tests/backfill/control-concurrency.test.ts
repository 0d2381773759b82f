import { afterAll, beforeAll, expect, test } from "bun:test";
import type postgres from "postgres";
import type { Database } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import type { JobCommand } from "../../src/backfill/store/command.ts";
import { jobChannel } from "../../src/backfill/store/events.ts";
import type { ClaimedChunk } from "../../src/backfill/store/types.ts";
import { invariant, isEndedState } from "../../src/core/mod.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";
import {
  chunksOf,
  clearWork,
  deriveCounters,
  jobOf,
  makeSeries,
  segmentOf,
  untilOneWaits,
} from "./job-store-support.ts";

const WORKERS = 8;
const CHUNKS = 120;
const STORM_COMMANDS = 60;

let database: Database;
let store: JobStore;

beforeAll(async () => {
  database = await openTestDatabase("postgres", { poolSize: 16 });
  store = createJobStore(database);
}, OPEN_TIMEOUT_MS);
afterAll(() => database.close(), OPEN_TIMEOUT_MS);

/** Works as workers do, every third chunk given back, every seventh failed, and commits that take the next along, until `over`. */
async function work(over: () => boolean): Promise<void> {
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      const options = { owner: `w${worker}`, leaseMs: 60_000 };
      let next: ClaimedChunk | undefined;
      for (let n = 0; !over(); n++) {
        const claimed: ClaimedChunk | undefined = next ?? (await store.claim(options));
        next = undefined;
        if (claimed === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          continue;
        }
        const { lease, range } = claimed;
        if (n % 7 === 6) await store.fail(lease, { error: "broken" });
        else if (n % 6 === 1) await store.release(lease);
        else if (n % 6 === 2) await store.retryLater(lease, { error: "slow", delayMs: 0 });
        else {
          const result = { segments: [segmentOf(range)], recordsFetched: 1 };
          const outcome = await store.commit(lease, result, options);
          next = outcome.kind === "committed" ? outcome.next : undefined;
        }
      }
      if (next !== undefined) await store.release(next.lease);
    }),
  );
}

test("control() under a storm of workers and commanders: no deadlock, counters equal rows, events without a hole", async () => {
  await clearWork(database);
  const series = [await makeSeries(store), await makeSeries(store)];
  const chunks = series.flatMap(({ id }) => chunksOf(id, CHUNKS)).map((chunk, rank) => ({ ...chunk, rank }));
  const { job } = await store.createJob(jobOf(chunks, { maxParallel: WORKERS }));
  const commands: JobCommand[] = [
    { kind: "pause" },
    { kind: "resume" },
    { kind: "cancel" },
    { kind: "retry" },
    { kind: "adjust", maxParallel: WORKERS },
    { kind: "retry", symbols: [series[0]!] },
  ];
  let left = STORM_COMMANDS;
  let moves = 0;
  const commander = async (start: number) => {
    for (let n = start; left-- > 0; n++) {
      const outcome = await store.control(job.id, commands[n % commands.length]!);
      if (outcome.kind === "moved") moves++;
    }
  };
  await Promise.all([work(() => left <= 0), commander(0), commander(3)]);
  expect(moves).toBeGreaterThan(0);

  const settle = async () => {
    const now = await store.job(job.id);
    invariant(now !== undefined, "the job is there");
    expect(now).toMatchObject({ ...(await deriveCounters(database, job.id)) });
    const [cancelled] = await database.sql<{ count: number; waiting: number }[]>`
      select (count(*) filter (where status = 'cancelled'))::int as count,
        (count(*) filter (where status = 'pending'))::int as waiting
      from backfill_chunk where job_id = ${job.id}`;
    expect(cancelled?.count).toBe(now.chunksCancelled);
    if (isEndedState(now.status)) expect(cancelled?.waiting).toBe(0);
    const events = await store.events(jobChannel(job.id), 0, 1_000);
    expect(events.map(({ offset }) => offset)).toEqual(events.map((_, n) => n + 1));
    for (const [n, { data }] of events.entries())
      expect(data.from).toBe(n === 0 ? "idle" : events[n - 1]!.data.to);
    expect(events.at(-1)?.data.to).toBe(now.status);
    return now;
  };
  const stormed = await settle();

  // Whatever the storm left: bring everything back and finish it.
  if (stormed.status === "paused") await store.control(job.id, { kind: "resume" });
  await store.control(job.id, { kind: "retry" });
  for (;;) {
    const claimed = await store.claim({ owner: "last", leaseMs: 60_000 });
    if (claimed === undefined) break;
    await store.commit(claimed.lease, { segments: [segmentOf(claimed.range)], recordsFetched: 1 });
  }
  const ended = await settle();
  expect(ended).toMatchObject({
    status: "complete",
    chunksDone: CHUNKS * 2,
    chunksFailed: 0,
    chunksCancelled: 0,
  });
}, 120_000);

/** Lets a transaction lock a chunk and then want its job's row, as some statements of workers do, and `command` wait between the two. */
async function commandBetween<T>(
  jobId: string,
  lockChunk: (tx: postgres.TransactionSql) => Promise<unknown>,
  command: () => Promise<T>,
): Promise<T> {
  const locked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const statement = database.sql.begin(async (tx) => {
    await lockChunk(tx);
    locked.resolve();
    await goOn.promise;
    await tx`update backfill_job set version = version + 1 where id = ${jobId}`;
  });
  await locked.promise;
  const commanded = command();
  try {
    await untilOneWaits(database);
  } finally {
    goOn.resolve();
  }
  await statement;
  return commanded;
}

test("control() cancel waits for a claim that holds a chunk and wants the job's row", async () => {
  await clearWork(database);
  const { id: seriesId } = await makeSeries(store);
  const { job } = await store.createJob(jobOf(chunksOf(seriesId, 3)));
  const cancelled = await commandBetween(
    job.id,
    // As a claim in one statement: the chunk first, then its job.
    (tx) => tx`select id from backfill_chunk where job_id = ${job.id} order by rank limit 1 for update`,
    () => store.control(job.id, { kind: "cancel" }),
  );
  expect(cancelled).toMatchObject({ kind: "moved", job: { status: "cancelled", chunksCancelled: 3 } });
}, 60_000);

test("control() retry waits for a commit that has locked a chunk called off meanwhile and wants the job's row", async () => {
  await clearWork(database);
  const { id: seriesId } = await makeSeries(store);
  const { job } = await store.createJob(jobOf(chunksOf(seriesId, 3)));
  await store.control(job.id, { kind: "cancel" });
  const retried = await commandBetween(
    job.id,
    // As a statement that saw a chunk wait: it locks what became of it, and keeps that lock.
    (tx) =>
      tx`select id from backfill_chunk where job_id = ${job.id} and status = 'cancelled' order by rank limit 1 for update`,
    () => store.control(job.id, { kind: "retry" }),
  );
  expect(retried).toMatchObject({ kind: "moved", job: { status: "pending", chunksCancelled: 0 } });
  expect(await store.job(job.id)).toMatchObject({ chunksTotal: 3, leased: 0 });
}, 60_000);
