import type { Timers } from "./clock.ts";

export interface TurnsOptions {
  readonly timers: Timers;
  /** Lets sockets and timers that are due run first. */
  readonly yieldTurn: () => Promise<void>;
  /** After a piece of work, the line rests for this share of the time that the piece took. Default 1. */
  readonly restShare?: number;
}

/**
 * One line for the heavy pieces of work of a process (parsing a page, folding a slice): one piece a turn of the event loop, and
 * a rest after each that grows with it. However many answers arrive at once, whoever else waits for the loop waits for
 * one piece at most.
 */
export class Turns {
  readonly #options: TurnsOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Runs a synchronous piece when its turn comes; pieces run in the order they were asked for. */
  async take<T>(piece: () => T): Promise<T> {
    const before = this.#last;
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    this.#last = over;
    await before;
    const { timers, yieldTurn, restShare = 1 } = this.#options;
    await yieldTurn();
    const startedAt = timers.now();
    try {
      return piece();
    } finally {
      timers.after((timers.now() - startedAt) * restShare, end);
    }
  }
}
