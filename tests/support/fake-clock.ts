import { type Clock, Turns } from "../../src/core/mod.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Rounds of the event loop that are let pass for work that does no I/O to settle. */
const SETTLE_TURNS = 10;

/**
 * A clock that stands until it is moved. Timers run in the order of their times, those of equal times in the order in
 * which they were set; a timer sees the time it was set for.
 */
export class FakeClock implements Clock {
  /** Ascending by time, then by when they were set. */
  readonly #timers: Timer[] = [];
  readonly #startMs: number;
  #nowMs: number;

  /** `nowMs`: milliseconds since the epoch. */
  constructor(nowMs = 0) {
    this.#startMs = nowMs;
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  now(): number {
    return this.#nowMs - this.#startMs + 1_000;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.#nowMs + Math.max(0, delayMs), run };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#timers[mid]!.at <= timer.at) low = mid + 1;
      else high = mid;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time and runs what falls due, in one go. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    while (this.#fireNext(end));
    this.#nowMs = end;
  }

  /** Moves time, and after each timer lets promises settle, so that timers set by them are seen. */
  async run(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settle();
    while (this.#fireNext(end)) await settle();
    this.#nowMs = end;
  }

  #fireNext(end: number): boolean {
    const timer = this.#timers[0];
    if (timer === undefined || timer.at > end) return false;
    this.#timers.shift();
    this.#nowMs = Math.max(this.#nowMs, timer.at);
    timer.run();
    return true;
  }
}

/** Lets promises that wait for no I/O settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Turns that never rest; `onTurn` is told of each. */
export function instantTurns(onTurn: () => void = () => undefined): Turns {
  return new Turns({
    timers: {
      now: () => 0,
      after: (_delayMs, run) => {
        queueMicrotask(run);
        return () => undefined;
      },
    },
    yieldTurn: async () => onTurn(),
  });
}
