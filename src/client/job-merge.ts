import * as v from "valibot";
import { JobAnswer, JobTransition, jobHasEnded } from "../protocol/mod.ts";
import { frozen, type ReadOnly } from "./read-only.ts";

/** Why a job is told of. */
export type BackfillChange =
  /** The job as it stood when it was first looked at; `startedOver`: transitions before it were missed and cannot be had any more. */
  | { readonly kind: "snapshot"; readonly startedOver: boolean }
  /** It went from one state to another; each is told once, in order. */
  | { readonly kind: "transition"; readonly transition: ReadOnly<JobTransition> }
  /** Its counters moved. */
  | { readonly kind: "progress" };

/** A job, whole, and what has just happened to it. */
export type BackfillUpdate = ReadOnly<JobAnswer> & { readonly change: BackfillChange };

const Progress = v.pick(JobAnswer, [
  "progress_pct",
  "chunks_total",
  "chunks_done",
  "chunks_failed",
  "total_records_fetched",
  "total_records_inserted",
]);
/** A transition has both ends, progress has neither. */
const EitherFrame = v.looseObject({ from: v.optional(v.unknown()), to: v.optional(v.unknown()) });

/** Puts a job together from its snapshot, transitions and progress. Every method throws when a frame is not what such a channel carries. */
export class JobMerge {
  #job: ReadOnly<JobAnswer> | undefined;

  get job(): ReadOnly<JobAnswer> | undefined {
    return this.#job;
  }

  /** Takes the job as it stands. */
  snapshot(data: unknown): BackfillUpdate {
    const startedOver = this.#job !== undefined;
    return this.#take(v.parse(JobAnswer, data), { kind: "snapshot", startedOver });
  }

  /** Takes the counters of a job whose missed transitions are still to come: they alone say where it stands. */
  recovered(data: unknown): BackfillUpdate {
    const job = v.parse(JobAnswer, data);
    const held = this.#job;
    if (held === undefined) return this.#take(job, { kind: "snapshot", startedOver: false });
    const { status, started_at, completed_at, error } = held;
    return this.#take({ ...job, status, started_at, completed_at, error }, { kind: "progress" });
  }

  /** Takes a frame; undefined while there is no job to lay it over. */
  frame(data: unknown): BackfillUpdate | undefined {
    if (this.#job === undefined) return undefined;
    const { from, to } = v.parse(EitherFrame, data);
    if (from === undefined && to === undefined)
      return this.#take({ ...this.#job, ...v.parse(Progress, data) }, { kind: "progress" });
    const transition = v.parse(JobTransition, data);
    return this.#take(moved(this.#job, transition), { kind: "transition", transition: frozen(transition) });
  }

  /** Takes the counters of a job that was read after it had ended, unless it has gone on meanwhile. */
  final(job: ReadOnly<JobAnswer>, change: BackfillChange): BackfillUpdate | undefined {
    return job.status === this.#job?.status ? this.#take(job, change) : undefined;
  }

  #take(job: ReadOnly<JobAnswer>, change: BackfillChange): BackfillUpdate {
    this.#job = frozen(job);
    return withChange(this.#job, change);
  }
}

export function withChange(job: ReadOnly<JobAnswer>, change: BackfillChange): BackfillUpdate {
  return Object.freeze({ ...job, change });
}

function moved(job: ReadOnly<JobAnswer>, transition: JobTransition): ReadOnly<JobAnswer> {
  const { symbol, from, to, at, progress_pct, error = null } = transition;
  if (symbol !== undefined && symbol !== null)
    return {
      ...job,
      details: job.details.map((of) => (of.symbol === symbol ? { ...of, status: to, error } : of)),
    };
  // The snapshot was read after its position, so it may be ahead of the first transitions: it stands until they have caught up.
  if (from !== job.status) return job;
  return {
    ...job,
    status: to,
    progress_pct,
    error,
    started_at: job.started_at ?? (to === "in_progress" ? at : null),
    completed_at: jobHasEnded(to) ? at : null,
  };
}
