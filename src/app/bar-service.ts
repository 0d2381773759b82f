import type { Config } from "../config.ts";
import {
  type BarInterval,
  barAt,
  dayOfMinute,
  formatTime,
  type MinuteRange,
  minuteOfMs,
  symbolName,
  type Turns,
  timeframeMinutes,
} from "../core/mod.ts";
import type { BarReads, BarsOutcome, CallOptions } from "../http/mod.ts";
import { type BarsPage, type BarsQuery, barToWire, type WireBar } from "../protocol/mod.ts";
import { type BarMoment, type DayLoader, daysAndParts, type SeriesStore } from "../store/mod.ts";
import type { ExchangeClock } from "./exchange-clock.ts";
import { findSeries, type SeriesRefs } from "./find-series.ts";
import { SEAL_GRACE_MS } from "./level-service.ts";

/** Longest time that one answer reads days out of the tape, ms: then it is a shorter page. */
const READ_MS = 10_000;
/** Minutes that are folded in one turn: 2 ms. */
const MINUTES_PER_TURN = 720;

/** Times that bars are read by. */
export interface BarClock {
  readonly nowMs: () => number;
  /** Minutes before this one are expected to be known. */
  readonly expectedEnd: () => number;
}

/** What bars are read with, for whoever reads them by himself. */
export interface BarMeans extends BarClock {
  readonly loader: Pick<DayLoader, "load">;
  readonly turns: Pick<Turns, "take">;
}

export interface BarServiceDeps extends SeriesRefs, BarMeans {
  /** Any clock that only goes forward, ms. */
  readonly now: () => number;
}

export interface BarServiceOptions extends Pick<BarServiceDeps, "loader" | "turns" | "store"> {
  readonly config: Pick<Config, "symbols">;
  readonly clock: ExchangeClock;
}

/** The bars of a process. */
export function createBarService({ config, clock, loader, turns, store }: BarServiceOptions): BarService {
  return new BarService({
    ...{ store, loader, turns },
    followed: config.symbols.map(symbolName),
    nowMs: () => clock.nowMs(),
    expectedEnd: () => minuteOfMs(clock.nowMs() - SEAL_GRACE_MS),
    now: () => clock.now(),
  });
}

/** When bars are read, and the minute that runs then. */
export function barMoment(deps: BarClock): BarMoment {
  return { nowMinute: minuteOfMs(deps.nowMs()), expectedEnd: deps.expectedEnd() };
}

/** First minute that anything is known of, by trades or candles; the running one at the latest. */
export function firstKnownMinute({ covered, certainty }: SeriesStore, { nowMinute }: BarMoment): number {
  return Math.min(nowMinute, covered.ranges[0]?.lo ?? nowMinute, certainty.told.ranges[0]?.lo ?? nowMinute);
}

/** Bars of any range for HTTP, a day at a time, in pages. */
export class BarService implements BarReads {
  readonly #deps: BarServiceDeps;

  constructor(deps: BarServiceDeps) {
    this.#deps = deps;
  }

  get means(): BarMeans {
    return this.#deps;
  }

  async bars(query: BarsQuery, { signal }: CallOptions): Promise<BarsOutcome> {
    const found = findSeries(this.#deps, symbolName(query.symbol));
    if (found.kind !== "series") return found;
    const { series } = found;
    const page =
      query.from === undefined
        ? newestOf(query, firstKnownMinute(series, barMoment(this.#deps)))
        : oldestOf(query, query.from);
    const reading = new Reading(this.#deps, series, query.interval);
    const until = this.#deps.now() + READ_MS;
    for (const part of page.parts) {
      signal.throwIfAborted();
      if (this.#deps.now() > until) break;
      await reading.read(part);
    }
    return { kind: "found", page: reading.page(query, page) };
  }
}

interface Plan {
  /** Whole bars of one UTC day each, in the order in which they are read. */
  readonly parts: readonly MinuteRange[];
  readonly forward: boolean;
  /** Whether there is something beyond the parts. */
  readonly more: boolean;
}

function oldestOf({ interval, to, limit }: BarsQuery, from: number): Plan {
  const hi = Math.min(to, from + limit * timeframeMinutes(interval));
  return { parts: [...daysAndParts({ lo: from, hi })], forward: true, more: hi < to };
}

/** From `to` back to the bar of the first known minute. */
function newestOf({ interval, to, limit }: BarsQuery, firstKnown: number): Plan {
  const known = barAt(interval, firstKnown).lo;
  const lo = Math.min(to, Math.max(known, to - limit * timeframeMinutes(interval)));
  return { parts: [...daysAndParts({ lo, hi: to })].reverse(), forward: false, more: lo > known };
}

/** The bars of one answer, as they are read. */
class Reading {
  readonly #deps: BarServiceDeps;
  readonly #series: SeriesStore;
  readonly #interval: BarInterval;
  readonly #parts: WireBar[][] = [];
  /** Minutes that were read, from the side that reading began at. */
  #read: MinuteRange | undefined;
  #revision = Number.POSITIVE_INFINITY;

  constructor(deps: BarServiceDeps, series: SeriesStore, interval: BarInterval) {
    this.#deps = deps;
    this.#series = series;
    this.#interval = interval;
  }

  async read({ lo, hi }: MinuteRange): Promise<void> {
    const length = timeframeMinutes(this.#interval);
    const step = Math.max(length, MINUTES_PER_TURN);
    const bars: WireBar[] = [];
    for (let at = lo; at < hi; at += step)
      bars.push(...(await this.#slice({ lo: at, hi: Math.min(hi, at + step) }, length)));
    this.#parts.push(bars);
    this.#read = { lo: Math.min(lo, this.#read?.lo ?? lo), hi: Math.max(hi, this.#read?.hi ?? hi) };
  }

  page({ interval, to }: BarsQuery, { forward, more, parts }: Plan): BarsPage {
    const { series, read } = { series: this.#series, read: this.#read };
    const unread = this.#parts.length < parts.length;
    const bars = (forward ? this.#parts : this.#parts.toReversed()).flat();
    const at = read ?? { lo: to, hi: parts[0]?.lo ?? to };
    return {
      symbol: series.symbol,
      interval,
      bars,
      next: !more && !unread ? null : forward ? { from: at.hi, to } : { to: at.lo },
      revision: Math.min(this.#revision, series.revision),
      asOf: formatTime(this.#deps.nowMs()),
    };
  }

  async #slice(range: MinuteRange, length: number): Promise<WireBar[]> {
    const { loader, turns } = this.#deps;
    const series = this.#series;
    const day = dayOfMinute(range.lo);
    series.pin(day);
    try {
      if (series.bars.absentDays(range, this.#interval).length > 0) await loader.load(series, range);
      return await turns.take(() => this.#fold(range, length));
    } finally {
      series.release(day);
    }
  }

  #fold({ lo, hi }: MinuteRange, length: number): WireBar[] {
    const moment = barMoment(this.#deps);
    this.#revision = Math.min(this.#revision, this.#series.revision);
    const { scales } = this.#series.grid;
    const bars: WireBar[] = [];
    for (let at = lo; at < hi; at += length)
      bars.push(barToWire(this.#series.bars.read({ lo: at, hi: at + length }, moment), scales));
    return bars;
  }
}
