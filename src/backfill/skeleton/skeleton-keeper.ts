import {
  backoffMs,
  type Clock,
  type Coverage,
  dayOfMinute,
  dayRange,
  failureOf,
  intersectRanges,
  type MinuteRange,
  OperationFailure,
  pause,
  type Turns,
} from "../../core/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";
import type { CandleSource } from "../../venues/mod.ts";
import type { SkeletonStore } from "../store/skeleton.ts";
import { type DueMinutes, dueMinutes } from "./due-minutes.ts";
import { FlightGate } from "./flight-gate.ts";
import { Grievances } from "./grievances.ts";
import { SkeletonReader } from "./skeleton-reader.ts";

/** Days that are fetched at the same time, of all series. */
const PARALLEL = 4;
/** Days that are under way or wait, of all series; whoever asks for more is told to come again. */
const FLIGHTS_MAX = 1_024;
/** How often a day is tried; each try is a few requests, which the venue's client repeats by itself. */
const ATTEMPTS_MAX = 4;
/** Longest time of one try, the wait for the venue's budget included. */
const ATTEMPT_TIMEOUT_MS = 60_000;
/** Minutes that were asked for in vain (the venue had not closed them yet) are not asked for again before. */
const AGAIN_MS = 2_000;
/** A series whose candles could not be had is left alone for so long. */
const REST_MS = 60_000;
/** The same, when asking again cannot help. */
const REST_PERMANENT_MS = 900_000;
/** Waits between tries. */
const BACKOFF = { baseMs: 500, maxMs: 15_000 };

/** What became of a call for candles. */
export type SkeletonOutcome =
  /** Every minute that was due is told, or the venue has not closed it yet. */
  | { readonly kind: "known" }
  /** The candles could not be had; the levels stay estimates. */
  | { readonly kind: "failed"; readonly reason: string }
  /** Too much is under way: ask again later. */
  | { readonly kind: "busy" };

export interface SkeletonKeeperDeps {
  readonly candles: SkeletonStore;
  /** Who has the candles of a venue; undefined: nobody. */
  readonly sourceOf: (venue: string) => CandleSource | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly turns: Turns;
  /** Candles came into a series. */
  readonly onCandles: (series: SeriesStore) => void;
  readonly log: {
    info(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
}

interface Flight {
  readonly done: Promise<SkeletonOutcome>;
}

/**
 * Brings the venue's 1-minute candles of closed minutes into memory: from the database, else from the venue and then into
 * the database, where candle jobs keep theirs. One flight for each series and UTC day at a time. It waits for nobody and
 * nobody has to wait for it: without candles levels are estimates, and the reason is logged once.
 */
export class SkeletonKeeper {
  readonly #deps: SkeletonKeeperDeps;
  readonly #reader: SkeletonReader;
  readonly #grievances: Grievances;
  readonly #gate = new FlightGate(PARALLEL);
  readonly #stopping = new AbortController();
  readonly #flights = new Map<string, Flight>();
  /** By day, the minutes that were asked for a moment ago; the longest ago first. */
  readonly #asked = new Map<string, { readonly at: number; readonly minutes: Coverage }>();

  constructor(deps: SkeletonKeeperDeps) {
    this.#deps = deps;
    this.#reader = new SkeletonReader(deps);
    this.#grievances = new Grievances(deps.clock, deps.log);
  }

  /** Whether levels of `range` lack candles that are to be had. */
  lacks(series: SeriesStore, range: MinuteRange): boolean {
    return this.#due(series, range).urgent.ranges.length > 0;
  }

  /** Brings what is due of `range` in, the newest day first. Never rejects. */
  async bring(series: SeriesStore, range: MinuteRange): Promise<SkeletonOutcome> {
    if (this.#due(series, range).all.ranges.length === 0) return { kind: "known" };
    const first = dayOfMinute(range.lo);
    const last = dayOfMinute(range.hi - 1);
    const days = Array.from({ length: last - first + 1 }, (_, i) => last - i);
    const outcomes = await Promise.all(days.map((day) => this.#bringDay(series, day, range)));
    return outcomes.find(({ kind }) => kind !== "known") ?? { kind: "known" };
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException("the process is shutting down", "AbortError"));
    await Promise.allSettled([...this.#flights.values()].map(({ done }) => done));
  }

  async #bringDay(series: SeriesStore, day: number, range: MinuteRange): Promise<SkeletonOutcome> {
    const part = intersectRanges(range, dayRange(day));
    if (part === undefined) return { kind: "known" };
    const key = `${series.seriesId}/${day}`;
    // Whoever flies now may have left before the minutes that are due here had ended.
    await this.#flights.get(key)?.done;
    const running = this.#flights.get(key);
    if (running !== undefined) return running.done;
    const due = this.#due(series, part).all;
    if (due.ranges.length === 0) return { kind: "known" };
    const reason = this.#grievances.resting(series);
    if (reason !== undefined) return { kind: "failed", reason };
    if (this.#askedJustNow(key, due)) return { kind: "known" };
    if (this.#stopping.signal.aborted || this.#flights.size >= FLIGHTS_MAX) return { kind: "busy" };
    const done = this.#fly(series, part).finally(() => {
      this.#flights.delete(key);
      this.#asked.delete(key);
      this.#asked.set(key, { at: this.#deps.clock.now(), minutes: due });
    });
    this.#flights.set(key, { done });
    return done;
  }

  /** Never rejects. */
  async #fly(series: SeriesStore, part: MinuteRange): Promise<SkeletonOutcome> {
    const { clock, random } = this.#deps;
    const { signal } = this.#stopping;
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#gate.run(() => this.#try(series, part));
      if (failure === undefined) {
        this.#grievances.settled(series);
        return { kind: "known" };
      }
      const final = failure.kind === "permanent" || attempt >= ATTEMPTS_MAX;
      if (signal.aborted || final) {
        if (!signal.aborted)
          this.#grievances.failed(
            series,
            failure,
            failure.kind === "permanent" ? REST_PERMANENT_MS : REST_MS,
          );
        return { kind: "failed", reason: failure.message };
      }
      await pause(clock, backoffMs(attempt, random, failure.retryAfterMs, BACKOFF), signal);
    }
  }

  async #try(series: SeriesStore, part: MinuteRange): Promise<OperationFailure | undefined> {
    const { clock } = this.#deps;
    const timeout = new AbortController();
    const cancel = clock.after(ATTEMPT_TIMEOUT_MS, () => timeout.abort());
    try {
      const signal = AbortSignal.any([this.#stopping.signal, timeout.signal]);
      signal.throwIfAborted();
      // Looked at again: it may have waited long, and others may have told meanwhile.
      await this.#reader.bring(series, this.#due(series, part).all, signal);
      return undefined;
    } catch (thrown) {
      return timeout.signal.aborted
        ? new OperationFailure("transient", `no answer within ${ATTEMPT_TIMEOUT_MS / 1_000} s`, {
            cause: thrown,
          })
        : failureOf(thrown);
    } finally {
      cancel();
    }
  }

  #due(series: SeriesStore, range: MinuteRange): DueMinutes {
    return dueMinutes(series, range, this.#deps.clock.nowMs());
  }

  #askedJustNow(key: string, minutes: Coverage): boolean {
    const now = this.#deps.clock.now();
    for (const [old, { at }] of this.#asked) {
      if (now - at < AGAIN_MS) break;
      this.#asked.delete(old);
    }
    const asked = this.#asked.get(key)?.minutes;
    return asked !== undefined && minutes.ranges.every((range) => asked.covers(range));
  }
}
