import type { PushTimers } from "./timers.ts";

/** Share of its interval by which a run that the event loop made late does not delay the one after it. */
const LATENESS_FORGIVEN = 0.1;
/** Share of the interval by which a run may come nearer to its own place in it. */
const PLACE_STEP = 0.02;
/** Share of the time between two places that at least lies between two runs. */
const DISTANCE = 0.5;

/**
 * Runs an action when it is asked for, and not again within `intervalMs` of when it was due (or of when it ran, if that is more than a
 * tenth of the interval later); many requests become one run.
 */
export class Pace {
  readonly #timers: PushTimers;
  readonly #intervalMs: number;
  readonly #run: () => void;
  readonly #spread: Spread | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  /** With a spread, a run also keeps its distance from the runs of the others in it, and finds a place between them. */
  constructor(timers: PushTimers, intervalMs: number, run: () => void, spread?: Spread) {
    this.#timers = timers;
    this.#intervalMs = intervalMs;
    this.#run = run;
    this.#spread = spread;
  }

  /** Asks for a run: as soon as the interval since the last one allows, and never within this call. */
  request(): void {
    if (this.#cancel !== undefined) return;
    const dueMs = Math.max(this.#lastMs + this.#intervalMs, this.#timers.now());
    this.#runAt(dueMs, dueMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #runAt(atMs: number, dueMs: number): void {
    this.#cancel = this.#timers.after(Math.max(0, atMs - this.#timers.now()), () => {
      this.#cancel = undefined;
      const nowMs = this.#timers.now();
      const distanceMs = this.#spread?.takeAfterMs(nowMs) ?? 0;
      if (distanceMs > 0) {
        this.#runAt(nowMs + distanceMs, dueMs);
        return;
      }
      const ranMs = Math.max(dueMs, nowMs - LATENESS_FORGIVEN * this.#intervalMs);
      this.#lastMs = ranMs + (this.#spread?.stepMs(this, ranMs) ?? 0);
      this.#run();
    });
  }
}

/**
 * Keeps the runs of several paces apart. Those that are asked for at once run one after the other; as long as they run again and again,
 * each of them comes nearer to a place of its own, and the places are spread over the interval: there one that is late keeps nobody waiting.
 */
export class Spread {
  readonly #intervalMs: number;
  readonly #distanceMaxMs: number;
  readonly #paces: Pace[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number, distanceMaxMs: number) {
    this.#intervalMs = intervalMs;
    this.#distanceMaxMs = distanceMaxMs;
  }

  add(pace: Pace): void {
    this.#paces.push(pace);
  }

  delete(pace: Pace): void {
    const at = this.#paces.indexOf(pace);
    if (at >= 0) this.#paces.splice(at, 1);
  }

  /** 0 when a run may begin now, which is then the last one; else how long until it may, ms. */
  takeAfterMs(nowMs: number): number {
    const distanceMs = Math.min(
      this.#distanceMaxMs,
      (DISTANCE * this.#intervalMs) / Math.max(1, this.#paces.length),
    );
    const waitMs = this.#lastMs + distanceMs - nowMs;
    if (waitMs > 0) return waitMs;
    this.#lastMs = nowMs;
    return 0;
  }

  /** How much later a run at `atMs` would have been nearer to its place, ms; below 0: earlier. */
  stepMs(pace: Pace, atMs: number): number {
    if (this.#intervalMs <= 0) return 0;
    const place = (this.#paces.indexOf(pace) / this.#paces.length) * this.#intervalMs;
    const later = (((place - atMs) % this.#intervalMs) + this.#intervalMs) % this.#intervalMs;
    const off = later > this.#intervalMs / 2 ? later - this.#intervalMs : later;
    const most = PLACE_STEP * this.#intervalMs;
    return Math.max(-most, Math.min(most, off));
  }
}
