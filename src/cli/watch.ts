import * as v from "valibot";
import { formatTime } from "../core/mod.ts";
import {
  applyChangedFields,
  type JobAnswer,
  type JobStatus,
  JobTransition,
  jobHasEnded,
  WireLevelSet,
} from "../protocol/mod.ts";
import { type Api, ApiError } from "./api.ts";
import { PushFollower } from "./push-follower.ts";
import type { Reporter } from "./reporter.ts";

/** Without pushes the server holds its answers back until the job changes, so long at most, seconds. */
const HELD_SECONDS = 15;
/** Wait after a server that did not answer, ms. */
const RETRY_MS = 1_000;
/** Time between two looks at the job's status while pushes arrive, as a safety net, ms. */
const POLL_PUSHED_MS = 5_000;
/** Shortest time between two looks that pushes or changes cause, ms. */
const LOOK_GAP_MS = 200;
/** A server that does not answer for so long is given up, ms. */
const UNREACHABLE_MS = 60_000;

export interface WatchOptions {
  readonly api: Api;
  readonly jobId: string;
  /** Channels of level sets to follow beside the job. */
  readonly levelChannels: readonly string[];
  readonly reporter: Pick<Reporter, "job" | "transition" | "levels">;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/**
 * Follows a job until it has ended, and answers it as it stands then. Pushes say when to look and carry levels and transitions; the
 * status over HTTP says what is true, so a lost connection costs time and nothing else. Throws {@link ApiError} when the server is
 * away for a minute or does not know the job, and the signal's reason when it is aborted.
 */
export async function watchJob(options: WatchOptions): Promise<JobAnswer> {
  const { api, jobId, reporter, nowMs, signal } = options;
  const bell = new Bell();
  const transitions = new Transitions(options);
  const held = new Map<string, object>();
  let pushed = false;
  let last = await api.job(jobId);
  transitions.start(last.status);
  reporter.job(last);
  if (jobHasEnded(last.status)) return last;

  const jobChannel = `backfill:${jobId}`;
  const follower = new PushFollower(api, [jobChannel, ...options.levelChannels], {
    state(state) {
      pushed = state === "open";
      bell.ring();
    },
    snapshot(channel, data) {
      if (channel === jobChannel) bell.ring();
      else levels(channel, data, false);
    },
    publication(channel, data) {
      if (channel !== jobChannel) return levels(channel, data, true);
      const transition = v.safeParse(JobTransition, data);
      if (transition.success) transitions.pushed(transition.output);
      bell.ring();
    },
  });
  function levels(channel: string, data: unknown, changed: boolean): void {
    if (typeof data !== "object" || data === null) return;
    const before = held.get(channel);
    const whole = changed && before !== undefined ? applyChangedFields(before, data) : data;
    held.set(channel, whole);
    const set = v.safeParse(WireLevelSet, whole);
    if (set.success) reporter.levels(set.output);
  }

  try {
    let failed = false;
    let answeredMs = nowMs();
    while (!jobHasEnded(last.status)) {
      await delay(LOOK_GAP_MS, signal);
      if (pushed) await bell.wait(POLL_PUSHED_MS, signal);
      else if (failed) await bell.wait(RETRY_MS, signal);
      try {
        last = await api.job(jobId, pushed ? undefined : { seconds: HELD_SECONDS, since: last.version });
        answeredMs = nowMs();
        failed = false;
      } catch (thrown) {
        failed = true;
        if (!(thrown instanceof ApiError) || isFinal(thrown) || nowMs() - answeredMs >= UNREACHABLE_MS)
          throw thrown;
        continue;
      }
      transitions.seen(last);
      reporter.job(last);
    }
    return last;
  } finally {
    follower.close();
  }
}

/** A refusal of the request itself; what 5xx and silence hide may come back. */
function isFinal({ kind, status }: ApiError): boolean {
  return kind === "refused" && status !== undefined && status < 500;
}

/** Tells each transition once, whether a push or a look at the status brought it first. */
class Transitions {
  readonly #options: WatchOptions;
  #status: JobStatus = "pending";

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(status: JobStatus): void {
    this.#status = status;
  }

  pushed(transition: JobTransition): void {
    const ofSymbol = transition.symbol !== undefined && transition.symbol !== null;
    if (!ofSymbol) {
      if (transition.to === this.#status) return;
      this.#status = transition.to;
    }
    this.#options.reporter.transition(transition);
  }

  seen(job: JobAnswer): void {
    // A look that was under way when the end was pushed shows what was before it.
    if (job.status === this.#status || (jobHasEnded(this.#status) && !jobHasEnded(job.status))) return;
    const from = this.#status;
    this.#status = job.status;
    this.#options.reporter.transition({
      job_id: job.job_id,
      from,
      to: job.status,
      status: job.status,
      progress_pct: job.progress_pct,
      at: job.completed_at ?? formatTime(this.#options.nowMs()),
      error: job.error,
    });
  }
}

/** Wakes one waiter; a ring while nobody waits is kept for the next. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until the bell rings, or `ms` have passed. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung) {
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await delay(ms, signal, rung);
    }
    this.#wake = undefined;
    this.#rung = false;
  }
}

/** Waits `ms`, or until `early`; throws the signal's reason when it is aborted. */
async function delay(ms: number, signal: AbortSignal, early?: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: (() => void) | undefined;
  const waits: Promise<void>[] = [
    new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
    new Promise((_, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
    }),
  ];
  if (early !== undefined) waits.push(early);
  try {
    await Promise.race(waits);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
}
