import { MS_PER_MINUTE, OperationFailure, type Timers } from "../../core/mod.ts";
import type { RequestPriority } from "../venue.ts";

/** Calls that may wait at once. */
const WAITERS_MAX = 10_000;
/** How long a call may wait for its turn, ms. */
const WAIT_MS_MAX = 15 * MS_PER_MINUTE;

/** A call that waits for its turn, to be given a `T`. */
export interface Waiter<T> {
  readonly weight: number;
  readonly priority: RequestPriority;
  readonly grant: (given: T) => void;
  readonly refuse: (failure: OperationFailure) => void;
  /** Takes away its timer and its signal's listener. */
  readonly settle: () => void;
}

/** The order of the queues. */
const PRIORITIES = ["repair", "skeleton", "history"] as const satisfies readonly RequestPriority[];

/** One queue for each priority, each first come first served, bounded in length and in time. */
export class Waiters<T> {
  readonly #timers: Timers;
  readonly #queues: Readonly<Record<RequestPriority, Set<Waiter<T>>>> = {
    repair: new Set(),
    skeleton: new Set(),
    history: new Set(),
  };

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  get length(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.#queues[priority].size, 0);
  }

  /** Whose turn it is. */
  get head(): Waiter<T> | undefined {
    for (const priority of PRIORITIES) for (const waiter of this.#queues[priority]) return waiter;
    return undefined;
  }

  /** Joins a queue; resolves on its turn. Throws {@link OperationFailure}: `aborted`, or `throttled` when a bound is met. */
  add(weight: number, signal: AbortSignal, priority: RequestPriority): Promise<T> {
    if (this.length >= WAITERS_MAX)
      return Promise.reject(
        new OperationFailure("throttled", `${WAITERS_MAX} requests wait for the venue's budget already`),
      );
    return new Promise((grant, refuse) => {
      const give = (kind: "aborted" | "throttled", message: string) => {
        this.#remove(waiter);
        refuse(new OperationFailure(kind, message));
      };
      const onAbort = () => give("aborted", "aborted while it waited for the venue's budget");
      const cancel = this.#timers.after(WAIT_MS_MAX, () =>
        give("throttled", `waited ${WAIT_MS_MAX / MS_PER_MINUTE} min for the venue's budget in vain`),
      );
      signal.addEventListener("abort", onAbort, { once: true });
      const settle = () => {
        cancel();
        signal.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter<T> = { weight, priority, grant, refuse, settle };
      this.#queues[priority].add(waiter);
    });
  }

  /** Lets one go. */
  release(waiter: Waiter<T>, given: T): void {
    this.#remove(waiter);
    waiter.grant(given);
  }

  rejectAll(failure: OperationFailure): void {
    for (const priority of PRIORITIES) {
      for (const waiter of this.#queues[priority]) {
        this.#remove(waiter);
        waiter.refuse(failure);
      }
    }
  }

  #remove(waiter: Waiter<T>): void {
    waiter.settle();
    this.#queues[waiter.priority].delete(waiter);
  }
}
