import { and, eq, sql } from "drizzle-orm";
import { backfillChunk, backfillJob, type JobIntent } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import { callOff, callOffWaiting, jobToCallOff } from "./called-off.ts";
import type { JobEvent } from "./events.ts";
import { callsOff, changeCounters } from "./progress.ts";
import { quickClaim } from "./quick-claim.ts";
import { readSeries } from "./series.ts";
import type { Access, Tx } from "./transaction.ts";
import type { ChunkLease, ClaimedChunk, ClaimOptions, JobProgress, ReapReport } from "./types.ts";

/** A claim starts over when another claimer took the last chunk of the job it had chosen. */
const CLAIM_ATTEMPTS = 3;
/** Attempts that a chunk has, crashes included. */
export const ATTEMPTS_MAX = 5;
/** Chunks that one transaction of the reaper takes back, and jobs that one call looks at. */
const REAP_BATCH = 500;
const REAP_JOBS = 100;
/** Batches of a stopped job's chunks that one call calls off: dead leases wait for no more than that. */
const REAP_CALL_OFF = 10;

/** Takes the best chunk that may run now, or answers undefined when there is none. */
export async function claim(access: Access, options: ClaimOptions): Promise<ClaimedChunk | undefined> {
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
    const quick = await quickClaim(access, options.owner, leaseMsOf(options));
    if (quick.kind === "claimed") return quick.chunk;
    if (quick.kind === "none") return undefined;
    if (quick.kind === "overtaken") continue;
    const found = await access.db.transaction((tx) => claimOnce(tx, options));
    if (found !== "retry") return found;
  }
  return undefined;
}

async function claimOnce(
  tx: Tx,
  { owner, leaseMs }: ClaimOptions,
): Promise<ClaimedChunk | undefined | "retry"> {
  // First a job that nobody is busy with; if commits or claims hold all of them, wait for the best one.
  const job = (await lockBestJob(tx, "skip")) ?? (await lockBestJob(tx, "wait"));
  if (job === undefined) return undefined;
  const rows = await tx
    .update(backfillChunk)
    .set({
      status: "leased",
      leaseToken: sql`${backfillChunk.leaseToken} + 1`,
      attempt: sql`${backfillChunk.attempt} + 1`,
      leaseOwner: owner,
      leaseUntil: leaseEnd(leaseMs),
    })
    .where(
      eq(
        backfillChunk.id,
        sql`(select id from backfill_chunk where job_id = ${job.id} and status = 'pending' and run_after <= now()
             order by rank, no limit 1 for update skip locked)`,
      ),
    )
    .returning();
  const chunk = rows[0];
  if (chunk === undefined) return "retry";
  const series = await readSeries(tx, chunk.seriesId);
  const settled = await changeCounters(tx, job.id, { leased: 1 });
  return {
    lease: { chunkId: chunk.id, token: chunk.leaseToken },
    job: settled.job,
    series,
    range: { lo: chunk.lo, hi: chunk.hi },
    source: chunk.source,
    timeframe: chunk.timeframe ?? undefined,
    attempt: chunk.attempt,
    checkpoint: chunk.checkpoint,
    events: settled.events,
  };
}

async function lockBestJob(
  tx: Tx,
  locked: "skip" | "wait",
): Promise<typeof backfillJob.$inferSelect | undefined> {
  const rows = await tx
    .select()
    .from(backfillJob)
    .where(
      sql`${backfillJob.status} in ('pending', 'in_progress') and ${backfillJob.intent} = 'run'
        and ${backfillJob.leased} < ${backfillJob.maxParallel}
        and exists (select from backfill_chunk c
          where c.job_id = ${backfillJob.id} and c.status = 'pending' and c.run_after <= now())`,
    )
    .orderBy(sql`${backfillJob.priority} desc`, backfillJob.servedAt, backfillJob.id)
    .limit(1)
    .for("no key update", locked === "skip" ? { skipLocked: true } : {});
  return rows[0];
}

/** Extends a lease; answers what the job's owner wants, or undefined when the lease is lost. */
export async function heartbeat(
  { aside }: Access,
  lease: ChunkLease,
  leaseMs: number,
): Promise<{ readonly intent: JobIntent } | undefined> {
  const rows = await aside
    .update(backfillChunk)
    .set({ leaseUntil: leaseEnd(leaseMs) })
    .from(backfillJob)
    .where(and(holds(lease), eq(backfillJob.id, backfillChunk.jobId)))
    .returning({ intent: backfillJob.intent });
  return rows[0];
}

/**
 * Takes back the chunks whose lease has ended; those without an attempt left fail. What waits of jobs that were stopped is
 * called off.
 */
export async function reapExpired(access: Access, attemptsMax: number = ATTEMPTS_MAX): Promise<ReapReport> {
  const { db } = access;
  const jobs = new Map<string, JobProgress>();
  const events: JobEvent[] = [];
  let requeued = 0;
  let failed = 0;
  for (let round = 0; round < REAP_JOBS; round++) {
    const expired = await db
      .select({ jobId: backfillChunk.jobId })
      .from(backfillChunk)
      .where(sql`${backfillChunk.status} = 'leased' and ${backfillChunk.leaseUntil} < now()`)
      .orderBy(backfillChunk.leaseUntil)
      .limit(1);
    const jobId = expired[0]?.jobId;
    if (jobId === undefined) break;
    // One job a transaction: two job rows locked in one could wait for another reaper in a circle.
    const one = await db.transaction((tx) => reapJob(tx, jobId, attemptsMax));
    if (one === undefined) break;
    requeued += one.requeued;
    failed += one.failed;
    jobs.set(jobId, one.job);
    events.push(...one.events);
  }
  const stopped = await jobToCallOff(access);
  const job = stopped === undefined ? undefined : await callOffWaiting(access, stopped, REAP_CALL_OFF);
  if (job !== undefined) jobs.set(job.id, job);
  return { requeued, failed, jobs: [...jobs.values()], events };
}

async function reapJob(tx: Tx, jobId: string, attemptsMax: number) {
  const spent = sql`${backfillChunk.attempt} >= ${attemptsMax}`;
  const rows = await tx
    .update(backfillChunk)
    .set({
      status: sql`case when ${spent} then 'failed' else 'pending' end`,
      error: sql`format('the lease of worker %s ended without a sign of life, attempt %s of %s', ${backfillChunk.leaseOwner}, ${backfillChunk.attempt}, ${attemptsMax}::int)`,
      runAfter: sql`now()`,
      leaseOwner: null,
      leaseUntil: null,
    })
    .where(
      sql`${backfillChunk.id} in (select id from backfill_chunk
        where job_id = ${jobId} and status = 'leased' and lease_until < now()
        order by id limit ${REAP_BATCH} for update skip locked)`,
    )
    .returning({ id: backfillChunk.id, status: backfillChunk.status, error: backfillChunk.error });
  if (rows.length === 0) return undefined;
  const failures = rows.filter((row) => row.status === "failed");
  const back = rows.filter((row) => row.status === "pending").map((row) => row.id);
  const settled = await changeCounters(tx, jobId, {
    leased: -rows.length,
    failed: failures.length,
    back: back.length,
    error: failures.at(-1)?.error ?? undefined,
  });
  if (callsOff(settled)) await callOff(tx, back);
  return { requeued: back.length, failed: failures.length, ...settled };
}

/** The fence: true for the row of a chunk that this very lease still owns. */
export function holds(lease: ChunkLease) {
  return and(
    eq(backfillChunk.id, lease.chunkId),
    eq(backfillChunk.leaseToken, lease.token),
    eq(backfillChunk.status, "leased"),
  );
}

/** The length of the lease that was asked for, checked. */
export function leaseMsOf({ leaseMs }: Pick<ClaimOptions, "leaseMs">): number {
  invariant(leaseMs > 0, `a lease of ${leaseMs} ms has ended before it begins`);
  return leaseMs;
}

function leaseEnd(leaseMs: number) {
  leaseMsOf({ leaseMs });
  return sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;
}
