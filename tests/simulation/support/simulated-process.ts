import type { Clock } from "../../../src/core/mod.ts";
import type { Scheduler } from "./scheduler.ts";

export interface ProcessClock {
  /** Its time of day minus the true one. */
  readonly offsetMs: number;
  /** Its milliseconds per true millisecond. */
  readonly rate: number;
}

/**
 * A process as the others see it: it runs, stands still (SIGSTOP) or is gone (SIGKILL). Everything that reaches it from
 * outside, its timers among it, is delivered here: to one that stands still all at once when it goes on, to one that is
 * gone never, so that whatever it was waiting for does not continue.
 */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #clock: ProcessClock;
  #state: "running" | "paused" | "dead" = "running";
  #waiting: (() => void)[] = [];
  #resumedAtMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, scheduler: Scheduler, clock: ProcessClock) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  /** What waited during a pause is being delivered: timers that are long due have not all fired yet. */
  get isCatchingUp(): boolean {
    return this.#resumedAtMs === this.#scheduler.nowMs();
  }

  now(): number {
    return this.#scheduler.nowMs() * this.#clock.rate;
  }

  nowMs(): number {
    return this.#scheduler.nowMs() + this.#clock.offsetMs;
  }

  after(delayMs: number, run: () => void): () => void {
    let cancelled = false;
    const cancel = this.#scheduler.after(Math.max(0, delayMs) / this.#clock.rate, () =>
      this.deliver(() => {
        if (!cancelled) run();
      }),
    );
    return () => {
      cancelled = true;
      cancel();
    };
  }

  deliver(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "paused") this.#waiting.push(run);
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#resumedAtMs = this.#scheduler.nowMs();
    for (const run of this.#waiting.splice(0)) this.#scheduler.after(0, () => this.deliver(run));
  }

  kill(): void {
    this.#state = "dead";
    this.#waiting = [];
  }
}
