import type { PastPoc, RowTouches } from "../core/mod.ts";
import type { MinuteSpans } from "./folded-piece.ts";

/** Minutes with the price range of all of them, so that a day that misses a row costs one comparison. */
export interface RangedSpans extends MinuteSpans {
  readonly low: number;
  readonly high: number;
}

export function rangedSpans(spans: MinuteSpans): RangedSpans {
  return {
    ...spans,
    // Of nothing no row is met.
    low: spans.lows.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    high: spans.highs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  };
}

/** Which rows of a past POC minutes since its session have touched, in any order. Prices and `rowUnits` in price units. */
export function rowTouches(past: PastPoc, rowUnits: number, days: readonly RangedSpans[]): RowTouches {
  const [low, high] = past.bounds ?? [past.poc, past.poc];
  const count = (high - low) / rowUnits + 1;
  const rows = new RowsLeft(count);
  const own = (past.poc - low) / rowUnits;
  for (const day of days) {
    if (rows.left === 0) break;
    if (day.low < high + rowUnits && day.high >= low)
      touchWithin(day, { low, end: past.end, rowUnits }, rows);
  }
  return {
    poc: !rows.has(own),
    rows: rows.left === 0 ? "all" : rows.left === count ? "none" : "some",
  };
}

function touchWithin(
  { minutes, lows, highs }: MinuteSpans,
  { low, end, rowUnits }: { readonly low: number; readonly end: number; readonly rowUnits: number },
  rows: RowsLeft,
): void {
  for (let i = 0; i < minutes.length && rows.left > 0; i++)
    if (minutes[i]! >= end)
      rows.take(Math.floor((lows[i]! - low) / rowUnits), Math.floor((highs[i]! - low) / rowUnits));
}

/** Rows that nothing has touched yet; each is passed over once, however often it is touched. */
class RowsLeft {
  /** Of each row one at or above it that may be left; of a row that is left itself. */
  readonly #next: Int32Array;
  left: number;

  constructor(count: number) {
    this.#next = Int32Array.from({ length: count + 1 }, (_, row) => row);
    this.left = count;
  }

  has(row: number): boolean {
    return this.#next[row] === row;
  }

  /** Takes those from `from` up to and with `to`; either may lie outside. */
  take(from: number, to: number): void {
    const last = Math.min(to, this.#next.length - 2);
    for (let row = this.#firstFrom(Math.max(from, 0)); row <= last; row = this.#firstFrom(row)) {
      this.#next[row] = row + 1;
      this.left--;
    }
  }

  #firstFrom(row: number): number {
    if (row >= this.#next.length) return row;
    let found = row;
    while (this.#next[found] !== found) {
      const next = this.#next[found]!;
      // Every other step is left out next time.
      this.#next[found] = this.#next[next]!;
      found = next;
    }
    return found;
  }
}
