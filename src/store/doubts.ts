import { Coverage, type Doubt, type MinuteRange, rangeLength } from "../core/mod.ts";

/** Doubtful stretches that are kept apart; beyond, the two nearest become one, so that none is ever forgotten. */
export const DOUBTS_MAX = 500;

/** Minutes of a series whose candles contradict their trades or themselves, and why. */
export class Doubts {
  /** By begin; they may overlap where reasons differ. */
  #doubts: readonly Doubt[] = [];
  #minutes: Coverage = Coverage.empty;

  /** Every doubtful minute. */
  get minutes(): Coverage {
    return this.#minutes;
  }

  add(minutes: Coverage, reason: string): void {
    const others = this.#doubts.filter((doubt) => doubt.reason !== reason);
    const same = this.#doubts.filter((doubt) => doubt.reason === reason).map(({ range }) => range);
    const ranges = Coverage.of([...same, ...minutes.ranges]).ranges;
    this.#keep([...others, ...ranges.map((range) => ({ range, reason }))]);
  }

  /** These minutes are beyond doubt again. */
  remove(minutes: Coverage): void {
    const left = this.#doubts.flatMap(({ range, reason }) =>
      minutes.missing(range).map((range) => ({ range, reason })),
    );
    this.#keep(left);
  }

  /** Those that touch a range, oldest first, at most so many. */
  within(range: MinuteRange, max: number): Doubt[] {
    const found: Doubt[] = [];
    for (const doubt of this.#doubts)
      if (doubt.range.lo < range.hi && doubt.range.hi > range.lo && found.length < max) found.push(doubt);
    return found;
  }

  #keep(doubts: Doubt[]): void {
    const sorted = doubts.sort((a, b) => a.range.lo - b.range.lo);
    while (sorted.length > DOUBTS_MAX) joinNearest(sorted);
    this.#doubts = sorted;
    this.#minutes = Coverage.of(sorted.map(({ range }) => range));
  }
}

function joinNearest(sorted: Doubt[]): void {
  let at = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) {
    const length = rangeLength({ lo: sorted[i - 1]!.range.lo, hi: sorted[i]!.range.hi });
    if (length < least) {
      least = length;
      at = i;
    }
  }
  const [earlier, later] = [sorted[at - 1]!, sorted[at]!];
  sorted.splice(at - 1, 2, {
    range: { lo: earlier.range.lo, hi: Math.max(earlier.range.hi, later.range.hi) },
    reason: earlier.reason,
  });
}
