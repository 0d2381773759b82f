import type { Lifetime } from "../protocol/mod.ts";
import type { PushTimers } from "./timers.ts";

/** Longest single wait, ms: timers of the machine hold no more than 24 days, and a clock may be corrected meanwhile. */
const WAIT_MS_MAX = 3_600_000;

export interface ExpiryOptions {
  readonly timers: PushTimers;
  /** The clock that tokens are dated by, ms since the epoch. */
  readonly nowMs: () => number;
  /** What a holder is given after the end to come with a new token, ms. */
  readonly graceMs: number;
  /** The grace has passed too. */
  readonly onLapsed: () => void;
}

/** The end of what a token allows. */
export class Expiry {
  readonly #options: ExpiryOptions;
  #endMs: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Whether the token is worth nothing any more. */
  get expired(): boolean {
    return this.#endMs !== undefined && this.#options.nowMs() >= this.#endMs;
  }

  /** As replies tell it. Rounded down, so that the next token comes before this one ends. */
  get lifetime(): Lifetime {
    if (this.#endMs === undefined) return {};
    return {
      expires: true,
      ttl: Math.max(1, Math.floor((this.#endMs - this.#options.nowMs()) / 1_000)),
    };
  }

  /** A new token: worth nothing from `endMs` (ms since the epoch) on; undefined: it has no end. */
  set(endMs: number | undefined): void {
    this.stop();
    this.#endMs = endMs;
    this.#wait();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    if (this.#endMs === undefined) return;
    const { timers, nowMs, graceMs, onLapsed } = this.#options;
    const leftMs = this.#endMs + graceMs - nowMs();
    if (leftMs <= 0) onLapsed();
    else this.#cancel = timers.after(Math.min(leftMs, WAIT_MS_MAX), () => this.#wait());
  }
}
