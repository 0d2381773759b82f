import type { ControlOutcome, JobCommand } from "../../../src/backfill/store/command.ts";
import type { Settled } from "../../../src/backfill/store/types.ts";
import { formatTime, jobOutcome, symbolName } from "../../../src/core/mod.ts";
import { applyEvent, type MemoryEvents } from "./memory-events.ts";
import type { ChunkRecord, JobRow, MemoryTables } from "./memory-tables.ts";

/** Tells a job what to do; one transition at most. What is leased is not touched. */
export function controlJob(
  tables: MemoryTables,
  events: MemoryEvents,
  jobId: string,
  command: JobCommand,
): ControlOutcome {
  const job = tables.jobs.get(jobId);
  if (job === undefined) return { kind: "unknown" };
  const outcome = jobOutcome(job.status, command.kind);
  if (outcome.kind === "refused") return { kind: "refused", state: job.status, why: outcome.why };
  const apply = (change: Partial<JobRow>) => applyEvent(tables, events, job, command.kind, change);
  const moved = (settled: Settled): ControlOutcome => ({ kind: "moved", ...settled });
  switch (command.kind) {
    case "pause":
      return moved(apply({ intent: "pause" }));
    case "resume":
      return moved(apply({ intent: "run" }));
    case "adjust": {
      const { priority = job.priority, maxParallel = job.maxParallel, deadlineSeconds } = command;
      const after = deadlineSeconds === null ? undefined : tables.nowMs() + (deadlineSeconds ?? 0) * 1_000;
      const deadlineAt = deadlineSeconds === undefined ? job.deadlineAt : after;
      return moved(apply({ priority, maxParallel, deadlineAt }));
    }
    case "cancel":
      return moved(stop(tables, events, job, "cancel", job.error));
    case "retry": {
      const settled = retry(tables, job, command.symbols?.map(symbolName));
      if (typeof settled === "string") return { kind: "refused", state: job.status, why: settled };
      return moved(apply({ ...settled, ...(outcome.kind === "moves" ? { intent: "run" as const } : {}) }));
    }
  }
}

/** Ends every job whose deadline has passed. */
export function expireDeadlines(tables: MemoryTables, events: MemoryEvents): Settled[] {
  const due = [...tables.jobs.values()].filter(
    ({ deadlineAt, finishedAt }) =>
      finishedAt === undefined && deadlineAt !== undefined && deadlineAt <= tables.nowMs(),
  );
  return due.map((job) => stop(tables, events, job, "deadline", reached(job)));
}

function reached({ deadlineAt = 0, chunksDone, chunksFailed, chunksTotal }: JobRow): string {
  const share = chunksTotal === 0 ? 0 : Math.floor((1_000 * chunksDone) / chunksTotal) / 10;
  const failed = chunksFailed > 0 ? `, ${chunksFailed} failed` : "";
  return `the deadline of ${formatTime(deadlineAt)} passed with ${chunksDone} of ${chunksTotal} chunks committed (${share} %${failed}); they stay, and a retry fetches the rest`;
}

function stop(
  tables: MemoryTables,
  events: MemoryEvents,
  job: JobRow,
  event: "cancel" | "deadline",
  error: string | undefined,
): Settled {
  const waiting = tables.chunksOf(job.id).filter(({ status }) => status === "pending");
  for (const chunk of waiting) {
    chunk.status = "cancelled";
    if (event === "deadline")
      chunk.error ??= "called off: the deadline of its job passed before it was fetched";
  }
  const chunksCancelled = job.chunksCancelled + waiting.length;
  return applyEvent(tables, events, job, event, { intent: "cancel", error, chunksCancelled });
}

/** Brings back what has failed or was called off; answers what that changes of the job, or why nothing does. */
function retry(
  tables: MemoryTables,
  job: JobRow,
  wanted: readonly string[] | undefined,
): Partial<JobRow> | string {
  const symbolOf = ({ seriesId }: ChunkRecord) => symbolName(tables.seriesRow(seriesId));
  const ended = tables.chunksOf(job.id).filter(({ status }) => status === "failed" || status === "cancelled");
  const known = new Set(ended.map(symbolOf));
  const strange = wanted?.filter((symbol) => !known.has(symbol)) ?? [];
  if (strange.length > 0) return `nothing of ${strange.join(", ")} has failed or was called off`;
  const back = ended.filter((chunk) => wanted?.includes(symbolOf(chunk)) ?? true);
  if (back.length === 0) return "nothing of it has failed or was called off";
  const failed = back.filter(({ status }) => status === "failed").length;
  for (const chunk of back)
    Object.assign(chunk, { status: "pending", attempt: 0, error: undefined, runAfter: tables.nowMs() });
  const late = job.deadlineAt !== undefined && job.deadlineAt <= tables.nowMs();
  return {
    chunksFailed: job.chunksFailed - failed,
    chunksCancelled: job.chunksCancelled - (back.length - failed),
    error: undefined,
    deadlineAt: late ? undefined : job.deadlineAt,
  };
}
