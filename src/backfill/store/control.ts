import { asc, eq, type SQL, sql } from "drizzle-orm";
import { validate } from "uuid";
import { backfillJob } from "../../../db/mod.ts";
import { formatTime, type JobStateEvent, jobOutcome } from "../../core/mod.ts";
import { callOffWaiting } from "./called-off.ts";
import type { ControlOutcome, JobAdjustment, JobCommand } from "./command.ts";
import { nudge } from "./nudge.ts";
import { applyEvent, type JobRow } from "./progress.ts";
import { awaitEnded, retryJob } from "./retry.ts";
import { startingOver } from "./start-over.ts";
import type { Access, Tx } from "./transaction.ts";
import type { Settled } from "./types.ts";

/** Jobs that one look at the deadlines ends; the next look takes the rest. */
const EXPIRE_BATCH = 100;
/** Batches that are called off while whoever stops a job waits: all of an ordinary job. */
const CALL_OFF_AT_ONCE = 2;

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
      error: (row) => row.error,
    });
  // What was stopped a moment ago may still be called off; all of it is, before some symbols are brought back.
  if (command.kind === "retry" && command.symbols !== undefined)
    await callOffWaiting(access, id, Number.POSITIVE_INFINITY);
  return startingOver(id, (again) =>
    access.db.transaction(async (tx) => {
      if (again) await awaitEnded(tx, id);
      return controlOnce(access, tx, id, command);
    }),
  );
}

async function controlOnce(
  access: Access,
  tx: Tx,
  id: string,
  command: Exclude<JobCommand, { kind: "cancel" }>,
): Promise<ControlOutcome> {
  const row = await lockJob(tx, eq(backfillJob.id, id));
  if (row === undefined) return { kind: "unknown" };
  const outcome = jobOutcome(row.status, command.kind);
  const settled =
    outcome.kind === "refused" ? outcome.why : await obey(tx, row, command, outcome.kind === "moves");
  if (typeof settled === "string") return { kind: "refused", state: row.status, why: settled };
  await tell(access, tx, settled);
  return { kind: "moved", ...settled };
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
  readonly error: (row: JobRow) => string | null;
}

/**
 * Ends a job from outside: from the first transaction on nothing of it is claimed. What waited is called off afterwards, here as far as
 * that is little work, else by {@link reapExpired}, which also goes on after a crash. `which` chooses the job's row.
 */
async function stopJob(access: Access, which: SQL, { id, event, error }: Stop): Promise<ControlOutcome> {
  const outcome = await access.db.transaction(async (tx): Promise<ControlOutcome> => {
    const row = await lockJob(tx, which);
    if (row === undefined) return { kind: "unknown" };
    const asked = jobOutcome(row.status, event);
    if (asked.kind === "refused") return { kind: "refused", state: row.status, why: asked.why };
    const settled = await applyEvent(tx, row, event, { intent: "cancel", error: error(row) });
    await tell(access, tx, settled);
    return { kind: "moved", ...settled };
  });
  if (outcome.kind !== "moved") return outcome;
  return { ...outcome, job: (await callOffWaiting(access, id, CALL_OFF_AT_ONCE)) ?? outcome.job };
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

async function lockJob(tx: Tx, which: SQL): Promise<JobRow | undefined> {
  const rows = await tx.select().from(backfillJob).where(which).for("no key update");
  return rows[0];
}
