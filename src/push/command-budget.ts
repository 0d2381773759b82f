import type { PushLimits } from "./push-limits.ts";
import type { PushTimers } from "./timers.ts";

/** What one client may ask: so much at once, and then so much a second. */
export class CommandBudget {
  readonly #timers: PushTimers;
  readonly #limits: PushLimits;
  #left: number;
  #atMs: number;

  constructor(limits: PushLimits, timers: PushTimers) {
    this.#limits = limits;
    this.#timers = timers;
    this.#left = limits.commandsBurst;
    this.#atMs = timers.now();
  }

  /** Whether there was room for so many more. */
  take(commands: number): boolean {
    const { commandsPerSecond, commandsBurst } = this.#limits;
    const nowMs = this.#timers.now();
    const earned = ((nowMs - this.#atMs) / 1_000) * commandsPerSecond;
    this.#left = Math.min(commandsBurst, this.#left + earned) - commands;
    this.#atMs = nowMs;
    return this.#left >= 0;
  }
}
