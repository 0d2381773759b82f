import type { Clock } from "../../src/core/mod.ts";
import { type ThisProcess, thisProcess } from "../../src/runtime/mod.ts";
import type { Timers as ExchangeTimers } from "../../src/simulator/mod.ts";
import { FakeClock } from "./fake-clock.ts";

/** How often time is moved, machine ms. */
const BEAT_MS = 1;
/** Most machine time that one beat makes up for: when the machine stalls, time here stalls with it, and no deadline passes unseen. */
const CATCH_UP_MS_MAX = 4;

/**
 * A clock that runs `scale` times as fast as the machine's, for an exchange and an app in one process: all their waits
 * shrink by the same factor. It moves in whole milliseconds and small steps, timers in their order.
 */
export class ScaledClock implements Clock {
  readonly scale: number;
  readonly #clock: FakeClock;
  #beat: ReturnType<typeof setInterval> | undefined;
  #lastAt = 0;
  #owedMs = 0;

  /** `startMs`: the time it stands at until it is started, ms since the epoch. */
  constructor(startMs: number, scale: number) {
    this.#clock = new FakeClock(startMs);
    this.scale = scale;
  }

  start(): void {
    this.#lastAt = performance.now();
    this.#beat = setInterval(() => this.#move(), BEAT_MS);
  }

  /** Time stands still, and no timer fires any more. */
  stop(): void {
    clearInterval(this.#beat);
    this.#beat = undefined;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  now(): number {
    return this.#clock.now();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#clock.after(delayMs, run);
  }

  /** Resolves when the clock has reached a time. */
  reached(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(timeMs - this.nowMs(), resolve);
    });
  }

  /** This clock as the simulated exchange takes it. */
  exchangeTimers(): ExchangeTimers {
    return {
      every: (ms, work) => {
        let cancel = () => {};
        const again = () => {
          cancel = this.after(ms, () => {
            again();
            work();
          });
        };
        again();
        return () => cancel();
      },
      after: (ms, work) => this.after(ms, work),
      giveWay: () => new Promise((resolve) => setImmediate(resolve)),
    };
  }

  /** This process as the app takes it, in the time of this clock. */
  process(random: () => number): ThisProcess {
    return {
      ...thisProcess(),
      random,
      clock: (offsetMs) => ({
        now: () => this.now(),
        after: (delayMs, run) => this.after(delayMs, run),
        nowMs: () => this.nowMs() + offsetMs,
      }),
    };
  }

  #move(): void {
    const at = performance.now();
    this.#owedMs += Math.min(at - this.#lastAt, CATCH_UP_MS_MAX) * this.scale;
    this.#lastAt = at;
    const whole = Math.floor(this.#owedMs);
    this.#owedMs -= whole;
    this.#clock.advance(whole);
  }
}
