import type { PushTimers } from "./timers.ts";

/** Share of its interval by which a run that the event loop made late does not delay the one after it. */
const LATENESS_FORGIVEN = 0.1;

/**
 * Runs an action when it is asked for, and not again within `intervalMs` of when it was due (or of when it ran, if that is more than a
 * tenth of the interval later); many requests become one run.
 */
export class Pace {
  readonly #timers: PushTimers;
  readonly #intervalMs: number;
  readonly #run: () => void;
  readonly #stagger: Stagger | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  /** With a stagger, a run also waits for its distance from the runs of the others that share it. */
  constructor(timers: PushTimers, intervalMs: number, run: () => void, stagger?: Stagger) {
    this.#timers = timers;
    this.#intervalMs = intervalMs;
    this.#run = run;
    this.#stagger = stagger;
  }

  /** Asks for a run: as soon as the interval since the last one allows, and never within this call. */
  request(): void {
    if (this.#cancel !== undefined) return;
    this.#after(Math.max(0, this.#lastMs + this.#intervalMs - this.#timers.now()));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #after(waitMs: number): void {
    const dueMs = this.#timers.now() + waitMs;
    this.#cancel = this.#timers.after(waitMs, () => {
      this.#cancel = undefined;
      const nowMs = this.#timers.now();
      const distanceMs = this.#stagger?.takeAfterMs(nowMs) ?? 0;
      if (distanceMs > 0) {
        this.#after(distanceMs);
        return;
      }
      this.#lastMs = Math.max(dueMs, nowMs - LATENESS_FORGIVEN * this.#intervalMs);
      this.#run();
    });
  }
}

/**
 * Keeps the runs of several paces apart. Once they have been, they stay so by themselves: each is due an interval after its last
 * run, and those were apart.
 */
export class Stagger {
  readonly #distanceMs: () => number;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(distanceMs: () => number) {
    this.#distanceMs = distanceMs;
  }

  /** 0 when a run may begin now, which is then the last one; else how long until it may, ms. */
  takeAfterMs(nowMs: number): number {
    const waitMs = this.#lastMs + this.#distanceMs() - nowMs;
    if (waitMs > 0) return waitMs;
    this.#lastMs = nowMs;
    return 0;
  }
}
