import type { Timers } from "./clock.ts";

/** Looks for work when it is nudged and when the wait that the last look asked for is over; one look at a time. */
export class Lookout {
  readonly #timers: Timers;
  readonly #look: (signal: AbortSignal) => Promise<number>;
  readonly #stopping = new AbortController();
  #cancelTimer = () => {};
  #looking: Promise<void> | undefined;
  #started = false;
  #again = false;

  /** `look` answers how long to wait until the next one, ms; it must not reject. Its signal is {@link signal}. */
  constructor(timers: Timers, look: (signal: AbortSignal) => Promise<number>) {
    this.#timers = timers;
    this.#look = look;
  }

  /** Aborts when it is stopped. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  start(): void {
    this.#started = true;
    this.nudge();
  }

  /** There may be work: look now, or once more after the look under way. */
  nudge(): void {
    if (!this.#started || this.signal.aborted) return;
    this.#again = true;
    this.#looking ??= this.#run().finally(() => {
      this.#looking = undefined;
      // Nudged between the last look and now.
      if (this.#again) this.nudge();
    });
  }

  /** Waits for the look under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException("the process is shutting down", "AbortError"));
    this.#again = false;
    this.#cancelTimer();
    await this.#looking;
  }

  async #run(): Promise<void> {
    this.#cancelTimer();
    let waitMs = 0;
    while (this.#again) {
      this.#again = false;
      waitMs = await this.#look(this.signal);
    }
    if (this.signal.aborted) return;
    this.#cancelTimer = this.#timers.after(waitMs, () => this.nudge());
  }
}
