import {
  dayOfMinute,
  dayRange,
  foldSums,
  type GridOf,
  invariant,
  type MinuteContribution,
  type MinuteContributions,
  type MinuteRange,
  mergeSums,
  Profile,
  rescaleContributions,
  type Scales,
  type WindowFold,
  type WindowSums,
} from "../core/mod.ts";
import { DayMinutes, daysOf } from "./day-minutes.ts";
import type { SeriesCoverage } from "./series-coverage.ts";

/** Days of one series kept in memory; the ones longest unused make room. The most liquid day is some 8 MB. */
export const RESIDENT_DAYS_MAX = 16;

/** The days of one series that are in memory, and those that are on their way from the tape. */
export class ResidentDays {
  readonly #days = new Map<number, DayMinutes>();
  /** Days being loaded from the tape, with what was replaced in them since: newer than what the load will bring. */
  readonly #loading = new Map<number, Map<number, MinuteContribution | undefined>>();
  readonly #pins = new Map<number, number>();
  readonly #coverage: Pick<SeriesCoverage, "committed" | "sealed">;
  readonly #onEvicted: (day: number, lost: boolean) => void;
  /** The newest day that live trades went into. */
  #liveDay = Number.NEGATIVE_INFINITY;

  /** `onEvicted`: a day made room; `lost`: with trades of open minutes, which no tape has. */
  constructor(
    coverage: Pick<SeriesCoverage, "committed" | "sealed">,
    onEvicted: (day: number, lost: boolean) => void,
  ) {
    this.#coverage = coverage;
    this.#onEvicted = onEvicted;
  }

  /** Whether a day has committed minutes and is not in memory; of any other day, memory knows all. */
  isAbsent(day: number): boolean {
    return !this.#days.has(day) && this.#coverage.committed.within(dayRange(day)).ranges.length > 0;
  }

  /** Whether {@link replace} does anything for a day. */
  takes(day: number): boolean {
    return this.#days.has(day) || this.#loading.has(day);
  }

  /** Keeps a day in memory until `release` is called as often. */
  pin(day: number): void {
    this.#pins.set(day, (this.#pins.get(day) ?? 0) + 1);
  }

  release(day: number): void {
    const pins = (this.#pins.get(day) ?? 0) - 1;
    if (pins > 0) this.#pins.set(day, pins);
    else this.#pins.delete(day);
  }

  /**
   * Whether a day may not make room: because it is pinned; because minutes that no segment holds yet live only here; or because
   * open minutes go into it, the newest day of the live stream or the one before it.
   */
  stays(day: number): boolean {
    return (
      this.#pins.has(day) ||
      day === this.#liveDay ||
      day === this.#liveDay - 1 ||
      this.#coverage.sealed.within(dayRange(day)).ranges.length > 0
    );
  }

  /** The day, to put live trades into. */
  openLive(day: number): DayMinutes {
    this.#liveDay = Math.max(this.#liveDay, day);
    return this.open(day);
  }

  /** What a minute contributes; undefined for a day that is not in memory too. */
  at(minute: number): MinuteContribution | undefined {
    return this.#days.get(dayOfMinute(minute))?.at(minute);
  }

  /** The day, made empty when it is not in memory. */
  open(day: number): DayMinutes {
    const found = this.#touch(day);
    if (found !== undefined) return found;
    const created = new DayMinutes(day);
    this.#days.set(day, created);
    for (const candidate of this.#days.keys()) {
      if (this.#days.size <= RESIDENT_DAYS_MAX) break;
      if (candidate === day || this.stays(candidate)) continue;
      const lost = this.#hasOpen(candidate);
      this.#days.delete(candidate);
      this.#onEvicted(candidate, lost);
    }
    return created;
  }

  /** Puts contributions in the place of all that stood in `range`, in memory or beside a load; elsewhere does nothing. */
  replace(day: number, range: MinuteRange, contributions: MinuteContributions): void {
    const resident = this.#days.get(day);
    const since = this.#loading.get(day);
    if (resident !== undefined) replaceIn(resident, range, contributions);
    else if (since !== undefined)
      replaceIn({ replace: (minute, contribution) => since.set(minute, contribution) }, range, contributions);
  }

  /** Empties the minutes of a range that are not among `kept`; days that are not in memory are left alone. */
  clearBut(kept: ReadonlySet<number>, range: MinuteRange): void {
    for (let minute = range.lo; minute < range.hi; minute++)
      if (!kept.has(minute)) this.#days.get(dayOfMinute(minute))?.replace(minute, undefined);
  }

  beginLoad(day: number): void {
    invariant(!this.#loading.has(day), `day ${day} is being loaded already`);
    this.#loading.set(day, new Map());
  }

  endLoad(day: number, contributions: MinuteContributions | undefined): void {
    const since = this.#loading.get(day);
    invariant(since !== undefined, `day ${day} is not being loaded`);
    this.#loading.delete(day);
    // In memory by now: nothing of it was covered any more, and it began anew.
    if (contributions === undefined || this.#days.has(day)) return;
    const loaded = this.open(day);
    replaceIn(loaded, loaded.range, contributions);
    for (const [minute, contribution] of since) loaded.replace(minute, contribution);
  }

  /** Brings everything from one grid to finer scales. */
  rescale(former: GridOf, scales: Scales): void {
    const rescaled = (minutes: readonly MinuteContribution[]) =>
      rescaleContributions({ ...former, minutes }, scales).minutes;
    for (const [day, resident] of this.#days) {
      const finer = new DayMinutes(day);
      for (const minute of rescaled([...resident.within(resident.range)]))
        finer.replace(minute.minute, minute);
      this.#days.set(day, finer);
    }
    for (const since of this.#loading.values())
      for (const minute of rescaled([...since.values()].filter((each) => each !== undefined)))
        since.set(minute.minute, minute);
  }

  fold(range: MinuteRange): WindowFold {
    const days = daysOf(range);
    const only = days.length === 1 ? this.#touch(days[0]!) : undefined;
    if (only !== undefined && only.range.lo === range.lo && only.range.hi === range.hi) return only.fold();
    const profile = new Profile();
    for (const day of days) this.#touch(day)?.addTo(profile, range);
    return { ...this.sums(range), profile };
  }

  /** {@link fold} without the profile. */
  sums(range: MinuteRange): WindowSums {
    let sums = foldSums([]);
    for (const day of daysOf(range)) {
      const found = this.#touch(day);
      if (found !== undefined) sums = mergeSums(sums, found.sums(range));
    }
    return sums;
  }

  #hasOpen(day: number): boolean {
    const resident = this.#days.get(day);
    for (const { lo, hi } of this.#coverage.committed.missing(dayRange(day)))
      for (let minute = lo; minute < hi; minute++) if (resident?.at(minute) !== undefined) return true;
    return false;
  }

  #touch(day: number): DayMinutes | undefined {
    const found = this.#days.get(day);
    if (found !== undefined) {
      this.#days.delete(day);
      this.#days.set(day, found);
    }
    return found;
  }
}

function replaceIn(
  day: { replace(minute: number, contribution: MinuteContribution | undefined): void },
  range: MinuteRange,
  contributions: MinuteContributions,
): void {
  const byMinute = new Map(contributions.minutes.map((m) => [m.minute, m]));
  for (let minute = range.lo; minute < range.hi; minute++) day.replace(minute, byMinute.get(minute));
}
