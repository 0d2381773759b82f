import type { Database } from "../../db/mod.ts";
import {
  ChunkRanker,
  type CommittedChunk,
  createChunkRankStore,
  createSkeletonStore,
  type JobProgress,
  SkeletonKeeper,
  type SymbolRef,
} from "../backfill/mod.ts";
import {
  type Clock,
  dayOfMinute,
  dayRange,
  MINUTES_PER_DAY,
  type MinuteRange,
  minuteOfMs,
  pause,
  type Session,
  type SessionCalendar,
  type Turns,
  type ValueAreaMethod,
} from "../core/mod.ts";
import {
  type DayLoader,
  daysAndParts,
  type ProfileStore,
  type SeriesStore,
  type WindowRanges,
  windowsRead,
} from "../store/mod.ts";
import type { VenueRegistry } from "../venues/mod.ts";
import type { EngineLog } from "./engine-log.ts";

/** How long the start-up backfill waits for the candles that its order needs. */
const PREPARE_MS = 3_000;
/** Days whose candles a window takes, at most; the ones of a series that are kept are a few more. */
const WINDOW_DAYS_MAX = 14;
/** How long whoever asks for levels waits for the candles that would prove them. */
const ANSWER_WAIT_MS = 300;

export interface SkeletonWatchDeps {
  readonly database: Database;
  readonly venues: VenueRegistry;
  readonly store: ProfileStore;
  readonly loader: DayLoader;
  /** Finds or makes a series; a new one asks the venue what it trades in. */
  readonly open: (ref: SymbolRef, signal: AbortSignal) => Promise<SeriesStore>;
  /** The series that are followed live. */
  readonly followed: () => readonly SeriesStore[];
  readonly calendar: Pick<SessionCalendar, "at">;
  readonly method: ValueAreaMethod;
  readonly clock: Clock;
  readonly random: () => number;
  readonly turns: Turns;
  readonly log: EngineLog;
}

/** Decides when the venue's candles are fetched, and whose chunks are ranked by them. */
export class SkeletonWatch {
  readonly #deps: SkeletonWatchDeps;
  readonly #keeper: SkeletonKeeper;
  readonly #ranker: ChunkRanker;
  #unsubscribe = () => {};

  constructor(deps: SkeletonWatchDeps) {
    const { database, venues, store, loader, calendar, method, clock, turns, log } = deps;
    // Between two sessions, the UTC day stands for one.
    const windowOf = (minute: number) => calendar.at(minute)?.range ?? dayRange(dayOfMinute(minute));
    this.#deps = deps;
    this.#keeper = new SkeletonKeeper({
      ...{ clock, turns, log, random: deps.random, candles: createSkeletonStore(database) },
      sourceOf: (venue) => venues.findCandles(venue),
      onCandles: (series) => store.announce(series),
    });
    this.#ranker = new ChunkRanker({
      ...{ store, loader, windowOf, method, turns, timers: clock },
      chunks: createChunkRankStore(database),
      skeleton: this.#keeper,
      warn: (message) => log.warn({}, message),
    });
  }

  start(): void {
    this.#unsubscribe = this.#deps.store.subscribe(({ series }) => this.#ranker.changed(series));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#ranker.stop();
    await this.#keeper.stop();
  }

  /** A job began, moved or ended. */
  observe(job: JobProgress): void {
    this.#ranker.observe(job);
  }

  /** A chunk was committed here, and its minutes are in the store. Days that are not in memory are left alone. */
  committed({ series: { id }, pieces }: Pick<CommittedChunk, "series" | "pieces">): void {
    const series = this.#deps.store.byId(id);
    if (series === undefined) return;
    for (const day of new Set(
      pieces.flatMap(({ range: { lo, hi } }) => [dayOfMinute(lo), dayOfMinute(hi - 1)]),
    ))
      if (series.takesMinutesOf(day)) void this.#keeper.bring(series, dayRange(day));
  }

  /** A minute has ended by exchange time, and live trades have had the time to prove it whole. */
  minuteEnded(): void {
    const now = minuteOfMs(this.#deps.clock.nowMs());
    const range = { lo: dayRange(dayOfMinute(now)).lo - MINUTES_PER_DAY, hi: now };
    for (const series of this.#deps.followed()) void this.#keeper.bring(series, range);
  }

  /** Somebody asks for the levels of a session: waits a moment for the candles that would prove them. */
  async asked(series: SeriesStore, session: Session): Promise<void> {
    const windows = windowsRead(session);
    const lacks = windows.some((window) => this.#keeper.lacks(series, window));
    const brought = Promise.all(windows.map((window) => this.#keeper.bring(series, window)));
    if (lacks) await this.#within(ANSWER_WAIT_MS, brought);
  }

  /**
   * Somebody asks for windows: waits a moment for the candles of days that lack them. A window that lacks more days than are kept
   * cannot be proven, so for it nothing is fetched, or the newest days where a part helps.
   */
  async bring(
    series: SeriesStore,
    windows: readonly WindowRanges[],
    { waitMs, partly = false }: { readonly waitMs: number; readonly partly?: boolean },
  ): Promise<void> {
    const lacking = windows.flatMap((ranges) => {
      const days = ranges.flatMap((range) => this.#lacking(series, range));
      return days.length > WINDOW_DAYS_MAX && !partly ? [] : days.slice(-WINDOW_DAYS_MAX);
    });
    if (lacking.length === 0) return;
    const newestFirst = lacking.toReversed().map((part) => this.#keeper.bring(series, part));
    await this.#within(waitMs, Promise.all(newestFirst));
  }

  /** The days and parts of days of a range whose candles would prove more, and are to be had. */
  #lacking(series: SeriesStore, range: MinuteRange): MinuteRange[] {
    const uncovered = series.covered.missing(range);
    if (uncovered.length === 0) return [];
    const days = new Set(uncovered.flatMap((gap) => [...daysAndParts(gap)].map(({ lo }) => dayOfMinute(lo))));
    return [...daysAndParts(range)].filter(
      (part) => days.has(dayOfMinute(part.lo)) && this.#keeper.lacks(series, part),
    );
  }

  /** Brings the candles of some symbols in before their trades are fetched; waits a few seconds at most, never rejects. */
  async prepare(symbols: readonly SymbolRef[], range: MinuteRange, signal: AbortSignal): Promise<void> {
    const { open } = this.#deps;
    const brought = symbols.map(async (ref) => this.#keeper.bring(await open(ref, signal), range));
    await this.#within(PREPARE_MS, Promise.allSettled(brought), signal);
  }

  /** Waits for work that goes on when the time is up. */
  async #within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const until = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    await Promise.race([work, pause(this.#deps.clock, ms, until)]);
    over.abort();
  }
}
