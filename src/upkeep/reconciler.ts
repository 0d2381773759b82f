import { Coverage, failureOf, type MinuteRange, pause, type Timers } from "../core/mod.ts";
import type { FoundMismatch, ProfileStore, SeriesStore } from "../store/mod.ts";
import { MismatchBook } from "./mismatch-book.ts";
import type { GapEvent } from "./store/gap-events.ts";
import { MISMATCHES_MAX, type MismatchStore } from "./store/mismatches.ts";

/** Series that changed are looked at this often. */
const LOOK_INTERVAL_MS = 1_000;
/** Minutes compared in one turn of the event loop: 0.2 ms, and 3 ms before the engine has compiled it. */
const COMPARE_MAX = 250;
/** Mismatches of one statement. */
const ROWS_MAX = 500;
/** Jobs of one series that fetch minutes again at the same time; the others wait. */
const JOBS_MAX = 4;
/** After a job has ended, its minutes are given so long to come in from another process. */
const SETTLE_MS = 1_000;
/** After the database or the planning of a job failed. */
const RETRY_MS = 5_000;

export interface ReconcilerDeps {
  readonly store: ProfileStore;
  readonly mismatches: MismatchStore;
  /** Makes the job that fetches minutes again; the same `key` makes one job however often it is asked for. */
  readonly refetch: (
    series: SeriesStore,
    range: MinuteRange,
    key: string,
  ) => Promise<{ readonly jobId: string }>;
  /** Whether a job has ended, or is gone. */
  readonly jobEnded: (jobId: string) => Promise<boolean>;
  readonly timers: Timers;
  readonly onEvents: (events: readonly GapEvent[]) => void;
  readonly warn: (message: string) => void;
}

interface Watched {
  readonly series: SeriesStore;
  /** Undefined until the database was asked. */
  book: MismatchBook | undefined;
  /** Jobs that have ended, and since when. */
  readonly ended: Map<string, number>;
  notBefore: number;
  troubled: boolean;
}

/**
 * Compares every covered minute with the venue's candle as soon as both are in memory. A minute that differs takes the
 * certainty of candles from its windows at once, and is fetched again once; when it differs still, it is reported, until a
 * later correction makes both agree. What was fetched again stands in the database, so a restart asks for nothing twice.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #watched = new Map<number, Watched>();
  /** Series to look at. */
  readonly #dirty = new Set<number>();
  #unsubscribe = () => {};
  #cancel = () => {};
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { store } = this.#deps;
    this.#unsubscribe = store.subscribe(({ series }) => this.#dirty.add(series.seriesId));
    for (const series of store.list()) this.#dirty.add(series.seriesId);
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancel();
    await this.#looking;
  }

  /** A job has ended. */
  jobEnded(jobId: string): void {
    for (const watched of this.#watched.values())
      if (watched.book?.jobs().has(jobId) === true) {
        watched.ended.set(jobId, this.#deps.timers.now());
        this.#dirty.add(watched.series.seriesId);
      }
  }

  /** Looks at every series that changed, one after the other. Never rejects: what failed is looked at again. */
  lookOnce(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  #schedule(): void {
    this.#cancel = this.#deps.timers.after(LOOK_INTERVAL_MS, () => {
      void this.lookOnce().then(() => {
        if (!this.#stopped) this.#schedule();
      });
    });
  }

  async #look(): Promise<void> {
    const { store, timers, warn } = this.#deps;
    for (const seriesId of [...this.#dirty]) {
      const series = store.byId(seriesId);
      if (this.#stopped || series === undefined) continue;
      const watched = this.#watch(series);
      if (timers.now() < watched.notBefore) continue;
      this.#dirty.delete(seriesId);
      try {
        await this.#reconcile(watched);
        watched.troubled = false;
      } catch (thrown) {
        // What was compared and not written is compared anew with the next look.
        watched.book = undefined;
        series.certainty.checks.again();
        watched.notBefore = timers.now() + RETRY_MS;
        this.#dirty.add(seriesId);
        if (!this.#stopped && !watched.troubled)
          warn(
            `${series.symbol}: comparing with the venue's candles failed, trying again: ${failureOf(thrown).message}`,
          );
        watched.troubled = true;
      }
    }
  }

  #watch(series: SeriesStore): Watched {
    const found = this.#watched.get(series.seriesId);
    if (found !== undefined) return found;
    const created = { series, book: undefined, ended: new Map(), notBefore: 0, troubled: false };
    this.#watched.set(series.seriesId, created);
    return created;
  }

  async #reconcile(watched: Watched): Promise<void> {
    const { series } = watched;
    const book = watched.book ?? (await this.#open(watched));
    const { checks } = series.certainty;
    for (let more = true; more && !this.#stopped; ) {
      const looked = checks.look(COMPARE_MAX);
      more = looked.more;
      await this.#agree(watched, book, looked.matching);
      await this.#differ(watched, book, looked.mismatching);
      if (more) await pause(this.#deps.timers, 0);
    }
    await this.#tellOutcomes(watched, book);
    await this.#refetch(watched, book);
  }

  /** Reads what is known of a series, what came of its jobs included. */
  async #open(watched: Watched): Promise<MismatchBook> {
    const { mismatches, jobEnded, timers } = this.#deps;
    const { series } = watched;
    const book = new MismatchBook();
    book.put(await mismatches.open(series.seriesId));
    for (const jobId of book.jobs()) if (await jobEnded(jobId)) watched.ended.set(jobId, timers.now());
    watched.book = book;
    if (book.size > 0) this.#doubt(series, book, Coverage.empty);
    return book;
  }

  async #agree({ series }: Watched, book: MismatchBook, matching: Coverage): Promise<void> {
    const minutes = book.size === 0 ? [] : book.takeAgreeing(matching);
    if (minutes.length === 0) return;
    for (const some of slices(minutes))
      this.#deps.onEvents(await this.#deps.mismatches.resolved(series, some));
    this.#doubt(series, book, minutesOf(minutes));
  }

  async #differ({ series }: Watched, book: MismatchBook, found: readonly FoundMismatch[]): Promise<void> {
    const news = book.news(found).slice(0, Math.max(0, MISMATCHES_MAX - book.size));
    if (news.length === 0) return;
    for (const some of slices(news)) {
      const { known, events } = await this.#deps.mismatches.found(series, some);
      book.put(known);
      this.#deps.onEvents(events);
    }
    this.#doubt(series, book, minutesOf(news.map(({ minute }) => minute)));
  }

  /** Reports the minutes whose job has ended and that differ still. */
  async #tellOutcomes(watched: Watched, book: MismatchBook): Promise<void> {
    const { mismatches, timers, onEvents } = this.#deps;
    const { series, ended } = watched;
    const now = timers.now();
    const reported: number[] = [];
    for (const [jobId, at] of ended) {
      const minutes = book.minutesOf(jobId);
      const differing = minutes.filter((minute) => series.certainty.checks.mismatchAt(minute) !== undefined);
      if (now - at < SETTLE_MS) this.#dirty.add(series.seriesId);
      else reported.push(...differing);
      // Minutes that are not in memory now are judged when they are.
      if (minutes.length === 0) ended.delete(jobId);
    }
    if (reported.length === 0) return;
    for (const some of slices(reported)) {
      onEvents(await mismatches.reported(series, some));
      book.reported(some, now);
    }
    this.#doubt(series, book, minutesOf(reported));
  }

  /** Has the minutes fetched again that nobody has asked for yet. */
  async #refetch({ series, ended }: Watched, book: MismatchBook): Promise<void> {
    const { mismatches, refetch } = this.#deps;
    let running = [...book.jobs()].filter((jobId) => !ended.has(jobId)).length;
    for (const { range, minutes } of book.unasked()) {
      if (this.#stopped || running >= JOBS_MAX) return;
      // The same minutes are the same job, whichever process asks and how often.
      const { jobId } = await refetch(series, range, `reconcile ${series.symbol} ${minutes.join(",")}`);
      await mismatches.queued(series.seriesId, minutes, jobId);
      book.queued(minutes, jobId);
      running += 1;
      if (await this.#deps.jobEnded(jobId)) this.jobEnded(jobId);
    }
  }

  /** Says of which minutes the candles are not to be believed; `former`: minutes whose doubts may have changed. */
  #doubt(series: SeriesStore, book: MismatchBook, former: Coverage): void {
    if (former.ranges.length > 0) series.trust(former);
    for (const [reason, minutes] of book.doubts()) series.distrust(minutes, reason);
    this.#deps.store.announce(series);
  }
}

function minutesOf(minutes: readonly number[]): Coverage {
  return Coverage.of(minutes.map((minute) => ({ lo: minute, hi: minute + 1 })));
}

function* slices<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += ROWS_MAX) yield items.slice(at, at + ROWS_MAX);
}
