import type { GapReason } from "../../db/mod.ts";
import { failureOf, type MinuteRange, type Timers } from "../core/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import type { GapEvent } from "./store/gap-events.ts";
import { GAPS_MAX, type GapStore, type KnownGap } from "./store/gaps.ts";

/** How often it is looked whether gaps have been filled. */
const LOOK_INTERVAL_MS = 1_000;
/** The database is asked again for open gaps: another process may have found some and gone. */
const REREAD_MS = 60_000;
/** Findings that wait to be written; more of them are found again later. */
const FOUND_MAX = 1_000;
/** After the database failed. */
const RETRY_MS = 5_000;

export interface GapWatchDeps {
  readonly gaps: GapStore;
  /** The series that are followed live. */
  readonly followed: () => readonly SeriesStore[];
  readonly timers: Timers;
  readonly onEvents: (events: readonly GapEvent[]) => void;
  readonly warn: (message: string) => void;
}

interface Found {
  readonly series: SeriesStore;
  readonly range: MinuteRange;
  readonly reason: "not_received" | "late";
}

/**
 * Remembers which minutes of the followed series were left uncovered, and tells when they are found and when they are filled.
 * Whoever repairs gaps says where they are; what a running backfill has not reached yet is none.
 */
export class GapWatch {
  readonly #deps: GapWatchDeps;
  readonly #found: Found[] = [];
  /** Open gaps by series, and when the database was asked for them. */
  readonly #open = new Map<number, { readonly gaps: Map<number, KnownGap>; readonly readAt: number }>();
  #cancel = () => {};
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;
  #notBefore = 0;
  #troubled = false;

  constructor(deps: GapWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#cancel = this.#deps.timers.after(LOOK_INTERVAL_MS, () => {
      void this.lookOnce().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#looking;
  }

  /** Closed minutes are uncovered, and nobody is about to bring them. Told again while they stay so: it makes no difference. */
  found(series: SeriesStore, range: MinuteRange, reason: "not_received" | "late"): void {
    if (this.#found.length < FOUND_MAX) this.#found.push({ series, range, reason });
  }

  /** Writes what was found, then what was filled. Never rejects: what failed is tried again. */
  lookOnce(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { timers, followed, warn } = this.#deps;
    if (timers.now() < this.#notBefore) return;
    try {
      for (let next = this.#found[0]; next !== undefined && !this.#stopped; next = this.#found[0]) {
        await this.#write(next);
        this.#found.shift();
      }
      for (const series of followed()) if (!this.#stopped) await this.#fill(series);
      this.#troubled = false;
    } catch (thrown) {
      this.#notBefore = timers.now() + RETRY_MS;
      if (!this.#stopped && !this.#troubled)
        warn(`gaps could not be written down, trying again: ${failureOf(thrown).message}`);
      this.#troubled = true;
    }
  }

  async #write({ series, range, reason }: Found): Promise<void> {
    const { gaps, onEvents } = this.#deps;
    const open = await this.#openOf(series);
    const failed = await gaps.failedRanges(series.seriesId, range);
    const parts: readonly (readonly [MinuteRange, GapReason])[] = [
      ...failed.ranges.map((part) => [part, "failed"] as const),
      ...failed.missing(range).map((part) => [part, reason] as const),
    ];
    for (const [part, why] of parts) {
      if (open.size >= GAPS_MAX) return;
      const found = await gaps.found(series, part, why);
      for (const gap of found.gaps) open.set(gap.id, gap);
      onEvents(found.events);
    }
  }

  async #fill(series: SeriesStore): Promise<void> {
    const { gaps, onEvents } = this.#deps;
    const open = await this.#openOf(series);
    if (open.size === 0) return;
    const { covered } = series;
    const ids = [...open.values()].filter(({ range }) => covered.covers(range)).map(({ id }) => id);
    if (ids.length === 0) return;
    onEvents(await gaps.filled(series, ids));
    for (const id of ids) open.delete(id);
  }

  async #openOf({ seriesId }: SeriesStore): Promise<Map<number, KnownGap>> {
    const now = this.#deps.timers.now();
    const known = this.#open.get(seriesId);
    if (known !== undefined && now - known.readAt < REREAD_MS) return known.gaps;
    const read = await this.#deps.gaps.open(seriesId);
    const gaps = new Map(read.map((gap) => [gap.id, gap]));
    this.#open.set(seriesId, { gaps, readAt: now });
    return gaps;
  }
}
