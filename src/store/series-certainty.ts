import {
  Coverage,
  type Doubt,
  dayRange,
  type GridOf,
  knownSums,
  type MinuteContribution,
  type MinuteRange,
  rangeLength,
  type Scales,
  type SkeletonCandle,
  type WindowProof,
} from "../core/mod.ts";
import { CERTIFY_MINUTES_MAX, Certifiers } from "./certifiers.ts";
import { daysOf } from "./day-minutes.ts";
import { Doubts } from "./doubts.ts";
import type { MinuteCandles, ToldMinute } from "./minute-candles.ts";
import { MinuteChecks } from "./minute-checks.ts";
import type { SeriesCoverage } from "./series-coverage.ts";
import { Skeleton } from "./skeleton.ts";
import { ToldWindows, type WindowKnown } from "./told-windows.ts";
import type { KnownMinute, WindowCertifier } from "./window-certifier.ts";

/** Ended minutes that may still be unknown without the others being worth less: their candles are on the way. */
const TAIL_MINUTES = 2;

/** A series as its certainty sees it. */
export interface CertainSeries {
  readonly grid: () => GridOf;
  readonly coverage: SeriesCoverage;
  readonly contributionOf: (minute: number) => MinuteContribution | undefined;
  /** Days of a range that are covered somewhere and not in memory. */
  readonly absentDays: (range: MinuteRange) => readonly number[];
  /** More is proven than was a moment ago. */
  readonly onReady: () => void;
  /** What candles tell of these minutes changed, or how they compare with the trades. */
  readonly onTold: (range: MinuteRange) => void;
  /** Days whose candles do not make room while others' can. */
  readonly mustStay: (day: number) => boolean;
}

/** What readers of a series ask of its certainty. */
export type CertaintyReads = Pick<
  SeriesCertainty,
  "proof" | "pending" | "certifier" | "settled" | "doubtsWithin" | "checks" | "told" | "windows"
>;

/** What the venue's candles add to what is known of one series: its skeleton, doubts of it, and windows proven by it. */
export class SeriesCertainty {
  readonly #series: CertainSeries;
  readonly #skeleton: Skeleton;
  readonly #doubts = new Doubts();
  /** How the trades compare with the candles. */
  readonly checks: MinuteChecks;
  readonly #certifiers: Certifiers;
  /** What candles tell of windows whose days need not be in memory. */
  readonly windows: ToldWindows;

  constructor(series: CertainSeries) {
    this.#series = series;
    this.#skeleton = new Skeleton({
      mustStay: series.mustStay,
      onForgotten: (day) => {
        this.checks.drop(dayRange(day));
        series.onTold(dayRange(day));
        this.#certifiers.dropTouching(dayRange(day));
      },
    });
    this.#certifiers = new Certifiers((range) => ({
      binUnits: series.grid().binUnits,
      minuteAt: (minute) => this.#minuteAt(minute),
      isLoaded: () => series.absentDays(range).length === 0,
      onReady: series.onReady,
    }));
    this.windows = new ToldWindows({
      coverage: series.coverage,
      skeleton: this.#skeleton,
      contributionOf: series.contributionOf,
      knowledge: (range, nowMinute) => this.#knowledge(range, nowMinute),
    });
    this.checks = new MinuteChecks({
      scales: () => series.grid().scales,
      covered: () => series.coverage.covered,
      told: () => this.#skeleton.told,
      candleOf: (minute) => this.#skeleton.at(minute),
      contributionOf: series.contributionOf,
      absentDays: series.absentDays,
      onCompared: series.onTold,
    });
  }

  putCandles(range: MinuteRange, candles: MinuteCandles): void {
    this.#skeleton.put(range, candles, this.#series.grid());
    this.#series.onTold(range);
    this.changed(range);
  }

  candleOf(minute: number): ToldMinute | undefined {
    return this.#skeleton.at(minute);
  }

  withoutCandles(range: MinuteRange): readonly MinuteRange[] {
    return this.#skeleton.told.missing(range);
  }

  /** Minutes of which candles tell. */
  get told(): Coverage {
    return this.#skeleton.told;
  }

  distrust(minutes: Coverage, reason: string): void {
    this.#doubts.add(minutes, reason);
  }

  trust(minutes: Coverage): void {
    this.#doubts.remove(minutes);
  }

  /** Doubts that touch a range: of candles that contradict their trades, and of unseen minutes' that contradict themselves. */
  doubtsWithin(range: MinuteRange, max: number): Doubt[] {
    const own = this.#faultyWithin(range).ranges.map((faulty) => ({
      range: faulty,
      reason: `the venue's candle of this minute contradicts itself in ${this.#skeleton.faultAt(faulty.lo)}`,
    }));
    const told = this.#doubts.within(range, max);
    return [...own, ...told].sort((a, b) => a.range.lo - b.range.lo).slice(0, max);
  }

  /**
   * What is proven of a window up to and with the running minute; undefined where an earlier minute of it is unknown, or its
   * candles are in doubt. `coarser`: the profile as well, in bins so many times as wide; it is ready when no more than a
   * chunk has changed since, else once its {@link certifier} was stepped. The window's days are in memory.
   */
  proof(range: MinuteRange, nowMinute: number, coarser?: number): WindowProof | undefined {
    const known = this.#loadedKnowledge(range, nowMinute);
    if (known === "gaps") return undefined;
    const wanted = coarser !== undefined && rangeLength(range) <= CERTIFY_MINUTES_MAX;
    const profile = wanted ? this.certifier(range, coarser) : undefined;
    profile?.catchUp();
    const upToNow = known === "all";
    const ready = upToNow ? profile?.state?.sums() : undefined;
    return { upToNow, sums: ready ?? knownSums(this.#minutesAtHand(range)), profile };
  }

  /** {@link #knowledge} of a window whose minutes are in memory. */
  #loadedKnowledge(range: MinuteRange, nowMinute: number): WindowKnown {
    return this.#series.absentDays(range).length > 0 ? "gaps" : this.#knowledge(range, nowMinute);
  }

  #knowledge(range: MinuteRange, nowMinute: number): WindowKnown {
    const { coverage } = this.#series;
    const owed = coverage.owed(range, nowMinute);
    const told = this.#skeleton.told.within(owed).ranges;
    const unknown = Coverage.of([...coverage.covered.within(owed).ranges, ...told]).missing(owed);
    const first = unknown[0]?.lo ?? Number.POSITIVE_INFINITY;
    if (
      first < nowMinute - TAIL_MINUTES ||
      this.#doubts.minutes.within(range).ranges.length > 0 ||
      this.#faultyWithin(range).ranges.length > 0
    )
      return "gaps";
    return unknown.length === 0 ? "all" : "tail";
  }

  /** The certifier of a window that can be proven, while it has more to work in than a read does by itself. */
  pending(range: MinuteRange, nowMinute: number, coarser: number): WindowCertifier | undefined {
    if (rangeLength(range) > CERTIFY_MINUTES_MAX || this.#series.coverage.isWhole(range, nowMinute))
      return undefined;
    if (this.#loadedKnowledge(range, nowMinute) === "gaps") return undefined;
    const certifier = this.certifier(range, coarser);
    return certifier.behind ? certifier : undefined;
  }

  /** The certifier of a window, made when there is none; it has to be stepped until nothing is pending. */
  certifier(range: MinuteRange, coarser: number): WindowCertifier {
    return this.#certifiers.of(range, coarser);
  }

  /** The trades of a window are known: nothing is left to prove. */
  settled(range: MinuteRange): void {
    this.#certifiers.dropOf(range);
  }

  /** What is known of these minutes changed. */
  changed(range: MinuteRange): void {
    this.checks.changed(range);
    this.#certifiers.changed(range);
  }

  allChanged(): void {
    this.changed({ lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY });
  }

  /** Whether open minutes from this one on are received whole is another than before. */
  receptionChanged(from: number): void {
    this.#certifiers.changed({ lo: from, hi: Number.POSITIVE_INFINITY });
  }

  /** A day left memory, and its candles with it. */
  dropDay(day: number): void {
    this.#skeleton.forget(day);
    this.#certifiers.dropTouching(dayRange(day));
  }

  /** The grid of the series became finer. */
  rescale(from: Scales, to: Scales): void {
    this.#skeleton.rescale(from, to);
    this.#certifiers.dropAll();
  }

  #minuteAt(minute: number): KnownMinute {
    const { coverage, contributionOf } = this.#series;
    if (coverage.has(minute)) return { kind: "trades", contribution: contributionOf(minute) };
    const told = this.#skeleton.at(minute);
    if (told === null) return { kind: "trades", contribution: undefined };
    if (told !== undefined) return { kind: "candle", candle: told };
    // Received from its start without a break: what it has so far is all of it.
    return coverage.receivingFrom !== undefined && minute >= coverage.receivingFrom
      ? { kind: "trades", contribution: contributionOf(minute) }
      : { kind: "unknown" };
  }

  /** What the minutes of a window sum up to, as far as they are known: trades, else the candle, else what came so far. */
  *#minutesAtHand(range: MinuteRange): Generator<SkeletonCandle> {
    for (const day of daysOf(range)) this.#skeleton.touch(day);
    for (let minute = range.lo; minute < range.hi; minute++) {
      const known = this.#minuteAt(minute);
      const sums =
        known.kind === "candle"
          ? known.candle
          : known.kind === "trades"
            ? known.contribution
            : this.#series.contributionOf(minute);
      if (sums !== undefined) yield sums;
    }
  }

  #faultyWithin(range: MinuteRange): Coverage {
    let faulty = this.#skeleton.faulty.within(range);
    for (const own of faulty.ranges.length === 0 ? [] : this.#series.coverage.covered.within(range).ranges)
      faulty = faulty.subtract(own);
    return faulty;
  }
}
