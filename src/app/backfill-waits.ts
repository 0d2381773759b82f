import type { JobProgress, JobStore } from "../backfill/mod.ts";
import type { Timers } from "../core/mod.ts";
import type { CallOptions, BackfillWaits as HttpWaits, WaitOutcome } from "../http/mod.ts";
import { type JobWaitQuery, jobHasEnded, type StartupFacts, type WaitQuery } from "../protocol/mod.ts";

/** Requests that are held back at the same time; about 1 kB each, and a query a second for each job of theirs. */
const WAITERS_MAX = 256;
/** Jobs that other processes move are looked at this often, ms. */
const LOOK_INTERVAL_MS = 1_000;
/** What a request that there is no room for is told, seconds. */
const RETRY_AFTER_SECONDS = 2;

type SeenJob = Pick<JobProgress, "version" | "status">;

interface Waiter {
  /** Undefined: the start-up backfill. */
  readonly jobId: string | undefined;
  /** Ends the wait when what it is for has come about, or cannot any more because there is no such job. */
  see(job?: SeenJob): void;
}

export interface BackfillWaitsDeps {
  readonly jobs: Pick<JobStore, "job">;
  readonly startup: () => Pick<StartupFacts, "status">;
  readonly timers: Timers;
  readonly waitersMax?: number;
}

/**
 * Requests that wait for a job or for the start-up backfill. What this process moves wakes them at once; each job that is waited
 * for is read from the database once a second besides, because other processes move jobs too.
 */
export class BackfillWaits implements HttpWaits {
  readonly #deps: BackfillWaitsDeps;
  readonly #waiting = new Set<Waiter>();
  readonly #closing = new AbortController();
  #cancelLook = () => {};

  constructor(deps: BackfillWaitsDeps) {
    this.#deps = deps;
  }

  /** Requests that are held back now. */
  get size(): number {
    return this.#waiting.size;
  }

  /** A job of this process moved. */
  observe(job: Pick<JobProgress, "id"> & SeenJob): void {
    for (const waiter of this.#waiting) {
      if (waiter.jobId === undefined) waiter.see();
      else if (waiter.jobId === job.id) waiter.see(job);
    }
  }

  job(id: string, { since, waitMs }: JobWaitQuery, options: CallOptions): Promise<WaitOutcome> {
    const holds = (job?: SeenJob) =>
      job === undefined || jobHasEnded(job.status) || (since !== undefined && job.version > since);
    return this.#wait(id, holds, waitMs, options);
  }

  startup({ waitMs }: WaitQuery, options: CallOptions): Promise<WaitOutcome> {
    return this.#wait(undefined, () => jobHasEnded(this.#deps.startup().status), waitMs, options);
  }

  /** Lets every request look and answer now; the server is about to stop. */
  close(): void {
    this.#closing.abort();
    this.#cancelLook();
  }

  async #wait(
    jobId: string | undefined,
    holds: (job?: SeenJob) => boolean,
    waitMs: number,
    { signal }: CallOptions,
  ): Promise<WaitOutcome> {
    const { timers, waitersMax = WAITERS_MAX } = this.#deps;
    const over = AbortSignal.any([signal, this.#closing.signal]);
    if (over.aborted) return { kind: "look" };
    if (this.#waiting.size >= waitersMax)
      return {
        kind: "unavailable",
        detail: `${waitersMax} requests wait already; ask without \`wait\`, or again in a moment`,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      };
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      jobId,
      see: (job) => {
        if (holds(job)) end();
      },
    };
    this.#waiting.add(waiter);
    if (this.#waiting.size === 1) this.#scheduleLook();
    const stop = () => end();
    over.addEventListener("abort", stop, { once: true });
    const cancel = timers.after(waitMs, end);
    void this.#look([waiter]);
    try {
      await ended;
      return { kind: "look" };
    } finally {
      cancel();
      over.removeEventListener("abort", stop);
      this.#waiting.delete(waiter);
      if (this.#waiting.size === 0) this.#cancelLook();
    }
  }

  #scheduleLook(): void {
    this.#cancelLook();
    this.#cancelLook = this.#deps.timers.after(LOOK_INTERVAL_MS, () => {
      void this.#look([...this.#waiting]).then(() => {
        if (this.#waiting.size > 0 && !this.#closing.signal.aborted) this.#scheduleLook();
      });
    });
  }

  /** Shows waiters what they wait for as it stands. A database that cannot be asked now is asked again by the next look. */
  async #look(waiters: readonly Waiter[]): Promise<void> {
    for (const [jobId, own] of Map.groupBy(waiters, (waiter) => waiter.jobId)) {
      try {
        const job = jobId === undefined ? undefined : await this.#deps.jobs.job(jobId);
        for (const waiter of own) waiter.see(job);
      } catch {
        // The answer will say it if it lasts.
      }
    }
  }
}
