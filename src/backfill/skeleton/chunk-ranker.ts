import {
  failureOf,
  isEndedState,
  type MinuteRange,
  minuteOfMs,
  pause,
  rangeLength,
  type Timers,
  type Turns,
  type ValueAreaMethod,
} from "../../core/mod.ts";
import type { DayLoader, ProfileStore, SeriesStore } from "../../store/mod.ts";
import type { ChunkRankStore } from "../store/chunk-ranks.ts";
import type { JobProgress } from "../store/types.ts";
import { readWrittenRequest } from "../written-request.ts";
import { bestOrder } from "./best-order.ts";
import { FlightGate } from "./flight-gate.ts";
import { newRanks } from "./new-ranks.ts";
import type { SkeletonKeeper } from "./skeleton-keeper.ts";

/** Jobs whose chunks are ranked anew, at most; others keep the order they were planned in. */
const JOBS_MAX = 200;
/** A series of a job is ranked anew at most this often: a burst of commits is one change. */
const INTERVAL_MS = 100;
/** After a ranking that failed. */
const RETRY_MS = 5_000;
/** Series that are ranked at the same time. */
const PARALLEL = 2;
/** With so few chunks left of a session, the candles of the next one are fetched. */
const NEXT_BELOW = 24;
/** Turns of the event loop that one ranking may take to follow the trades of a session. */
const STEPS_MAX = 2_000;

export interface ChunkRankerDeps {
  readonly chunks: ChunkRankStore;
  readonly store: Pick<ProfileStore, "bySymbol">;
  readonly skeleton: Pick<SkeletonKeeper, "bring">;
  readonly loader: Pick<DayLoader, "load">;
  /** The session that a minute belongs to. */
  readonly windowOf: (minute: number) => MinuteRange;
  /** The value area that its open ends are asked for of, once the POC is certain. */
  readonly method: ValueAreaMethod;
  readonly timers: Timers;
  readonly turns: Turns;
  readonly warn: (message: string) => void;
}

/** One series of one job. */
interface Entry {
  readonly jobId: string;
  readonly symbol: string;
  readonly range: MinuteRange;
  /** The session under way, as far as it is known. */
  window: MinuteRange | undefined;
  /** What was known when it was last ranked. */
  print: string | undefined;
  wanted: boolean;
  active: boolean;
  notBefore: number;
}

/**
 * Keeps the pending chunks of jobs with the order `certify` ranked by what they would prove, session by session, the newest
 * first: after every change of what is known, conflated, for the session under way alone. Workers anywhere claim by rank and
 * know nothing of it. Several processes may do it at once, and one that cannot leaves the order `recent`.
 */
export class ChunkRanker {
  readonly #deps: ChunkRankerDeps;
  readonly #gate = new FlightGate(PARALLEL);
  readonly #stopping = new AbortController();
  readonly #byJob = new Map<string, readonly Entry[]>();
  readonly #bySymbol = new Map<string, Set<Entry>>();
  readonly #serving = new Set<Promise<void>>();
  /** A ranking failed, and none has succeeded since: told once. */
  #troubled = false;

  constructor(deps: ChunkRankerDeps) {
    this.#deps = deps;
  }

  /** Takes note of a job that began, moved or ended. */
  observe(job: Pick<JobProgress, "id" | "dataset" | "status" | "request">): void {
    if (job.dataset !== "trades") return;
    const ended = isEndedState(job.status);
    if (ended) this.#forget(job.id);
    if (ended || this.#byJob.has(job.id) || this.#byJob.size >= JOBS_MAX) return;
    const { symbols, order, from, to, force } = readWrittenRequest(job.request);
    // What is fetched anew is known by its trades already: nothing of it is left to be proved.
    const ranked = order === "certify" && !force;
    const range = { lo: minuteOfMs(Date.parse(from)), hi: minuteOfMs(Date.parse(to)) };
    const entries = ranked ? symbols.map((symbol) => this.#watch(job.id, symbol, range)) : [];
    this.#byJob.set(job.id, entries);
    for (const entry of entries) this.#want(entry);
  }

  /** Something changed of what is known of a series. */
  changed(series: SeriesStore): void {
    for (const entry of this.#bySymbol.get(series.symbol) ?? [])
      if (entry.active || entry.print !== printOf(series, entry.window)) this.#want(entry);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled([...this.#serving]);
  }

  #watch(jobId: string, symbol: string, range: MinuteRange): Entry {
    const entry: Entry = {
      ...{ jobId, symbol, range, window: undefined, print: undefined },
      ...{ wanted: false, active: false, notBefore: 0 },
    };
    const others = this.#bySymbol.get(symbol) ?? new Set();
    others.add(entry);
    this.#bySymbol.set(symbol, others);
    return entry;
  }

  #forget(jobId: string): void {
    for (const entry of this.#byJob.get(jobId) ?? []) {
      const others = this.#bySymbol.get(entry.symbol);
      others?.delete(entry);
      if (others?.size === 0) this.#bySymbol.delete(entry.symbol);
      entry.wanted = false;
    }
    this.#byJob.delete(jobId);
  }

  #want(entry: Entry): void {
    entry.wanted = true;
    if (entry.active || this.#stopping.signal.aborted) return;
    entry.active = true;
    const serving = this.#serve(entry).finally(() => {
      entry.active = false;
      this.#serving.delete(serving);
    });
    this.#serving.add(serving);
  }

  /** Never rejects. */
  async #serve(entry: Entry): Promise<void> {
    const { timers, warn } = this.#deps;
    const { signal } = this.#stopping;
    while (entry.wanted && !signal.aborted) {
      await pause(timers, Math.max(0, entry.notBefore - timers.now()), signal);
      let waitMs = INTERVAL_MS;
      try {
        await this.#gate.run(async () => {
          // Whatever changes from here on may have been missed: it is looked at again.
          entry.wanted = false;
          if (!signal.aborted) await this.#rank(entry);
        });
        this.#troubled = false;
      } catch (thrown) {
        if (!signal.aborted && !this.#troubled)
          warn(`${entry.symbol}: its chunks keep their order for now: ${failureOf(thrown).message}`);
        this.#troubled = true;
        entry.print = undefined;
        entry.wanted = true;
        waitMs = RETRY_MS;
      }
      entry.notBefore = timers.now() + waitMs;
    }
  }

  async #rank(entry: Entry): Promise<void> {
    const { chunks, store, skeleton, windowOf } = this.#deps;
    const series = store.bySymbol(entry.symbol);
    if (series === undefined || entry.print === printOf(series, entry.window)) return;
    const next = await chunks.nextMinute(entry.jobId, series.seriesId);
    const window = next === undefined ? undefined : windowOf(next);
    if (window !== undefined && window.lo !== entry.window?.lo) {
      // It tells the store when it is done, and so this ranker.
      void skeleton.bring(series, window);
    }
    entry.window = window;
    const print = printOf(series, window);
    if (window !== undefined) await this.#rankWindow(entry, series, window);
    entry.print = print;
  }

  async #rankWindow(entry: Entry, series: SeriesStore, window: MinuteRange): Promise<void> {
    const { chunks, skeleton, loader, windowOf } = this.#deps;
    await loader.load(series, window);
    const open = await chunks.openChunks(entry.jobId, series.seriesId, window);
    const pending = open.filter(({ state }) => state !== "in_flight");
    const inFlight = open.filter(({ state }) => state === "in_flight");
    const best = await this.#inOrder(series, window, pending, inFlight);
    if (best !== undefined) await chunks.rerank(newRanks(pending, best));
    if (pending.length < NEXT_BELOW && window.lo > entry.range.lo)
      void skeleton.bring(series, windowOf(window.lo - 1));
  }

  /** The pending chunks, the best first; undefined while nothing is known that could tell. */
  async #inOrder<Chunk extends MinuteRange>(
    series: SeriesStore,
    window: MinuteRange,
    pending: readonly Chunk[],
    inFlight: readonly MinuteRange[],
  ): Promise<Chunk[] | undefined> {
    const { turns, method } = this.#deps;
    const certifier = series.certainty.certifier(window, 1);
    for (let step = 0; step < STEPS_MAX && series.absentDays(window).length === 0; step++) {
      // One or the other in a turn: both together would be too long a piece.
      const done = await turns.take(() => {
        if (!certifier.pending) return { order: bestOrder(certifier, pending, inFlight, method) };
        certifier.step();
        return undefined;
      });
      if (done !== undefined) return done.order;
      if (this.#stopping.signal.aborted) return undefined;
    }
    return undefined;
  }
}

/** What a ranking depends on, in short: minutes covered anywhere, and minutes of the session without a candle. */
function printOf(series: SeriesStore, window: MinuteRange | undefined): string {
  const without = window === undefined ? [] : series.withoutCandles(window);
  return `${series.covered.size} ${without.reduce((sum, range) => sum + rangeLength(range), 0)}`;
}
