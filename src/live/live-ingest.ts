import {
  type Clock,
  Coverage,
  failureOf,
  type MinuteContributions,
  type MinuteRange,
  msOfMinute,
  type TradeBatch,
  type TradeKind,
} from "../core/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import type { FeedListener, TradeFeed, Venue } from "../venues/mod.ts";
import { LiveSeries } from "./live-series.ts";
import type { SealedMinutes, Seam, SeamCounters } from "./seam.ts";

/** The seam is told the time this often. */
const TICK_MS = 250;
/** Open minutes are folded into the store at most this often. */
const FOLD_INTERVAL_MS = 40;
/** Sealed minutes are written in segments of this length, aligned; a crash loses at most these, and they are fetched again. */
export const FLUSH_MINUTES = 5;
/** So long after its end a window waits for minutes of it that are not sealed yet, so that it becomes one segment. */
const FLUSH_PATIENCE_MS = 15_000;
/** A segment that could not be written is tried again after this long. */
const FLUSH_RETRY_MS = 5_000;
/** Longest wait for the venue's newest trade. */
const NEWEST_TIMEOUT_MS = 5_000;
/** After an answer, a quiet series is not asked again for this long. */
const NEWEST_INTERVAL_MS = 2_000;

/** A live segment as it is handed to the tape and the database. */
export interface LiveSegment extends SealedMinutes {
  readonly series: SeriesStore;
  readonly contributions: MinuteContributions;
}

export interface LiveIngestDeps {
  readonly venue: Venue;
  readonly store: ProfileStore;
  readonly clock: Clock;
  readonly kind: TradeKind;
  /**
   * Writes a segment to the tape and commits it. `conflict`: somebody else owns some of its minutes, which no sound system
   * lets happen; nothing was written, and the store has been brought back to what the database says.
   */
  readonly commit: (segment: LiveSegment) => Promise<"committed" | "conflict">;
  /** A sealed minute was not whole: fetch it again. */
  readonly refetch: (series: SeriesStore, minute: number) => void;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
}

export interface LiveStatus extends SeamCounters {
  readonly connected: boolean;
  /** From this minute on, trades arrive without a break. */
  readonly receivingFrom: number | undefined;
}

interface Entry {
  readonly live: LiveSeries;
  asking: boolean;
  askedAt: number;
  flushing: Promise<boolean> | undefined;
  flushNotBefore: number;
}

/** Takes the live stream of some series in: through the seam into the store, and in segments onto the tape. */
export class LiveIngest {
  readonly #deps: LiveIngestDeps;
  readonly #bySymbol = new Map<string, Entry>();
  readonly #bySeries = new Map<number, Entry>();
  readonly #stopping = new AbortController();
  #feed: TradeFeed | undefined;
  #cancelTick = () => {};
  #cancelFold = () => {};
  #foldDue = false;

  constructor(deps: LiveIngestDeps) {
    this.#deps = deps;
  }

  /** Opens the stream. Today's committed minutes of every series must be in memory. */
  start(series: readonly SeriesStore[]): void {
    for (const store of series) this.#add(store);
    const listener: FeedListener = {
      up: (symbol) => this.#withSeam(symbol, (seam) => seam.up(this.#deps.clock.nowMs())),
      down: (symbol, reason) => this.#withSeam(symbol, (seam) => seam.down(reason)),
      trades: (symbol, batch) => this.#receive(symbol, batch),
      dropped: (symbol, id) => this.#withSeam(symbol, (seam) => seam.dropped(id, this.#deps.clock.nowMs())),
    };
    const { venue, kind } = this.#deps;
    this.#feed = venue.openFeed({ instruments: series.map(({ instrument }) => instrument), kind, listener });
    this.#tick();
  }

  get feed(): TradeFeed | undefined {
    return this.#feed;
  }

  get series(): readonly SeriesStore[] {
    return [...this.#bySeries.values()].map(({ live }) => live.store);
  }

  /** How the stream of a series fares; undefined for one that is not followed. */
  statusOf(seriesId: number): LiveStatus | undefined {
    const seam = this.#bySeries.get(seriesId)?.live.seam;
    return seam && { connected: seam.connected, receivingFrom: seam.sealableFrom, ...seam.counters };
  }

  /** See {@link LiveSeries.heldMinutes}; nothing for a series that is not followed. */
  heldMinutes(seriesId: number, range: MinuteRange): Coverage {
    return this.#bySeries.get(seriesId)?.live.heldMinutes(range) ?? Coverage.empty;
  }

  /**
   * Brings the open minutes of a series up to its last trade before the fold interval is over: for whoever reads it now and not again
   * for a while. Nothing for a series that is not followed.
   */
  catchUp(seriesId: number): void {
    const live = this.#bySeries.get(seriesId)?.live;
    if (live?.foldOpen()) this.#deps.store.announce(live.store);
  }

  /** Writes every sealed minute of a series now. */
  async flush(seriesId: number): Promise<void> {
    const entry = this.#bySeries.get(seriesId);
    if (entry !== undefined) await this.#flushAll(entry);
  }

  /** Ends the stream and writes what is sealed. What cannot be written is fetched again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelTick();
    this.#cancelFold();
    await this.#feed?.close();
    for (const entry of this.#bySeries.values()) {
      entry.live.store.receivingFrom = undefined;
      await this.#flushAll(entry);
    }
  }

  #withSeam(symbol: string, tell: (seam: Seam) => void): void {
    const entry = this.#bySymbol.get(symbol);
    if (entry === undefined) return;
    tell(entry.live.seam);
    this.#followSeam(entry);
  }

  #followSeam({ live }: Entry): void {
    if (live.followSeam()) this.#deps.store.announce(live.store);
  }

  #add(store: SeriesStore): void {
    const { log, store: profiles, refetch, kind } = this.#deps;
    const live = new LiveSeries(store, kind, {
      changed: () => profiles.announce(store),
      late: (minute) => refetch(store, minute),
      broke: (reason) =>
        log.warn({ symbol: store.symbol, reason }, "live continuity ended; the gap is backfilled"),
      sealed: () => this.#flushDue(entry),
      overflow: (range) =>
        log.warn({ symbol: store.symbol, ...range }, "sealed minutes given up: they could not be written"),
    });
    const entry: Entry = { live, asking: false, askedAt: 0, flushing: undefined, flushNotBefore: 0 };
    this.#bySymbol.set(store.instrument.symbol, entry);
    this.#bySeries.set(store.seriesId, entry);
  }

  #receive(symbol: string, batch: TradeBatch): void {
    const entry = this.#bySymbol.get(symbol);
    if (entry === undefined) return;
    entry.live.trades(batch, this.#deps.clock.nowMs());
    this.#followSeam(entry);
    if (this.#foldDue) return;
    this.#foldDue = true;
    this.#cancelFold = this.#deps.clock.after(FOLD_INTERVAL_MS, () => {
      this.#foldDue = false;
      for (const seriesId of this.#bySeries.keys()) this.catchUp(seriesId);
    });
  }

  #tick(): void {
    const nowMs = this.#deps.clock.nowMs();
    for (const entry of this.#bySeries.values()) {
      entry.live.seam.tick(nowMs);
      this.#followSeam(entry);
      if (entry.live.seam.wantsNewest(nowMs)) void this.#askNewest(entry);
      this.#flushDue(entry);
    }
    if (!this.#stopping.signal.aborted)
      this.#cancelTick = this.#deps.clock.after(TICK_MS, () => this.#tick());
  }

  async #askNewest(entry: Entry): Promise<void> {
    const { clock, venue, log } = this.#deps;
    if (entry.asking || clock.now() - entry.askedAt < NEWEST_INTERVAL_MS) return;
    entry.asking = true;
    const askedAtMs = clock.nowMs();
    const timeout = new AbortController();
    const cancel = clock.after(NEWEST_TIMEOUT_MS, () => timeout.abort());
    try {
      const signal = AbortSignal.any([this.#stopping.signal, timeout.signal]);
      const newest = await venue.newestTrade(entry.live.instrument, { signal });
      if (!this.#stopping.signal.aborted) entry.live.seam.newest(newest, askedAtMs);
    } catch (thrown) {
      if (!this.#stopping.signal.aborted)
        log.warn(
          { symbol: entry.live.store.symbol, reason: failureOf(thrown).message },
          "newest trade not to be had",
        );
    } finally {
      cancel();
      entry.askedAt = clock.now();
      entry.asking = false;
    }
  }

  /** Starts a flush when a flush window is sealed to its end, or will not be. */
  #flushDue(entry: Entry): void {
    const first = entry.live.queue.minutes.ranges[0];
    if (first === undefined || entry.flushing !== undefined || this.#stopping.signal.aborted) return;
    if (this.#deps.clock.now() < entry.flushNotBefore) return;
    const windowEnd = (Math.floor(first.lo / FLUSH_MINUTES) + 1) * FLUSH_MINUTES;
    if (first.hi < windowEnd && this.#deps.clock.nowMs() < msOfMinute(windowEnd) + FLUSH_PATIENCE_MS) return;
    void this.#flushNext(entry);
  }

  async #flushAll(entry: Entry): Promise<void> {
    await entry.flushing;
    while (entry.flushing !== undefined || entry.live.queue.minutes.size > 0)
      if (!(await this.#flushNext(entry))) return;
  }

  /** One run of a series is written at a time: joins the one under way, or begins the next. */
  #flushNext(entry: Entry): Promise<boolean> {
    entry.flushing ??= this.#flushRun(entry).finally(() => {
      entry.flushing = undefined;
    });
    return entry.flushing;
  }

  /** Writes the oldest run of sealed minutes; false when it could not. */
  async #flushRun(entry: Entry): Promise<boolean> {
    const { live } = entry;
    const run = live.takeRun(FLUSH_MINUTES);
    if (run === undefined) return false;
    try {
      const outcome = await this.#deps.commit({ ...run, series: live.store });
      if (outcome === "conflict") {
        live.abandoned();
        return true;
      }
    } catch (thrown) {
      const reason = failureOf(thrown).message;
      this.#deps.log.warn(
        { symbol: live.store.symbol, ...run.range, reason },
        "live segment could not be written",
      );
      live.notWritten(run);
      entry.flushNotBefore = this.#deps.clock.now() + FLUSH_RETRY_MS;
      return false;
    }
    live.written(run);
    this.#deps.store.announce(live.store);
    return true;
  }
}
