import {
  contributionRows,
  dayOfMinute,
  dayRange,
  foldSums,
  MINUTES_PER_DAY,
  type MinuteContribution,
  type MinuteRange,
  mergeSums,
  Profile,
  type WindowFold,
  type WindowSums,
} from "../core/mod.ts";

/** A change costs the sums of so many minutes, and the merging of as many parts as the day has. */
const PART_MINUTES = 40;

/** The contributions of one UTC day of one series, with the day's profile kept as they are replaced. */
export class DayMinutes {
  readonly range: MinuteRange;
  readonly #minutes: (MinuteContribution | undefined)[] = new Array(MINUTES_PER_DAY).fill(undefined);
  readonly #profile = new Profile();
  /** Sums of each part of the day; undefined where they have to be summed up anew. */
  readonly #parts: (WindowSums | undefined)[] = new Array(MINUTES_PER_DAY / PART_MINUTES).fill(undefined);

  constructor(day: number) {
    this.range = dayRange(day);
  }

  /** Puts a minute's contribution in place of the one that stood there; `undefined` leaves the minute empty. */
  replace(minute: number, contribution: MinuteContribution | undefined): void {
    const at = minute - this.range.lo;
    const former = this.#minutes[at];
    if (former === contribution) return;
    if (former !== undefined) this.#profile.subtract(contributionRows(former));
    if (contribution !== undefined) this.#profile.add(contributionRows(contribution));
    this.#minutes[at] = contribution;
    this.#parts[Math.floor(at / PART_MINUTES)] = undefined;
  }

  at(minute: number): MinuteContribution | undefined {
    return this.#minutes[minute - this.range.lo];
  }

  /** Contributions inside `range`, ascending. */
  *within(range: MinuteRange): Generator<MinuteContribution> {
    const hi = Math.min(range.hi, this.range.hi) - this.range.lo;
    for (let at = Math.max(range.lo - this.range.lo, 0); at < hi; at++) {
      const contribution = this.#minutes[at];
      if (contribution !== undefined) yield contribution;
    }
  }

  /** The whole day. The profile is the living one: read it before the next replacement, and do not change it. */
  fold(): WindowFold {
    let sums = foldSums([]);
    for (let part = 0; part < this.#parts.length; part++) {
      const lo = this.range.lo + part * PART_MINUTES;
      this.#parts[part] ??= foldSums(this.within({ lo, hi: lo + PART_MINUTES }));
      sums = mergeSums(sums, this.#parts[part]!);
    }
    return { ...sums, profile: this.#profile };
  }
}

/** The UTC days that a range touches, ascending. */
export function daysOf({ lo, hi }: MinuteRange): number[] {
  if (lo >= hi) return [];
  const first = dayOfMinute(lo);
  return Array.from({ length: dayOfMinute(hi - 1) - first + 1 }, (_, i) => first + i);
}
