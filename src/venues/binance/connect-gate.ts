import { MS_PER_MINUTE, type Timers } from "../../core/mod.ts";

/** Connections the venue allows per address, and in which span, ms. */
const CONNECTS_MAX = 300;
const CONNECTS_SPAN_MS = 5 * MS_PER_MINUTE;

/** Keeps the connections of all feeds of a venue under its limit, and none is made during a ban. */
export class ConnectGate {
  readonly #timers: Timers;
  readonly #banMsLeft: () => number;
  /** When the last connections were or will be made, by the timers' clock, ascending. */
  #times: number[] = [];

  constructor(timers: Timers, banMsLeft: () => number) {
    this.#timers = timers;
    this.#banMsLeft = banMsLeft;
  }

  /** A ban may begin between a reservation and its time: then another one is needed. */
  get banned(): boolean {
    return this.#banMsLeft() > 0;
  }

  /** Takes a place no sooner than in `delayMs`; answers in how many ms the connection may be made. */
  reserve(delayMs: number): number {
    const now = this.#timers.now();
    this.#times = this.#times.filter((time) => time > now - CONNECTS_SPAN_MS);
    const oldest = this.#times.at(-CONNECTS_MAX);
    const freeMs = oldest === undefined ? now : oldest + CONNECTS_SPAN_MS;
    const atMs = Math.max(now + delayMs, freeMs, now + this.#banMsLeft());
    this.#times.push(atMs);
    this.#times.sort((a, b) => a - b);
    return atMs - now;
  }
}
