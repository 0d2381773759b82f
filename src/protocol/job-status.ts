import * as v from "valibot";

/** Every status of a backfill, in the spelling of every wire. */
export const JOB_STATUSES = [
  "idle",
  "pending",
  "in_progress",
  "paused",
  "complete",
  "cancelled",
  "error",
  "skipped",
  "disabled",
] as const;

export const JobStatus = v.picklist(JOB_STATUSES);
export type JobStatus = v.InferOutput<typeof JobStatus>;

/** Statuses that a job does not leave by itself. */
const ENDED: readonly JobStatus[] = ["complete", "cancelled", "error", "skipped", "disabled"];

export function jobHasEnded(status: JobStatus): boolean {
  return ENDED.includes(status);
}

/** Share of `total` that is done, in percent with one decimal, rounded down so that 100 means all of it; 0 of 0 is 0. */
export function donePercentage(done: number, total: number): number {
  if (total === 0) return 0;
  return done >= total ? 100 : Math.floor((done * 1_000) / total) / 10;
}
