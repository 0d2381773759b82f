import type { TradeBatch } from "../core/mod.ts";

/** Trades held back while an id before them is missing. */
const HELD_TRADES_MAX = 5_000;
/** How long a missing id may still arrive before it is a gap. */
export const REORDER_WAIT_MS = 1_500;

/** An id that came before one that is missing; without a trade it is a print that the venue does not count. */
export interface Held {
  readonly trade: { readonly batch: TradeBatch; readonly row: number } | undefined;
  readonly sinceMs: number;
}

/** Ids that came too early, until those before them arrive or are given up. */
export class HeldTrades {
  readonly #byId = new Map<number, Held>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  add(id: number, held: Held): void {
    this.#byId.set(id, held);
  }

  clear(): void {
    this.#byId.clear();
  }

  take(id: number): Held | undefined {
    const held = this.#byId.get(id);
    this.#byId.delete(id);
    return held;
  }

  /** The highest id that has waited for too long; undefined when none has. */
  overdue(nowMs: number): number | undefined {
    let highest: number | undefined;
    for (const [id, { sinceMs }] of this.#byId)
      if (nowMs - sinceMs > REORDER_WAIT_MS && (highest === undefined || id > highest)) highest = id;
    return highest;
  }

  /** When more is held than fits: the id up to which half of it may go. */
  overflow(): number | undefined {
    if (this.size <= HELD_TRADES_MAX) return undefined;
    return [...this.#byId.keys()].sort((a, b) => a - b)[HELD_TRADES_MAX / 2];
  }

  /** Takes out everything up to `last`, ascending. */
  takeUpTo(last: number): [id: number, held: Held][] {
    const taken = [...this.#byId].filter(([id]) => id <= last).sort(([a], [b]) => a - b);
    for (const [id] of taken) this.#byId.delete(id);
    return taken;
  }
}
