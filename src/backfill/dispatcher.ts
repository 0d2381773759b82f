import { backoffMs, OperationFailure, type Timers } from "../core/mod.ts";
import { TapeError } from "../tape/mod.ts";
import {
  type ChunkOutcome,
  type ChunkRunnerDeps,
  type CommittedChunk,
  operationFailure,
  runChunk,
} from "./chunk-runner.ts";
import { ChunksInFlight } from "./chunks-in-flight.ts";
import type { JobStore } from "./job-store.ts";
import { type KeptLease, LeaseKeeper } from "./lease-keeper.ts";
import type { ClaimedChunk, ClaimOptions, JobProgress, Settled } from "./store/types.ts";

/** How long a claim is believed without a heartbeat. */
export const LEASE_MS = 15_000;
/** Attempts that a chunk has before it is failed. */
export const CHUNK_ATTEMPTS_MAX = 5;
/** Expired leases are looked for this often. */
const REAP_INTERVAL_MS = 500;
/** Without a nudge, the queue is looked at again after this long at the latest. */
const IDLE_POLL_MS = 5_000;
/** The shortest wait after a failure that any other chunk would have met as well. */
const INNOCENT_WAIT_MIN_MS = 1_000;
/**
 * While a venue shuts us out or the disk is full, the next claim waits, at most this long: each chunk claimed meanwhile would
 * be given back. Another process may have another address or disk, and another venue may answer, so it is short.
 */
const HOLD_MAX_MS = 5_000;
/** After the database failed a claim. */
const CLAIM_RETRY_MS = 1_000;
/** How long a stop waits for chunks to let go. */
const STOP_TIMEOUT_MS = 8_000;

export interface DispatcherDeps extends ChunkRunnerDeps {
  readonly jobs: ChunkRunnerDeps["jobs"] &
    Pick<
      JobStore,
      | "claim"
      | "pendingWork"
      | "heartbeat"
      | "release"
      | "fail"
      | "retryLater"
      | "reapExpired"
      | "expireDeadlines"
    >;
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
  /** A write for a chunk was refused, because its lease is not ours any more. */
  lost?(chunk: ClaimedChunk): void;
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
  readonly #inFlight = new ChunksInFlight();
  #pumping = false;
  /** The last look at the queue. */
  #pumped: Promise<void> | undefined;
  #reaping: Promise<void> | undefined;
  #nudged = false;
  /** No claim before then; see {@link HOLD_MAX_MS}. */
  #holdUntil = Number.NEGATIVE_INFINITY;
  #cancelPoll = () => {};
  #cancelReap = () => {};

  constructor(deps: DispatcherDeps, options: DispatcherOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#leases = new LeaseKeeper(
      (lease, ms) => deps.jobs.heartbeat(lease, ms),
      this.#claimOptions.leaseMs,
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

  /** A job moved: chunks of one that is not to run any more are let go at once. */
  heed(job: Pick<JobProgress, "id" | "intent">): void {
    this.#inFlight.heed(job);
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
    // A commit under way may still bring a chunk along.
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    this.#cancelPoll();
    let waitMs = IDLE_POLL_MS;
    try {
      while (!this.stopped && this.#running.size < this.#options.parallel) {
        this.#nudged = false;
        const claimedAt = this.#options.timers.now();
        if (this.#holdUntil > claimedAt) {
          waitMs = this.#holdUntil - claimedAt;
          break;
        }
        const chunk = await this.#deps.jobs.claim(this.#claimOptions);
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

  get #claimOptions(): ClaimOptions {
    return { owner: this.#options.owner, leaseMs: this.#options.leaseMs ?? LEASE_MS };
  }

  #begin(chunk: ClaimedChunk, claimedAt: number): void {
    const { listener } = this.#options;
    listener.settled({ job: chunk.job, events: chunk.events });
    listener.claimed(chunk);
    const kept = this.#leases.keep(chunk.lease, claimedAt);
    const run = this.#inFlight
      .run(chunk, [this.#stopping.signal, kept.signal], (signal) => this.#run(chunk, signal, kept))
      .catch((thrown) => listener.troubled(thrown))
      .finally(() => {
        kept.end();
        this.#running.delete(run);
        this.nudge();
      });
    this.#running.add(run);
  }

  async #run(chunk: ClaimedChunk, signal: AbortSignal, kept: KeptLease): Promise<void> {
    const { listener, timers } = this.#options;
    let outcome: ChunkOutcome;
    let claimedAt = Number.NEGATIVE_INFINITY;
    const claimNext = () => {
      claimedAt = timers.now();
      return this.stopped || this.#holdUntil > claimedAt ? undefined : this.#claimOptions;
    };
    try {
      outcome = await runChunk(this.#deps, chunk, signal, () => kept.assertHeld(), claimNext);
    } catch (thrown) {
      // What fails because we let go is no fault of the chunk.
      const failure = signal.aborted
        ? new OperationFailure("aborted", "let go", { cause: thrown })
        : operationFailure(thrown);
      return this.#giveBack(chunk, failure);
    }
    if (outcome.kind === "lost") return listener.lost?.(chunk);
    try {
      listener.committed(outcome);
      listener.settled({ job: outcome.job, events: outcome.events });
    } finally {
      // In our place, so that no more run at once. Stopped meanwhile, it is given back at once.
      if (outcome.next !== undefined) this.#begin(outcome.next, claimedAt);
    }
  }

  async #giveBack(chunk: ClaimedChunk, failure: OperationFailure): Promise<void> {
    const { jobs } = this.#deps;
    const { listener, random } = this.#options;
    if (failure.kind === "aborted") {
      const outcome = await jobs.release(chunk.lease);
      if (outcome.kind !== "lost") listener.settled(outcome);
      return;
    }
    const innocent = isInnocent(failure);
    const final = failure.kind === "permanent" || (!innocent && chunk.attempt >= CHUNK_ATTEMPTS_MAX);
    const waitMs = backoffMs(chunk.attempt, random, failure.retryAfterMs);
    const delayMs = final ? undefined : innocent ? Math.max(INNOCENT_WAIT_MIN_MS, waitMs) : waitMs;
    if (innocent && delayMs !== undefined)
      this.#holdUntil = this.#options.timers.now() + Math.min(delayMs, HOLD_MAX_MS);
    listener.attemptFailed(chunk, failure, delayMs);
    const error = failure.message;
    const outcome =
      delayMs === undefined
        ? await jobs.fail(chunk.lease, { error })
        : await jobs.retryLater(chunk.lease, { error, delayMs, keepsAttempt: innocent });
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
      for (const settled of await this.#deps.jobs.expireDeadlines()) {
        this.heed(settled.job);
        this.#options.listener.settled(settled);
      }
    } catch (thrown) {
      if (!this.stopped) this.#options.listener.troubled(thrown);
    }
  }
}

/** A venue that asks us to wait and a disk without room say nothing of the chunk: its attempts are not spent. */
function isInnocent(failure: OperationFailure): boolean {
  return (
    failure.kind === "throttled" ||
    failure.kind === "banned" ||
    (failure instanceof TapeError && failure.code === "full")
  );
}
