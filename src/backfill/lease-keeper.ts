import type { JobIntent } from "../../db/mod.ts";
import { OperationFailure, type Timers } from "../core/mod.ts";
import type { ChunkLease } from "./store/types.ts";

/** A beat is sent three times a lease at least, so that two may be lost. */
const BEATS_PER_LEASE = 3;
/** Beats also bring the job's intent: a pause or cancel from another process is heard within this. */
const BEAT_INTERVAL_MAX_MS = 1_500;

/** What the keeper needs of the job store: what the job's owner wants, or undefined when the lease is gone. */
export type SendHeartbeat = (
  lease: ChunkLease,
  leaseMs: number,
) => Promise<{ readonly intent: JobIntent } | undefined>;

/** A lease being kept; `signal` aborts the moment it cannot be believed any more. */
export interface KeptLease {
  readonly signal: AbortSignal;
  /**
   * Throws when the lease may be somebody else's, by the clock of this moment. A process that was stopped (SIGSTOP, a
   * debugger) may run on before the timer that aborts `signal`.
   */
  assertHeld(): void;
  /** Stops the beats. */
  end(): void;
}

/**
 * Keeps leases alive, off the busy path. A lease that the database no longer knows, or that could not be renewed
 * before it ran out by our own clock, aborts its chunk at once: from then on somebody else may own it. So does a job that is
 * not to run any more; its chunk is still ours to give back.
 */
export class LeaseKeeper {
  readonly #send: SendHeartbeat;
  readonly #leaseMs: number;
  readonly #clock: Timers;

  constructor(send: SendHeartbeat, leaseMs: number, clock: Timers) {
    this.#send = send;
    this.#leaseMs = leaseMs;
    this.#clock = clock;
  }

  /** `claimedAt`: a time before the claim was sent, by the keeper's clock. */
  keep(lease: ChunkLease, claimedAt: number): KeptLease {
    const controller = new AbortController();
    let trustedUntil = claimedAt + this.#leaseMs;
    let ended = false;
    let cancel = () => {};

    const lose = (reason: string) => {
      if (ended) return;
      end();
      controller.abort(
        new OperationFailure("aborted", `lease ${lease.token} of chunk ${lease.chunkId}: ${reason}`),
      );
    };
    const end = () => {
      ended = true;
      cancel();
    };
    const beat = async () => {
      const sentAt = this.#clock.now();
      if (sentAt >= trustedUntil) return lose("ran out before it could be renewed");
      schedule();
      try {
        const answer = await this.#send(lease, this.#leaseMs);
        if (answer === undefined) lose("was taken back");
        else if (answer.intent !== "run") lose(`is to be given back, the job's intent is ${answer.intent}`);
        else trustedUntil = Math.max(trustedUntil, sentAt + this.#leaseMs);
      } catch {
        // The database could not be asked; the next beat tries again until the lease has run out.
      }
    };
    // Beats come late on a busy machine; the end of the lease must not.
    const schedule = () => {
      const leftMs = trustedUntil - this.#clock.now();
      if (leftMs <= 0) return lose("ran out before it could be renewed");
      cancel = this.#clock.after(
        Math.min(this.#leaseMs / BEATS_PER_LEASE, BEAT_INTERVAL_MAX_MS, leftMs),
        () => void beat(),
      );
    };
    schedule();
    const assertHeld = () => {
      if (!ended && this.#clock.now() >= trustedUntil) lose("ran out before it could be renewed");
      controller.signal.throwIfAborted();
    };
    return { signal: controller.signal, assertHeld, end };
  }
}
