import { backoffMs, intersectRanges, OperationFailure, type Timers } from "../core/mod.ts";
import {
  type ChunkOutcome,
  type ChunkRunnerDeps,
  type CommittedChunk,
  operationFailure,
  runChunk,
} from "./chunk-runner.ts";
import type { JobStore } from "./job-store.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { ClaimedChunk, Settled } from "./store/types.ts";

/** How long a claim is believed without a heartbeat. */
export const LEASE_MS = 15_000;
/** Attempts that a chunk has before it is failed. */
export const CHUNK_ATTEMPTS_MAX = 5;
/** Expired leases are looked for this often. */
const REAP_INTERVAL_MS = 2_000;
/** Without a nudge, the queue is looked at again after this long at the latest. */
const IDLE_POLL_MS = 5_000;
/** After the database failed a claim. */
const CLAIM_RETRY_MS = 1_000;
/** How long a stop waits for chunks to let go. */
const STOP_TIMEOUT_MS = 8_000;

export interface DispatcherDeps extends ChunkRunnerDeps {
  readonly jobs: ChunkRunnerDeps["jobs"] &
    Pick<JobStore, "claim" | "pendingWork" | "heartbeat" | "release" | "fail" | "retryLater" | "reapExpired">;
}

export interface DispatcherOptions {
  readonly owner: string;
  /** Chunks run at once. */
  readonly parallel: number;
  readonly leaseMs?: number;
  readonly random: () => number;
  readonly timers: Timers;
  readonly listener: DispatcherListener;
}

export interface DispatcherListener {
  /** A job moved: its transitions, and its counters now. */
  settled(settled: Settled): void;
  claimed(chunk: ClaimedChunk): void;
  committed(chunk: CommittedChunk): void;
  /** A chunk's attempt failed; `retryInMs` is absent when it will not be tried again. */
  attemptFailed(chunk: ClaimedChunk, failure: OperationFailure, retryInMs: number | undefined): void;
  /** The database could not be asked. */
  troubled(thrown: unknown): void;
}

/** Claims chunks as long as there are any, runs some at once, and gives back what it holds when it is stopped. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #options: DispatcherOptions;
  readonly #leases: LeaseKeeper;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Chunks under way: one that shares minutes with another waits for it, and then finds them covered. */
  readonly #inFlight = new Set<{ readonly chunk: ClaimedChunk; readonly done: Promise<unknown> }>();
  #pumping = false;
  /** The last look at the queue. */
  #pumped: Promise<void> | undefined;
  #reaping: Promise<void> | undefined;
  #nudged = false;
  #cancelPoll = () => {};
  #cancelReap = () => {};

  constructor(deps: DispatcherDeps, options: DispatcherOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#leases = new LeaseKeeper(
      (lease, ms) => deps.jobs.heartbeat(lease, ms),
      options.leaseMs ?? LEASE_MS,
      options.timers,
    );
  }

  start(): void {
    this.#scheduleReap(0);
    this.nudge();
  }

  /** There may be work: look now. */
  nudge(): void {
    this.#nudged = true;
    if (!this.#pumping && !this.stopped) this.#pumped = this.#pump();
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Lets go of every chunk without spending its attempt, within a bounded time. */
  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException("the process is shutting down", "AbortError"));
    this.#cancelPoll();
    this.#cancelReap();
    let cancel = () => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.timers.after(STOP_TIMEOUT_MS, resolve);
    });
    await Promise.race([this.#letGo(), late]);
    cancel();
  }

  /** Waits for what is under way, the claim that may still bring a chunk among it. */
  async #letGo(): Promise<void> {
    await this.#reaping;
    await this.#pumped;
    await Promise.allSettled([...this.#running]);
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    this.#cancelPoll();
    let waitMs = IDLE_POLL_MS;
    try {
      while (!this.stopped && this.#running.size < this.#options.parallel) {
        this.#nudged = false;
        const claimedAt = this.#options.timers.now();
        const chunk = await this.#deps.jobs.claim({ owner: this.#options.owner, leaseMs: this.#leaseMs });
        if (chunk === undefined) {
          const { nextDueMs } = await this.#deps.jobs.pendingWork();
          if (this.#nudged) continue;
          if (nextDueMs !== undefined) waitMs = Math.min(waitMs, Math.max(nextDueMs, 50));
          break;
        }
        this.#begin(chunk, claimedAt);
      }
    } catch (thrown) {
      if (!this.stopped) this.#options.listener.troubled(thrown);
      waitMs = CLAIM_RETRY_MS;
    } finally {
      this.#pumping = false;
    }
    if (this.stopped) return;
    if (this.#running.size < this.#options.parallel)
      this.#cancelPoll = this.#options.timers.after(waitMs, () => this.nudge());
  }

  get #leaseMs(): number {
    return this.#options.leaseMs ?? LEASE_MS;
  }

  #begin(chunk: ClaimedChunk, claimedAt: number): void {
    const { listener } = this.#options;
    listener.settled({ job: chunk.job, events: chunk.events });
    listener.claimed(chunk);
    const kept = this.#leases.keep(chunk.lease, claimedAt);
    const signal = AbortSignal.any([this.#stopping.signal, kept.signal]);
    const work = this.#afterOverlapping(chunk).then(() => this.#run(chunk, signal));
    const entry = { chunk, done: work.catch(() => undefined) };
    this.#inFlight.add(entry);
    const run = work
      .catch((thrown) => listener.troubled(thrown))
      .finally(() => {
        kept.end();
        this.#running.delete(run);
        this.#inFlight.delete(entry);
        this.nudge();
      });
    this.#running.add(run);
  }

  #afterOverlapping({ series, range }: ClaimedChunk): Promise<unknown> {
    const overlapping = [...this.#inFlight].filter(
      ({ chunk }) => chunk.series.id === series.id && intersectRanges(chunk.range, range) !== undefined,
    );
    return Promise.all(overlapping.map(({ done }) => done));
  }

  async #run(chunk: ClaimedChunk, signal: AbortSignal): Promise<void> {
    const { listener } = this.#options;
    let outcome: ChunkOutcome;
    try {
      outcome = await runChunk(this.#deps, chunk, signal);
    } catch (thrown) {
      // What fails because we let go is no fault of the chunk.
      const failure = signal.aborted
        ? new OperationFailure("aborted", "let go", { cause: thrown })
        : operationFailure(thrown);
      return this.#giveBack(chunk, failure);
    }
    if (outcome.kind === "lost") return;
    listener.committed(outcome);
    listener.settled({ job: outcome.job, events: outcome.events });
  }

  async #giveBack(chunk: ClaimedChunk, failure: OperationFailure): Promise<void> {
    const { jobs } = this.#deps;
    const { listener, random } = this.#options;
    if (failure.kind === "aborted") {
      const outcome = await jobs.release(chunk.lease);
      if (outcome.kind !== "lost") listener.settled(outcome);
      return;
    }
    const final = failure.kind === "permanent" || chunk.attempt >= CHUNK_ATTEMPTS_MAX;
    const delayMs = final ? undefined : backoffMs(chunk.attempt, random, failure.retryAfterMs);
    listener.attemptFailed(chunk, failure, delayMs);
    const error = failure.message;
    const outcome =
      delayMs === undefined
        ? await jobs.fail(chunk.lease, { error })
        : await jobs.retryLater(chunk.lease, { error, delayMs });
    if (outcome.kind !== "lost") listener.settled(outcome);
  }

  #scheduleReap(delayMs: number): void {
    this.#cancelReap = this.#options.timers.after(delayMs, () => {
      this.#reaping = this.#reap().finally(() => {
        if (!this.stopped) this.#scheduleReap(REAP_INTERVAL_MS);
      });
    });
  }

  async #reap(): Promise<void> {
    try {
      const report = await this.#deps.jobs.reapExpired();
      for (const job of report.jobs)
        this.#options.listener.settled({
          job,
          events: report.events.filter(({ data }) => data.job_id === job.id),
        });
      if (report.requeued > 0) this.nudge();
    } catch (thrown) {
      if (!this.stopped) this.#options.listener.troubled(thrown);
    }
  }
}
