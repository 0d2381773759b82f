import { OperationFailure, type Timers } from "../core/mod.ts";
import type { ChunkLease } from "./store/types.ts";

/** A beat is sent three times a lease, so that two may be lost. */
const BEATS_PER_LEASE = 3;

/** What the keeper needs of the job store: undefined means that the lease is gone. */
export type SendHeartbeat = (lease: ChunkLease, leaseMs: number) => Promise<unknown>;

/** A lease being kept; `signal` aborts the moment it cannot be believed any more. */
export interface KeptLease {
  readonly signal: AbortSignal;
  /** Stops the beats. */
  end(): void;
}

/**
 * Keeps leases alive, off the busy path. A lease that the database no longer knows, or that could not be renewed
 * before it ran out by our own clock, aborts its chunk at once: from then on somebody else may own it.
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
        else trustedUntil = Math.max(trustedUntil, sentAt + this.#leaseMs);
      } catch {
        // The database could not be asked; the next beat tries again until the lease has run out.
      }
    };
    // Beats come late on a busy machine; the end of the lease must not.
    const schedule = () => {
      const leftMs = trustedUntil - this.#clock.now();
      cancel = this.#clock.after(Math.min(this.#leaseMs / BEATS_PER_LEASE, leftMs), () => void beat());
    };
    schedule();
    return { signal: controller.signal, end };
  }
}
