import { asc, eq, type SQL, sql } from "drizzle-orm";
import { validate } from "uuid";
import { backfillJob } from "../../../db/mod.ts";
import { formatTime, type JobStateEvent, jobOutcome, OperationFailure } from "../../core/mod.ts";
import { callOffPending, hasPending, lockPending } from "./called-off.ts";
import type { ControlOutcome, JobAdjustment, JobCommand } from "./command.ts";
import { nudge } from "./nudge.ts";
import { applyEvent, type JobRow } from "./progress.ts";
import { retryJob } from "./retry.ts";
import type { Access, Tx } from "./transaction.ts";
import type { Settled } from "./types.ts";

/** Jobs that one look at the deadlines ends; the next look takes the rest. */
const EXPIRE_BATCH = 100;
/** Stopping a job starts over when a chunk came back and was locked by a claim in the same moment. */
const STOP_TRIES = 5;
/** What each chunk says that a deadline called off. */
const PAST_DEADLINE = "called off: the deadline of its job passed before it was fetched";

/** Ends a transaction that is to start over; never leaves this file. */
class StartOver extends Error {
  override readonly name = "StartOver";
}

/**
 * Tells a job what to do, in one transaction with at most one transition. What is leased is not touched: its holder learns of
 * it by its heartbeat, or at once where the command was given, and lets go at its next safe point.
 */
export async function controlJob(access: Access, id: string, command: JobCommand): Promise<ControlOutcome> {
  if (!validate(id)) return { kind: "unknown" };
  if (command.kind === "cancel")
    return stopJob(access, eq(backfillJob.id, id), {
      id,
      event: "cancel",
      chunkError: undefined,
      error: (row) => row.error,
    });
  return access.db.transaction(async (tx): Promise<ControlOutcome> => {
    const row = await lockJob(tx, eq(backfillJob.id, id));
    if (row === undefined) return { kind: "unknown" };
    const outcome = jobOutcome(row.status, command.kind);
    const settled =
      outcome.kind === "refused" ? outcome.why : await obey(tx, row, command, outcome.kind === "moves");
    if (typeof settled === "string") return { kind: "refused", state: row.status, why: settled };
    await tell(access, tx, settled);
    return { kind: "moved", ...settled };
  });
}

/** Answers why not, where the state allows it and the job's chunks do not. */
async function obey(
  tx: Tx,
  row: JobRow,
  command: Exclude<JobCommand, { kind: "cancel" }>,
  moves: boolean,
): Promise<Settled | string> {
  switch (command.kind) {
    case "pause":
      return applyEvent(tx, row, "pause", { intent: "pause" });
    case "resume":
      return applyEvent(tx, row, "resume", { intent: "run" });
    case "retry":
      return retryJob(tx, row, command.symbols, moves);
    case "adjust":
      return applyEvent(tx, row, "adjust", adjusted(command));
  }
}

function adjusted({ priority, maxParallel, deadlineSeconds }: JobAdjustment) {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(maxParallel === undefined ? {} : { maxParallel }),
    ...(deadlineSeconds === undefined
      ? {}
      : {
          deadlineAt:
            deadlineSeconds === null
              ? null
              : sql`clock_timestamp() + ${deadlineSeconds} * interval '1 second'`,
        }),
  };
}

interface Stop {
  readonly id: string;
  readonly event: Extract<JobStateEvent, "cancel" | "deadline">;
  /** What each waiting chunk says from then on. */
  readonly chunkError: string | undefined;
  readonly error: (row: JobRow) => string | null;
}

/**
 * Ends a job from outside and calls off what waits. Chunks are locked before their job, as everywhere: a quick claim holds a
 * chunk while it waits for the job. `which` chooses the job's row, and must still do so once it is locked.
 */
async function stopJob(access: Access, which: SQL, stop: Stop): Promise<ControlOutcome> {
  for (let tries = 0; tries < STOP_TRIES; tries++) {
    try {
      return await access.db.transaction((tx) => stopOnce(access, tx, which, stop));
    } catch (thrown) {
      if (!(thrown instanceof StartOver)) throw thrown;
    }
  }
  throw new OperationFailure(
    "transient",
    `job ${stop.id} could not be stopped: ${STOP_TRIES} times its chunks changed hands meanwhile; try again`,
  );
}

async function stopOnce(access: Access, tx: Tx, which: SQL, stop: Stop): Promise<ControlOutcome> {
  // Commands to one job take turns: two that lock its chunks could wait for each other in a circle.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${stop.id}, 0))`);
  const seen = await readJobRow(tx, which);
  if (seen === undefined) return { kind: "unknown" };
  const asked = jobOutcome(seen.status, stop.event);
  if (asked.kind === "refused") return { kind: "refused", state: seen.status, why: asked.why };
  await lockPending(tx, stop.id);
  const row = await lockJob(tx, which);
  // Its last chunk may have ended it meanwhile.
  if (row === undefined || jobOutcome(row.status, stop.event).kind === "refused") throw new StartOver();
  const calledOff = await callOffPending(tx, stop.id, stop.chunkError);
  // A chunk that was given back since may be locked by a claim that waits for the job's row, which is ours.
  if (await hasPending(tx, stop.id)) throw new StartOver();
  const settled = await applyEvent(tx, row, stop.event, {
    intent: "cancel",
    error: stop.error(row),
    chunksCancelled: sql`${backfillJob.chunksCancelled} + ${calledOff}`,
  });
  await tell(access, tx, settled);
  return { kind: "moved", ...settled };
}

/**
 * Ends in error every job whose deadline has passed, with a message that says what was reached. What is committed stays; what
 * waited is called off, and a retry brings it back. One job a transaction.
 */
export async function expireDeadlines(access: Access): Promise<Settled[]> {
  const overdue = sql`${backfillJob.deadlineAt} <= now() and ${backfillJob.finishedAt} is null`;
  const due = await access.db
    .select({ id: backfillJob.id })
    .from(backfillJob)
    .where(overdue)
    .orderBy(asc(backfillJob.deadlineAt))
    .limit(EXPIRE_BATCH);
  const ended: Settled[] = [];
  for (const { id } of due) {
    // Another process may be quicker, or somebody ends the job: then it is not found overdue any more.
    const outcome = await stopJob(access, sql`${backfillJob.id} = ${id} and ${overdue}`, {
      id,
      event: "deadline",
      chunkError: PAST_DEADLINE,
      error: reached,
    });
    if (outcome.kind === "moved") ended.push(outcome);
  }
  return ended;
}

function reached({ deadlineAt, chunksDone, chunksFailed, chunksTotal }: JobRow): string {
  const at = deadlineAt === null ? "" : ` of ${formatTime(deadlineAt.getTime())}`;
  const share = chunksTotal === 0 ? 0 : Math.floor((1_000 * chunksDone) / chunksTotal) / 10;
  const failed = chunksFailed > 0 ? `, ${chunksFailed} failed` : "";
  return `the deadline${at} passed with ${chunksDone} of ${chunksTotal} chunks committed (${share} %${failed}); they stay, and a retry fetches the rest`;
}

/** Workers elsewhere look at once: there may be work, or they hold what is not wanted any more. */
async function tell(access: Access, tx: Tx, { job }: Settled): Promise<void> {
  await nudge(access, tx, { work: true, job_id: job.id });
}

async function readJobRow(tx: Tx, which: SQL): Promise<JobRow | undefined> {
  const rows = await tx.select().from(backfillJob).where(which);
  return rows[0];
}

async function lockJob(tx: Tx, which: SQL): Promise<JobRow | undefined> {
  const rows = await tx.select().from(backfillJob).where(which).for("no key update");
  return rows[0];
}
