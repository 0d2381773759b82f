import {
  Coverage,
  dayOfMinute,
  dayRange,
  finestScales,
  type GridOf,
  type Instrument,
  intersectRanges,
  invariant,
  type KnownWindow,
  type MinuteContributions,
  type MinuteRange,
  rangeLength,
  rescaleContributions,
  type Scales,
  sameScales,
  symbolName,
  type WindowCoverage,
  type WindowFold,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import { ResidentDays } from "./resident-days.ts";

export interface SeriesIdentity {
  readonly seriesId: number;
  readonly instrument: Instrument;
  /** Bin size in price units of the instrument's scale. */
  readonly binUnits: number;
}

/**
 * Everything known of one series: which minutes are covered, and for the days in memory what each contributed.
 *
 * A minute is *committed* (a segment of the tape owns it) or *sealed* (live trades proved it whole, its segment is not
 * written yet): both are covered. An *open* minute is still being filled: it counts in the levels, not in the coverage.
 */
export class SeriesStore {
  readonly seriesId: number;
  readonly symbol: string;
  readonly instrument: Instrument;
  #grid: GridOf;
  #committed: Coverage = Coverage.empty;
  #sealed: Coverage = Coverage.empty;
  #revision = 0;
  #receivingFrom: number | undefined;
  readonly #days = new ResidentDays((day) => this.#mustStay(day));
  /** The newest day that live trades went into. */
  #liveDay = Number.NEGATIVE_INFINITY;

  constructor({ seriesId, instrument, binUnits }: SeriesIdentity) {
    this.seriesId = seriesId;
    this.instrument = instrument;
    this.symbol = symbolName(instrument);
    this.#grid = {
      scales: { priceScale: instrument.priceScale, sizeScale: instrument.sizeScale },
      binUnits,
    };
  }

  /** The scales and bin size that the contributions in memory are in. */
  get grid(): GridOf {
    return this.#grid;
  }

  /** Counts changes; every value read between two changes carries the same one. */
  get revision(): number {
    return this.#revision;
  }

  get covered(): Coverage {
    return this.#sealed.ranges.length === 0
      ? this.#committed
      : Coverage.of([...this.#committed.ranges, ...this.#sealed.ranges]);
  }

  /** Takes over the coverage that the database lists. */
  resetCommitted(ranges: Iterable<MinuteRange>): void {
    this.#committed = Coverage.of(ranges);
    this.#revision++;
  }

  /**
   * A segment for `range` was committed: its minutes replace whatever stood there. Days that are not in memory and hold
   * other minutes are only marked; they are loaded whole when asked for.
   */
  commit(range: MinuteRange, contributions: MinuteContributions): void {
    const aligned = this.align(contributions);
    for (const day of daysOf(range)) {
      const part = intersectRanges(range, dayRange(day));
      if (part === undefined) continue;
      if (this.covered.within(dayRange(day)).ranges.length === 0) this.#days.open(day);
      this.#days.replace(day, part, aligned);
    }
    this.#committed = this.#committed.add(range);
    this.#sealed = this.#sealed.subtract(range);
    this.#revision++;
  }

  /**
   * Live trades filled these minutes; whole ones are `sealed` and covered, the others stay open. The days of sealed
   * minutes must have been loaded; an open minute of a day that is not in memory is left out.
   */
  putLive(contributions: MinuteContributions, sealed: MinuteRange | undefined): void {
    const aligned = this.align(contributions);
    for (const minute of aligned.minutes) {
      if (this.#committed.has(minute.minute)) continue;
      const day = dayOfMinute(minute.minute);
      if (this.#isAbsent(day)) {
        const whole = sealed !== undefined && minute.minute >= sealed.lo && minute.minute < sealed.hi;
        invariant(!whole, `${this.symbol}: day ${day} must be loaded first`);
        continue;
      }
      this.#liveDay = Math.max(this.#liveDay, day);
      this.#days.open(day).replace(minute.minute, minute);
    }
    if (sealed !== undefined) this.#seal(sealed, aligned);
    this.#revision++;
  }

  /** Minutes are no longer known (their segment is gone): they are uncovered and contribute nothing. */
  uncover(range: MinuteRange): void {
    this.#committed = this.#committed.subtract(range);
    this.#sealed = this.#sealed.subtract(range);
    for (const day of daysOf(range)) {
      const part = intersectRanges(range, dayRange(day));
      if (part !== undefined) this.#days.replace(day, part, { ...this.#grid, minutes: [] });
    }
    this.#revision++;
  }

  /** Whether {@link commit} looks at what minutes of this day contribute; of other days it only marks them. */
  takesMinutesOf(day: number): boolean {
    return this.#days.takes(day) || !this.#isAbsent(day);
  }

  /** Days of `range` that are covered somewhere but not in memory: what a reader has to load first. */
  absentDays(range: MinuteRange): number[] {
    return daysOf(range).filter((day) => this.#isAbsent(day));
  }

  /** The committed minutes of a day: what a load from the tape has to bring. */
  committedWithin(range: MinuteRange): Coverage {
    return this.#committed.within(range);
  }

  /**
   * A load of an absent day from the tape begins; `endLoad` ends it. What is replaced meanwhile is kept beside it, so that a
   * load is right however many commits overtake it.
   */
  beginLoad(day: number): void {
    this.#days.beginLoad(day);
  }

  /** The day as the tape had it when the load began; undefined when it could not be read. */
  endLoad(day: number, contributions: MinuteContributions | undefined): void {
    this.#days.endLoad(day, contributions && this.align(contributions));
  }

  /** Keeps a day in memory until `release` is called as often. */
  pin(day: number): void {
    this.#days.pin(day);
  }

  release(day: number): void {
    this.#days.release(day);
  }

  /** Something beside the minutes changed what is told of this series: time passed, or a job of it moved. */
  touch(): void {
    this.#revision++;
  }

  /** Which minutes of a window are covered; see {@link window}. */
  coverageOf(range: MinuteRange, expectedEnd = range.hi): WindowCoverage {
    const expected: MinuteRange = { lo: range.lo, hi: Math.max(range.lo, Math.min(range.hi, expectedEnd)) };
    const covered = this.covered.within(expected);
    return {
      expectedMinutes: rangeLength(expected),
      coveredMinutes: covered.size,
      missing: covered.missing(expected),
    };
  }

  /**
   * Folds a window. `expectedEnd`: minutes from there on are not expected yet. `nowMinute`: the running minute.
   * Days that are absent must have been loaded: {@link absentDays}.
   */
  window(range: MinuteRange, expectedEnd = range.hi, nowMinute = expectedEnd - 1): KnownWindow<WindowFold> {
    return {
      fold: this.#days.fold(range),
      coverage: this.coverageOf(range, expectedEnd),
      whole: this.#isWhole({ lo: range.lo, hi: Math.min(range.hi, nowMinute + 1) }),
    };
  }

  /**
   * From this minute on, live trades arrive without a break; undefined while they do not. Told by whoever receives them.
   */
  set receivingFrom(minute: number | undefined) {
    if ((minute === undefined) !== (this.#receivingFrom === undefined)) this.#revision++;
    this.#receivingFrom = minute;
  }

  #isWhole(range: MinuteRange): boolean {
    const receiving = this.#receivingFrom ?? range.hi;
    return this.covered.covers({ lo: range.lo, hi: Math.min(range.hi, Math.max(range.lo, receiving)) });
  }

  /** Contributions at the grid of this store; the store's own scales grow when the others are finer. */
  align(contributions: MinuteContributions): MinuteContributions {
    const finest = finestScales(this.#grid.scales, contributions.scales);
    this.growScales(finest);
    const aligned = rescaleContributions(contributions, finest);
    invariant(
      aligned.minutes.length === 0 || aligned.binUnits === this.#grid.binUnits,
      `${this.symbol}: contributions in bins of ${aligned.binUnits} units, the store has ${this.#grid.binUnits}`,
    );
    return aligned;
  }

  growScales(atLeast: Scales): void {
    const former = this.#grid;
    const scales = finestScales(former.scales, atLeast);
    if (sameScales(former.scales, scales)) return;
    this.#grid = {
      scales,
      binUnits: former.binUnits * 10 ** (scales.priceScale - former.scales.priceScale),
    };
    this.#days.rescale(former, scales);
    this.#revision++;
  }

  #isAbsent(day: number): boolean {
    return !this.#days.has(day) && this.#committed.within(dayRange(day)).ranges.length > 0;
  }

  /** Marks minutes as sealed; those of them without trades contribute nothing, whatever stood there. */
  #seal(sealed: MinuteRange, { minutes }: MinuteContributions): void {
    const traded = new Set(minutes.map(({ minute }) => minute));
    for (const range of this.#committed.missing(sealed)) {
      for (let minute = range.lo; minute < range.hi; minute++)
        if (!traded.has(minute)) this.#days.clear(minute, dayOfMinute(minute));
      this.#sealed = this.#sealed.add(range);
    }
  }

  /**
   * Minutes that no segment holds yet live only here: their day must stay. So must the newest day of the live stream and
   * the one before it, which open minutes go into.
   */
  #mustStay(day: number): boolean {
    return (
      day === this.#liveDay ||
      day === this.#liveDay - 1 ||
      this.#sealed.within(dayRange(day)).ranges.length > 0
    );
  }
}
