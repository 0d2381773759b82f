import {
  type Coverage,
  dayOfMinute,
  dayRange,
  type GridOf,
  type Instrument,
  invariant,
  type KnownWindow,
  type MinuteContribution,
  type MinuteContributions,
  type MinuteRange,
  type Scales,
  symbolName,
  type WindowCoverage,
  type WindowFold,
} from "../core/mod.ts";
import { AreaMemo } from "./area-memo.ts";
import { daysAndParts, daysOf } from "./day-minutes.ts";
import { FinishedWindows } from "./finished-windows.ts";
import type { MinuteCandles, ToldMinute } from "./minute-candles.ts";
import { ResidentDays } from "./resident-days.ts";
import { SeriesBars } from "./series-bars.ts";
import { type CertaintyReads, SeriesCertainty } from "./series-certainty.ts";
import { SeriesChanges } from "./series-changes.ts";
import { SeriesCoverage, type WindowKnowledge } from "./series-coverage.ts";
import { SeriesGrid, type SeriesIdentity } from "./series-grid.ts";

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
  /** Whole windows that are known without their minutes. */
  readonly finished = new FinishedWindows();
  /** Value areas of windows that have not changed since. */
  readonly areas = new AreaMemo((range) => this.changes.of(range));
  /** Which of its minutes change, and how often. */
  readonly changes = new SeriesChanges();
  readonly #grid: SeriesGrid;
  readonly #coverage = new SeriesCoverage();
  #revision = 0;
  readonly #days = new ResidentDays(this.#coverage, (day, lost) => {
    this.#certainty.dropDay(day);
    if (lost) this.changes.note(dayRange(day));
  });
  readonly #certainty = new SeriesCertainty({
    grid: () => this.grid,
    coverage: this.#coverage,
    contributionOf: (minute) => this.#days.at(minute),
    absentDays: (range) => this.absentDays(range),
    mustStay: (day) => this.#days.stays(day),
    onReady: () => this.touch(),
    onTold: (range) => this.changes.noteTold(range),
  });
  readonly bars = new SeriesBars(this);

  constructor(identity: SeriesIdentity) {
    this.seriesId = identity.seriesId;
    this.instrument = identity.instrument;
    this.symbol = symbolName(identity.instrument);
    this.#grid = new SeriesGrid(identity, (former) => this.#grown(former));
  }

  /** The scales and bin size that the contributions in memory are in. */
  get grid(): GridOf {
    return this.#grid.current;
  }

  /** Counts changes; every value read between two changes carries the same one. */
  get revision(): number {
    return this.#revision;
  }

  get covered(): Coverage {
    return this.#coverage.covered;
  }

  /** Takes over the coverage that the database lists. */
  resetCommitted(ranges: Iterable<MinuteRange>): void {
    this.#coverage.resetCommitted(ranges);
    this.changes.noteAll();
    this.finished.clear();
    this.#certainty.allChanged();
    this.#revision++;
  }

  /**
   * A segment for `range` was committed: its minutes replace whatever stood there. Days that are not in memory and hold
   * other minutes are only marked; they are loaded whole when asked for.
   */
  commit(range: MinuteRange, contributions: MinuteContributions): void {
    const aligned = this.align(contributions);
    for (const part of daysAndParts(range)) {
      const day = dayOfMinute(part.lo);
      if (!this.#days.isAbsent(day)) this.#days.open(day);
      this.#days.replace(day, part, aligned);
    }
    this.#coverage.commit(range);
    this.#changed(range);
  }

  /**
   * Live trades filled these minutes; whole ones are `sealed` and covered, the others stay open. The days of sealed
   * minutes must have been loaded; an open minute of a day that is not in memory is left out.
   */
  putLive(contributions: MinuteContributions, sealed: MinuteRange | undefined): void {
    const aligned = this.align(contributions);
    for (const minute of aligned.minutes) {
      if (this.#coverage.committed.has(minute.minute)) continue;
      const day = dayOfMinute(minute.minute);
      if (this.#days.isAbsent(day)) {
        const whole = sealed !== undefined && minute.minute >= sealed.lo && minute.minute < sealed.hi;
        invariant(!whole, `${this.symbol}: day ${day} must be loaded first`);
        continue;
      }
      this.#days.openLive(day).replace(minute.minute, minute);
      this.#note({ lo: minute.minute, hi: minute.minute + 1 });
    }
    if (sealed !== undefined) this.#seal(sealed, aligned);
    this.#changed(sealed ?? { lo: 0, hi: 0 });
  }

  /** Minutes are no longer known (their segment is gone): they are uncovered and contribute nothing. */
  uncover(range: MinuteRange): void {
    this.#coverage.uncover(range);
    for (const part of daysAndParts(range))
      this.#days.replace(dayOfMinute(part.lo), part, { ...this.grid, minutes: [] });
    this.#changed(range);
  }

  /**
   * The venue's 1-minute candles of a range, closed and final: every minute of it is known from now on, one without a
   * candle had no trades. They prove levels before the trades are here, and stay beside the trades to be compared with them.
   */
  putCandles(range: MinuteRange, candles: MinuteCandles): void {
    this.growScales(candles.scales);
    this.#certainty.putCandles(range, candles);
    this.#revision++;
  }

  /** Minutes of a range that no candles told of, covered or not. */
  withoutCandles(range: MinuteRange): readonly MinuteRange[] {
    return this.#certainty.withoutCandles(range);
  }

  /** The candle of a minute at this store's scales, null when the venue shows no trades, undefined when nobody told. */
  candleOf(minute: number): ToldMinute | undefined {
    return this.#certainty.candleOf(minute);
  }

  /** These minutes' candles contradict their trades: windows that hold one take no certainty from candles, and say why. */
  distrust(minutes: Coverage, reason: string): void {
    this.#certainty.distrust(minutes, reason);
    this.#revision++;
  }

  /** Lifts {@link distrust}. */
  trust(minutes: Coverage): void {
    this.#certainty.trust(minutes);
    this.#revision++;
  }

  /** What the candles prove of this series' windows. */
  get certainty(): CertaintyReads {
    return this.#certainty;
  }

  /** What a minute contributes as far as it is known; undefined without trades, and for a day that is not in memory. */
  contributionOf(minute: number): MinuteContribution | undefined {
    return this.#days.at(minute);
  }

  /** Whether {@link commit} looks at what minutes of this day contribute; of other days it only marks them. */
  takesMinutesOf(day: number): boolean {
    return this.#days.takes(day) || !this.#days.isAbsent(day);
  }

  /** Days of `range` that are covered somewhere but not in memory: what a reader has to load first. */
  absentDays(range: MinuteRange): number[] {
    return daysOf(range).filter((day) => this.#days.isAbsent(day));
  }

  /** Whether {@link window} can be asked for: its minutes are in memory, or it is known finished without them. */
  canFold(range: MinuteRange): boolean {
    return this.absentDays(range).length === 0 || this.#knownFinished(range) !== undefined;
  }

  /** The committed minutes of a day: what a load from the tape has to bring. */
  committedWithin(range: MinuteRange): Coverage {
    return this.#coverage.committed.within(range);
  }

  /** A load of an absent day from the tape begins; `endLoad` ends it. What is replaced meanwhile overtakes what it brings. */
  beginLoad(day: number): void {
    this.#days.beginLoad(day);
  }

  /** The day as the tape had it when the load began; undefined when it could not be read. */
  endLoad(day: number, contributions: MinuteContributions | undefined): void {
    this.#days.endLoad(day, contributions && this.align(contributions));
    this.#certainty.changed(dayRange(day));
  }

  /** Keeps a day in memory until `release` is called as often. */
  pin(day: number): void {
    this.#days.pin(day);
  }

  release(day: number): void {
    this.#days.release(day);
  }

  /** Something beside the minutes changed what is told of this series: time passed, a job of it moved, a proof is ready. */
  touch(): void {
    this.#revision++;
  }

  /** Which minutes of a window are covered; see {@link window}. */
  coverageOf(range: MinuteRange, expectedEnd = range.hi): WindowCoverage {
    return this.#coverage.of(range, expectedEnd);
  }

  /**
   * Folds a window. `expectedEnd`: minutes from there on are not expected yet. `nowMinute`: the running minute.
   * Days that are absent must have been loaded, unless the window is among the finished ones: {@link canFold}.
   */
  window(range: MinuteRange, expectedEnd = range.hi, nowMinute = expectedEnd - 1): KnownWindow<WindowFold> {
    const fold = this.#knownFinished(range) ?? this.#days.fold(range);
    return { fold, ...this.knowledgeOf(range, expectedEnd, nowMinute) };
  }

  /** {@link window} without its profile. */
  sums(range: MinuteRange, expectedEnd: number, nowMinute: number): KnownWindow {
    const known = this.knowledgeOf(range, expectedEnd, nowMinute);
    return { fold: this.#knownFinished(range) ?? this.#days.sums(range), ...known };
  }

  /** What is known of a window, without folding it. */
  knowledgeOf(range: MinuteRange, expectedEnd: number, nowMinute: number): WindowKnowledge {
    return this.#coverage.knowledge(range, expectedEnd, nowMinute);
  }

  /** From this minute on live trades arrive without a break; undefined while they do not. Whoever receives them tells. */
  set receivingFrom(minute: number | undefined) {
    const former = this.#coverage.receivingFrom;
    if (former === minute) return;
    if (minute === undefined || former === undefined) this.#revision++;
    this.#coverage.receivingFrom = minute;
    this.#certainty.receptionChanged(Math.min(former ?? minute ?? 0, minute ?? former ?? 0));
  }

  /** Contributions at the grid of this store; the store's own scales grow when the others are finer. */
  align(contributions: MinuteContributions): MinuteContributions {
    return this.#grid.align(contributions);
  }

  growScales(atLeast: Scales): void {
    this.#grid.grow(atLeast);
  }

  #grown(former: GridOf): void {
    this.#days.rescale(former, this.grid.scales);
    this.#certainty.rescale(former.scales, this.grid.scales);
    this.changes.noteAll();
    this.finished.clear();
    this.#revision++;
  }

  #note(range: MinuteRange): void {
    this.changes.note(range);
    this.#certainty.changed(range);
  }

  #changed(range: MinuteRange): void {
    this.#note(range);
    this.finished.changed(range);
    this.#revision++;
  }

  /** Of days that are in memory nobody else need tell. */
  #knownFinished(range: MinuteRange): WindowFold | undefined {
    const fold = this.finished.of(range);
    if (fold === undefined || !this.#coverage.committed.covers(range)) return undefined;
    return this.absentDays(range).length > 0 ? fold : undefined;
  }

  /** Marks minutes as sealed; those of them without trades contribute nothing, whatever stood there. */
  #seal(sealed: MinuteRange, { minutes }: MinuteContributions): void {
    const traded = new Set(minutes.map(({ minute }) => minute));
    for (const range of this.#coverage.committed.missing(sealed)) {
      this.#days.clearBut(traded, range);
      this.#coverage.seal(range);
    }
  }
}
