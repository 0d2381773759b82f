import {
  type BarInterval,
  barAt,
  dayOfMinute,
  dayRange,
  formatMinute,
  intersectRanges,
  type MinuteRange,
  OperationFailure,
  pause,
  type Timers,
  timeframeMinutes,
} from "../../core/mod.ts";
import { BARS_KEPT, barToWire, type WireBar } from "../../protocol/mod.ts";
import { type ConflatedSource, type ConflatedState, type LargeField, MemberLog } from "../../push/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";
import { type BarMeans, barMoment, firstKnownMinute } from "../bar-service.ts";
import type { ChannelSight } from "./channel-sight.ts";
import { SourceWork } from "./source-work.ts";

/** A new listener waits so long for days out of the tape, ms; those that take longer follow as frames. */
const OPEN_WAIT_MS = 1_500;
/** Minutes that one look at the state folds: 2 ms. The others wait for the next. */
const MINUTES_PER_LOOK = 7_200;

export interface BarsSourceDeps {
  readonly bars: BarMeans;
  readonly timers: Timers;
  readonly onError: (error: unknown, doing: string) => void;
}

/** Changes of bars that are remembered: some minutes of a busy market. Who is further behind gets the whole window. */
const CHANGES_MAX = 4_096;

/**
 * The newest bars of a series, by their start. Whoever skipped states gets each bar that changed since: a closed one beside its
 * successor, and a corrected one however old. Only the bars of minutes that changed are folded.
 */
export class BarsSource implements ConflatedSource {
  readonly kind = "conflated";
  readonly #deps: BarsSourceDeps;
  readonly #series: SeriesStore;
  readonly #interval: BarInterval;
  readonly #length: number;
  readonly #sight: ChannelSight;
  readonly #work: SourceWork;
  /** Bars as they were folded last, by their first minute. */
  readonly #bars = new Map<number, WireBar>();
  /** Bars to fold, by their first minute. */
  readonly #due = new Set<number>();
  /** Whole bars; those that left it are forgotten. */
  #window: MinuteRange = { lo: 0, hi: 0 };
  /** Bars that differ from the last state, or are gone since, by their start. */
  #changed = new Set<number>();
  #log: MemberLog<number> | undefined;
  #last: BarsState | undefined;
  #readAt: number | undefined;
  #unwatch = () => {};
  #closed = false;

  constructor(deps: BarsSourceDeps, series: SeriesStore, interval: BarInterval, sight: ChannelSight) {
    this.#deps = deps;
    this.#series = series;
    this.#interval = interval;
    this.#length = timeframeMinutes(interval);
    this.#sight = sight;
    const { bars, onError } = deps;
    this.#work = new SourceWork({ expectedEnd: () => bars.expectedEnd(), onError });
  }

  async open(): Promise<void> {
    this.#sight.open();
    this.#unwatch = this.#series.changes.watch((range) => this.#note(range));
    this.#slide();
    this.#load();
    const loading = this.#work.running;
    if (loading !== undefined) await Promise.race([loading, pause(this.#deps.timers, OPEN_WAIT_MS)]);
  }

  current(): ConflatedState {
    this.#sight.catchUp();
    const series = this.#series;
    // What was found out since and has no revision of its own yet is told with the next.
    if (this.#last !== undefined && this.#readAt === series.revision) return this.#last;
    this.#readAt = series.revision;
    this.#slide();
    this.#fold(MINUTES_PER_LOOK);
    this.#load();
    const loading = this.#due.size > 0;
    if (this.#changed.size === 0 && this.#last?.fields.loading === loading) return this.#last;
    const { revision } = series;
    this.#log ??= new MemberLog(CHANGES_MAX, revision);
    this.#log.note(revision, [...this.#changed]);
    this.#changed.clear();
    const fields = { symbol: series.symbol, interval: this.#interval, loading };
    this.#last = { revision, fields, large: this.#large(this.#log) };
    return this.#last;
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#sight.close();
  }

  #large(log: MemberLog<number>): LargeField {
    return {
      name: "bars",
      whole: () => this.#textOf([...this.#bars.keys()]),
      since: (revision) => {
        const changed = log.since(revision);
        return changed && this.#textOf([...changed]);
      },
    };
  }

  #textOf(starts: number[]): string {
    const bars: Record<string, WireBar | null> = {};
    for (const at of starts.sort((a, b) => a - b)) bars[formatMinute(at)] = this.#bars.get(at) ?? null;
    return JSON.stringify(bars);
  }

  #note(range: MinuteRange): void {
    const touched = intersectRanges(range, this.#window);
    if (touched === undefined) return;
    const { lo } = barAt(this.#interval, touched.lo);
    for (let at = lo; at < touched.hi; at += this.#length) this.#due.add(at);
  }

  /** Moves the window to where the running bar is, and to as far back as anything is known. */
  #slide(): void {
    const moment = barMoment(this.#deps.bars);
    const { hi } = barAt(this.#interval, moment.nowMinute);
    const known = barAt(this.#interval, firstKnownMinute(this.#series, moment)).lo;
    const lo = Math.max(known, hi - BARS_KEPT * this.#length);
    const former = this.#window;
    this.#window = { lo, hi };
    for (let at = lo; at < hi; at += this.#length)
      if (at < former.lo || at >= former.hi) this.#due.add(at);
      // A bar that is not closed yet changes with time alone.
      else if (this.#bars.get(at)?.closed === false) this.#due.add(at);
    for (const at of [...this.#bars.keys(), ...this.#due])
      if (at < lo || at >= hi) {
        this.#due.delete(at);
        if (this.#bars.delete(at)) this.#changed.add(at);
      }
  }

  /** Folds bars that are due and whose day can be told, the newest first. */
  #fold(minutesMax: number, only?: MinuteRange): void {
    const moment = barMoment(this.#deps.bars);
    const { bars, grid } = this.#series;
    let left = minutesMax;
    for (const at of [...this.#due].sort((a, b) => b - a)) {
      const range = { lo: at, hi: at + this.#length };
      if (only !== undefined && intersectRanges(range, only) === undefined) continue;
      if (bars.absentDays(range, this.#interval).length > 0) continue;
      this.#due.delete(at);
      const bar = barToWire(bars.read(range, moment), grid.scales);
      if (!sameBar(this.#bars.get(at), bar)) {
        this.#bars.set(at, bar);
        this.#changed.add(at);
      }
      left -= this.#length;
      if (left > 0) continue;
      if (this.#due.size > 0) this.#again();
      return;
    }
  }

  /** There is more to tell than the last revision did. */
  #again(): void {
    this.#series.touch();
    this.#sight.touch();
  }

  /** Brings the days that bars are due of into memory, the newest first. */
  #load(): void {
    // Days are only looked through where a load may begin.
    if (this.#closed || !this.#work.free || this.#absentDay() === undefined) return;
    this.#work.begin(`loading ${this.#series.symbol} for its bars`, () => this.#loadAll());
  }

  async #loadAll(): Promise<void> {
    for (let day = this.#absentDay(); day !== undefined && !this.#closed; day = this.#absentDay()) {
      const range = dayRange(day);
      await this.#deps.bars.loader.load(this.#series, range);
      // At once: by the next look it may have made room for another.
      this.#fold(Number.POSITIVE_INFINITY, range);
      if (this.#absentDay() === day)
        throw new OperationFailure("transient", `day ${day} left memory before it was folded`);
      this.#again();
    }
  }

  #absentDay(): number | undefined {
    const days = new Set([...this.#due].map(dayOfMinute));
    return [...days]
      .sort((a, b) => b - a)
      .find((day) => this.#series.bars.absentDays(dayRange(day), this.#interval).length > 0);
  }
}

interface BarsState extends ConflatedState {
  readonly fields: { readonly symbol: string; readonly interval: BarInterval; readonly loading: boolean };
}

function sameBar(a: WireBar | undefined, b: WireBar): boolean {
  if (a === undefined) return false;
  const [before, after] = [Object.entries(a), Object.values(b)];
  return before.every(([, value], at) => value === after[at]);
}
