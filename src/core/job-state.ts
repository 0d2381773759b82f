/**
 * The states of a job, the things that happen to it, and what each does in each state. docs/job-state.md draws it.
 *
 * ```
 *  idle ─plan─► pending ─claim─► in_progress ─last_chunk_done─► complete
 *                  ▲  ▲               │  └──────all_failed────► error ◄─deadline─ (pending, in_progress, paused)
 *                  │  └──resume── paused ◄─pause─ (pending, in_progress)
 *                  └──retry── complete, cancelled, error        cancelled ◄─cancel─ (idle, pending, in_progress, paused)
 * ```
 */

/** Every state, in the spelling of every wire. */
export const JOB_STATES = [
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
export type JobState = (typeof JOB_STATES)[number];

/** Everything that can happen to a job. */
export const JOB_EVENTS = [
  /** It was written down with work to do. */
  "plan",
  /** It was written down, and nothing was missing. */
  "plan_empty",
  /** Not one of its symbols can be served. */
  "plan_failed",
  /** Its data comes from elsewhere (an external feed). */
  "skip",
  /** It is switched off. */
  "disable",
  /** A worker took one of its chunks. */
  "claim",
  /** A chunk was committed or has failed for good, and others are left. */
  "chunk_ended",
  /** A chunk was given back: put off, let go, or its lease ended. */
  "chunk_back",
  /** No chunk is left, and at least one was committed. */
  "last_chunk_done",
  /** No chunk is left, and none was committed. */
  "all_failed",
  "pause",
  "resume",
  "cancel",
  /** Chunks that failed or were called off are wanted again. */
  "retry",
  /** Its priority or its parallelism is changed. */
  "adjust",
  /** Its time is up. */
  "deadline",
] as const;
export type JobStateEvent = (typeof JOB_EVENTS)[number];

/** What an event does in a state: a move is exactly one transition, with one event on the channels. */
export type StateOutcome =
  | { readonly kind: "moves"; readonly to: JobState }
  /** Allowed, and the state stays. */
  | { readonly kind: "stays" }
  /** Not allowed; `why` is a reason that a person can act on, to follow "the job is STATE: ". */
  | { readonly kind: "refused"; readonly why: string };

const STAYS: StateOutcome = { kind: "stays" };
const to = (state: JobState): StateOutcome => ({ kind: "moves", to: state });
const no = (why: string): StateOutcome => ({ kind: "refused", why });

const UNPLANNED = no("it has not been planned yet");
const PLANNED = no("it has been planned already");
const ENDED = no("it has ended; retry brings back what is missing of it");
const DONE = no("it has ended");
const NO_CHUNKS = no("none of its chunks is out");
const NEVER_RUNS = no("it never runs");

type Row = Readonly<Record<JobStateEvent, StateOutcome>>;

/** Writing a job down happens once. */
const PLANNING = {
  plan: PLANNED,
  plan_empty: PLANNED,
  plan_failed: PLANNED,
  skip: PLANNED,
  disable: PLANNED,
} satisfies Partial<Row>;

/** What every job answers that has work left and may be told what to do. */
const OPEN = {
  ...PLANNING,
  chunk_ended: STAYS,
  chunk_back: STAYS,
  last_chunk_done: to("complete"),
  all_failed: to("error"),
  cancel: to("cancelled"),
  retry: STAYS,
  adjust: STAYS,
  deadline: to("error"),
} satisfies Partial<Row>;

/** Stopped from outside: chunks that were out then may still come in, and leave the state as it is. */
const STOPPED = {
  ...PLANNING,
  claim: no("it gives out no chunks any more"),
  chunk_ended: STAYS,
  chunk_back: STAYS,
  last_chunk_done: STAYS,
  all_failed: STAYS,
  pause: ENDED,
  resume: no("it has ended, and only a paused job resumes; retry brings back what is missing of it"),
  cancel: DONE,
  retry: to("pending"),
  adjust: ENDED,
  deadline: DONE,
} satisfies Row;

const NEVER_RUN: Row = {
  plan: NEVER_RUNS,
  plan_empty: NEVER_RUNS,
  plan_failed: NEVER_RUNS,
  skip: NEVER_RUNS,
  disable: NEVER_RUNS,
  claim: NEVER_RUNS,
  chunk_ended: NEVER_RUNS,
  chunk_back: NEVER_RUNS,
  last_chunk_done: NEVER_RUNS,
  all_failed: NEVER_RUNS,
  pause: NEVER_RUNS,
  resume: NEVER_RUNS,
  cancel: NEVER_RUNS,
  retry: NEVER_RUNS,
  adjust: NEVER_RUNS,
  deadline: NEVER_RUNS,
};

/** The machine: an answer for every pair. A missing cell does not compile. */
const MACHINE: Readonly<Record<JobState, Row>> = {
  idle: {
    plan: to("pending"),
    plan_empty: to("complete"),
    plan_failed: to("error"),
    skip: to("skipped"),
    disable: to("disabled"),
    claim: UNPLANNED,
    chunk_ended: UNPLANNED,
    chunk_back: UNPLANNED,
    last_chunk_done: UNPLANNED,
    all_failed: UNPLANNED,
    pause: UNPLANNED,
    resume: UNPLANNED,
    cancel: to("cancelled"),
    retry: UNPLANNED,
    adjust: UNPLANNED,
    deadline: to("error"),
  },
  pending: {
    ...OPEN,
    claim: to("in_progress"),
    pause: to("paused"),
    resume: no("only a paused job resumes"),
  },
  in_progress: {
    ...OPEN,
    claim: STAYS,
    pause: to("paused"),
    resume: no("only a paused job resumes"),
  },
  paused: {
    ...OPEN,
    claim: no("it gives out no chunks until it is resumed"),
    pause: no("it is paused already"),
    resume: to("pending"),
  },
  complete: {
    ...STOPPED,
    chunk_ended: NO_CHUNKS,
    chunk_back: NO_CHUNKS,
    last_chunk_done: NO_CHUNKS,
    all_failed: NO_CHUNKS,
  },
  cancelled: STOPPED,
  error: STOPPED,
  skipped: NEVER_RUN,
  disabled: NEVER_RUN,
};

/** What `event` does to a job in `state`. */
export function jobOutcome(state: JobState, event: JobStateEvent): StateOutcome {
  return MACHINE[state][event];
}

const ENDED_STATES: readonly JobState[] = ["complete", "cancelled", "error", "skipped", "disabled"];

/** True for the states that a job does not leave by itself. */
export function isEndedState(state: JobState): boolean {
  return ENDED_STATES.includes(state);
}

/** The event that the end of a chunk is, by what is left of its job. */
export function chunkEndEvent(counts: {
  readonly chunksTotal: number;
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly chunksCancelled: number;
}): "chunk_ended" | "last_chunk_done" | "all_failed" {
  const { chunksTotal, chunksDone, chunksFailed, chunksCancelled } = counts;
  if (chunksDone + chunksFailed + chunksCancelled < chunksTotal) return "chunk_ended";
  return chunksDone > 0 ? "last_chunk_done" : "all_failed";
}
