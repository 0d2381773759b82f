import type { PushTimers } from "./timers.ts";

/** Runs an action when it is asked for, but never twice within `intervalMs`; many requests become one run. */
export class Pace {
  readonly #timers: PushTimers;
  readonly #intervalMs: number;
  readonly #run: () => void;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(timers: PushTimers, intervalMs: number, run: () => void) {
    this.#timers = timers;
    this.#intervalMs = intervalMs;
    this.#run = run;
  }

  /** Asks for a run: as soon as the interval since the last one allows, and never within this call. */
  request(): void {
    if (this.#cancel !== undefined) return;
    const waitMs = Math.max(0, this.#lastMs + this.#intervalMs - this.#timers.now());
    this.#cancel = this.#timers.after(waitMs, () => {
      this.#cancel = undefined;
      this.#lastMs = this.#timers.now();
      this.#run();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
