import { type Clock, Coverage, failureOf, type MinuteRange, minuteOfMs } from "../core/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import type { JobStore } from "./job-store.ts";
import type { LiveClaims } from "./request.ts";
import type { BackfillService } from "./service.ts";

/** How often the followed series are looked through for gaps. */
const REPAIR_INTERVAL_MS = 1_000;
/** A minute is asked for this long after its end, when the venue lists all of its trades. Promised ones are not looked at. */
const SETTLE_MS = 1_000;
/** Repairs go first: they stand between a subscriber and today's numbers. */
const REPAIR_PRIORITY = 10;
/** Minutes that wait to be fetched again, at most; more of them means that nothing of the stream can be believed. */
const DISTRUSTED_MAX = 1_000;
/** A gap that is found again is asked for again after this long, then twice as long, up to an hour. */
const AGAIN_BASE_MS = 30_000;
const AGAIN_MAX_MS = 3_600_000;

interface Asked {
  readonly seriesId: number;
  readonly range: MinuteRange;
  readonly times: number;
  readonly notBefore: number;
}

export interface RepairDeps {
  readonly jobs: Pick<JobStore, "openRanges" | "calledOffRanges">;
  readonly service: Pick<BackfillService, "submit">;
  readonly live: LiveClaims;
  readonly clock: Clock;
  /** The series that are followed live. */
  readonly followed: () => readonly SeriesStore[];
  /** The minutes before `until` that are looked at. */
  readonly wanted: (until: number) => readonly MinuteRange[];
  /** Minutes were left uncovered: not brought by anybody, or not whole when they were (`late`). Told whenever they are asked for. */
  readonly onGap?: (series: SeriesStore, range: MinuteRange, reason: "not_received" | "late") => void;
  readonly warn: (message: string) => void;
}

/** Finds minutes that nobody covers, is about to or has called off, and asks for them. */
export class GapRepair {
  readonly #deps: RepairDeps;
  readonly #stopping = new AbortController();
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();
  /** Gaps asked for and still there. */
  #asked = new Map<string, Asked>();
  /** Covered minutes that are not whole and could not be asked for yet. */
  readonly #distrusted = new Map<string, { readonly series: SeriesStore; readonly minute: number }>();

  constructor(deps: RepairDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(REPAIR_INTERVAL_MS, () => {
      this.#running = this.lookOnce().then(() => {
        if (!this.#stopping.signal.aborted) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    await this.#running;
  }

  /** Looks through every followed series once. Never rejects: what failed is found again next time. */
  async lookOnce(): Promise<void> {
    for (const { series, minute } of [...this.#distrusted.values()]) await this.refetch(series, minute);
    const stillThere = new Map<string, Asked>();
    for (const series of this.#deps.followed()) {
      if (this.#stopping.signal.aborted) return;
      try {
        const { missing, unplanned } = await this.#gapsOf(series);
        // What is being fetched is remembered too: should that fail, it is not asked for again at once.
        for (const [key, asked] of this.#asked)
          if (asked.seriesId === series.seriesId && missing.within(asked.range).ranges.length > 0)
            stillThere.set(key, asked);
        for (const range of unplanned) {
          const key = `${series.seriesId}/${range.lo}-${range.hi}`;
          const asked = stillThere.get(key) ?? { times: 0, notBefore: 0 };
          const now = this.#deps.clock.now();
          if (now < asked.notBefore) continue;
          stillThere.set(key, {
            seriesId: series.seriesId,
            range,
            times: asked.times + 1,
            notBefore: now + Math.min(AGAIN_MAX_MS, AGAIN_BASE_MS * 2 ** asked.times),
          });
          this.#deps.onGap?.(series, range, "not_received");
          // A gap that a job did not close is fetched anew, whatever the database says of its minutes.
          await this.#repair(series, range, asked.times > 0);
        }
      } catch (thrown) {
        if (!this.#stopping.signal.aborted)
          this.#deps.warn(`${series.symbol}: looking for gaps failed: ${failureOf(thrown).message}`);
        for (const [key, asked] of this.#asked)
          if (key.startsWith(`${series.seriesId}/`) && !stillThere.has(key)) stillThere.set(key, asked);
      }
    }
    this.#asked = stillThere;
  }

  /** A covered minute turned out not to be whole: fetch it again, now or when the next look finds that it can be asked for. */
  async refetch(series: SeriesStore, minute: number): Promise<void> {
    const key = `${series.seriesId}/${minute}`;
    this.#deps.onGap?.(series, { lo: minute, hi: minute + 1 }, "late");
    try {
      await this.#repair(series, { lo: minute, hi: minute + 1 }, true);
      this.#distrusted.delete(key);
    } catch (thrown) {
      if (this.#distrusted.size < DISTRUSTED_MAX) this.#distrusted.set(key, { series, minute });
      this.#deps.warn(
        `${series.symbol}: minute ${minute} could not be fetched again: ${failureOf(thrown).message}`,
      );
    }
  }

  /** What is missing, and what of it nobody has planned to fetch. */
  async #gapsOf(
    series: SeriesStore,
  ): Promise<{ readonly missing: Coverage; readonly unplanned: readonly MinuteRange[] }> {
    const { jobs, clock } = this.#deps;
    const wanted = Coverage.of(this.#deps.wanted(minuteOfMs(clock.nowMs() - SETTLE_MS)));
    const gaps = this.#missing(series, wanted).ranges;
    const lo = gaps[0]?.lo ?? 0;
    const range: MinuteRange = { lo, hi: gaps.at(-1)?.hi ?? lo };
    if (gaps.length === 0) return { missing: Coverage.empty, unplanned: [] };
    // What somebody called off is missing on purpose, until it is retried or asked for anew.
    const planned = Coverage.of([
      ...(await jobs.openRanges(series.seriesId, range)),
      ...(await jobs.calledOffRanges(series.seriesId, range)),
    ]);
    // Looked at again: a chunk that ended meanwhile is neither planned nor missing any more.
    const missing = this.#missing(series, wanted.within(range));
    return { missing, unplanned: missing.ranges.flatMap((gap) => planned.missing(gap)) };
  }

  #missing(series: SeriesStore, wanted: Coverage): Coverage {
    const gaps = wanted.ranges.flatMap((range) => {
      const held = this.#deps.live.heldMinutes(series.seriesId, range).ranges;
      return Coverage.of([...series.covered.within(range).ranges, ...held]).missing(range);
    });
    return Coverage.of(gaps);
  }

  async #repair(series: SeriesStore, range: MinuteRange, force: boolean): Promise<void> {
    const { venue, symbol } = series.instrument;
    await this.#deps.service.submit(
      {
        symbols: [{ venue, symbol }],
        range,
        order: "recent",
        priority: REPAIR_PRIORITY,
        force,
        reason: "repair",
      },
      this.#stopping.signal,
    );
  }
}
