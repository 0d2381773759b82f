import {
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
import { PackedMinute } from "./packed-minute.ts";

/** A change costs the sums of so many minutes, and the merging of as many parts as the day has. */
const PART_MINUTES = 40;

/** The contributions of one UTC day of one series, with the day's profile kept as they are replaced. */
export class DayMinutes {
  readonly range: MinuteRange;
  readonly #minutes: (PackedMinute | undefined)[] = new Array(MINUTES_PER_DAY).fill(undefined);
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
    former?.subtractFrom(this.#profile);
    this.#minutes[at] = contribution && new PackedMinute(contribution);
    this.#minutes[at]?.addTo(this.#profile);
    this.#parts[Math.floor(at / PART_MINUTES)] = undefined;
  }

  /** Its columns are unpacked each time they are read. */
  at(minute: number): MinuteContribution | undefined {
    return this.#minutes[minute - this.range.lo];
  }

  /** Contributions inside `range`, ascending; their columns are unpacked each time they are read. */
  within(range: MinuteRange): Generator<MinuteContribution> {
    return this.#within(range);
  }

  /** Sums of the minutes inside `range`. */
  sums({ lo, hi }: MinuteRange): WindowSums {
    let sums = foldSums([]);
    for (let part = 0; part < this.#parts.length; part++) {
      const begin = this.range.lo + part * PART_MINUTES;
      const end = begin + PART_MINUTES;
      if (hi <= begin || lo >= end) continue;
      sums = mergeSums(
        sums,
        lo <= begin && hi >= end
          ? this.#sumsOfPart(part)
          : foldSums(this.#within({ lo: Math.max(lo, begin), hi: Math.min(hi, end) })),
      );
    }
    return sums;
  }

  /** Adds the profile of the minutes inside `range` to another: of most of the day by leaving out the rest. */
  addTo(profile: Profile, range: MinuteRange): void {
    const lo = Math.max(range.lo, this.range.lo);
    const hi = Math.min(range.hi, this.range.hi);
    if (hi - lo <= MINUTES_PER_DAY / 2) {
      for (const minute of this.#within({ lo, hi })) minute.addTo(profile);
      return;
    }
    profile.merge(this.#profile);
    for (const rest of [
      { lo: this.range.lo, hi: lo },
      { lo: hi, hi: this.range.hi },
    ])
      for (const minute of this.#within(rest)) minute.subtractFrom(profile);
  }

  /** The whole day. The profile is the living one: read it before the next replacement, and do not change it. */
  fold(): WindowFold {
    return { ...this.sums(this.range), profile: this.#profile };
  }

  #sumsOfPart(part: number): WindowSums {
    const lo = this.range.lo + part * PART_MINUTES;
    const sums = this.#parts[part] ?? foldSums(this.#within({ lo, hi: lo + PART_MINUTES }));
    this.#parts[part] = sums;
    return sums;
  }

  *#within(range: MinuteRange): Generator<PackedMinute> {
    const hi = Math.min(range.hi, this.range.hi) - this.range.lo;
    for (let at = Math.max(range.lo - this.range.lo, 0); at < hi; at++) {
      const contribution = this.#minutes[at];
      if (contribution !== undefined) yield contribution;
    }
  }
}

/** The UTC days that a range touches, ascending. */
export function daysOf({ lo, hi }: MinuteRange): number[] {
  if (lo >= hi) return [];
  const first = dayOfMinute(lo);
  return Array.from({ length: dayOfMinute(hi - 1) - first + 1 }, (_, i) => first + i);
}

/** A range cut at midnights: whole days, and parts of days at its ends. */
export function* daysAndParts({ lo, hi }: MinuteRange): Generator<MinuteRange, void, undefined> {
  for (let at = lo; at < hi; ) {
    const end = Math.min(hi, dayRange(dayOfMinute(at)).hi);
    yield { lo: at, hi: end };
    at = end;
  }
}
