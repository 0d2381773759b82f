import { digestOfListing, type JobStore } from "../backfill/mod.ts";
import { Coverage, type MinuteRange, rangeLength, type Session, type SessionCalendar } from "../core/mod.ts";
import { type DayLoader, daysRead, type SeriesStore } from "../store/mod.ts";
import type { ProfileCache } from "../tape/mod.ts";
import type { EngineLog } from "./engine-log.ts";

export interface SessionLoaderDeps {
  readonly loader: Pick<DayLoader, "load">;
  readonly jobs: Pick<JobStore, "segments">;
  /** Undefined: profiles are not kept. */
  readonly profiles: Pick<ProfileCache, "read"> | undefined;
  readonly calendar: Pick<SessionCalendar, "latest">;
  /** The trade files of a finished session had to be read. */
  readonly tradesRead?: (series: SeriesStore, session: Session) => void;
  /** Milliseconds that only grow, to tell how long a step took. */
  readonly now: () => number;
  readonly log: Pick<EngineLog, "info" | "warn">;
}

/** Where a step looked, in this order. */
type Source = "committed tape" | "profile cache" | "trade files";

/**
 * Brings what a session's levels read into memory. The previous session is asked of the committed tape first (which of its minutes
 * are there at all), then of the profile cache, and its trade files are read last.
 */
export class SessionLoader {
  readonly #deps: SessionLoaderDeps;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(deps: SessionLoaderDeps) {
    this.#deps = deps;
  }

  /** Afterwards, until the next await, the session and the one before it can be folded. */
  async load(series: SeriesStore, session: Session): Promise<void> {
    const days = daysRead(session);
    // Pinned, the days of one cannot make room for those of the other.
    for (const day of days) series.pin(day);
    try {
      for (;;) {
        if (series.absentDays(session.range).length > 0) await this.#deps.loader.load(series, session.range);
        else if (!series.canFold(session.previous)) await this.#loadPrevious(series, session.previous);
        else return;
      }
    } finally {
      for (const day of days) series.release(day);
    }
  }

  /** Readers of the same session share one load. */
  #loadPrevious(series: SeriesStore, range: MinuteRange): Promise<void> {
    const key = `${series.seriesId}/${range.lo}-${range.hi}`;
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    const load = this.#inOrder(series, range).finally(() => this.#loading.delete(key));
    this.#loading.set(key, load);
    return load;
  }

  async #inOrder(series: SeriesStore, range: MinuteRange): Promise<void> {
    const { jobs, profiles, calendar, loader, now } = this.#deps;
    const previous = calendar.latest(range.lo);
    const session = previous.name;
    const found = (source: Source, minutes: number, began: number, text: string) =>
      this.#deps.log.info(
        { symbol: series.symbol, session, source, minutes, ms: Math.round((now() - began) * 10) / 10 },
        `previous session ${session}: ${source}: ${text}`,
      );
    const watch = series.finished.watch(range);
    try {
      const began = now();
      const listing = await jobs.segments(series.seriesId, range);
      const committed = Coverage.of(listing.flatMap(({ covered }) => covered));
      found(
        "committed tape",
        committed.size,
        began,
        `${committed.size} of ${rangeLength(range)} minutes, in ${listing.length} segments`,
      );
      // Of a session that is not whole the candles and every further commit need the minutes themselves.
      if (profiles !== undefined && committed.covers(range)) {
        const asked = now();
        const digest = digestOfListing(listing);
        const read = await this.#profile(series, session, { range, digest, ...series.grid });
        if (read.kind === "found" && !watch.changed) {
          series.finished.put(range, read.profile.fold);
          found("profile cache", committed.size, asked, "the profile is of these trades");
          return;
        }
        const why = read.kind === "found" ? "the trades changed meanwhile" : reasonOf(read);
        found("profile cache", 0, asked, why);
      }
    } finally {
      series.finished.unwatch(watch);
    }
    const began = now();
    await loader.load(series, range);
    const { size } = series.committedWithin(range);
    found("trade files", size, began, `${size} minutes read`);
    if (size === rangeLength(range)) this.#deps.tradesRead?.(series, previous);
  }

  async #profile(series: SeriesStore, session: string, origin: Parameters<ProfileCache["read"]>[1]) {
    const { profiles } = this.#deps;
    try {
      return (
        (await profiles?.read({ series: series.instrument, session }, origin)) ??
        ({ kind: "missing" } as const)
      );
    } catch (thrown) {
      // Of a cache that cannot be read the trade files know everything.
      return { kind: "damaged", reason: thrown instanceof Error ? thrown.message : String(thrown) } as const;
    }
  }
}

function reasonOf(
  read: { readonly kind: "missing" } | { readonly kind: "stale" | "damaged"; readonly reason: string },
): string {
  if (read.kind === "missing") return "no profile";
  return read.kind === "stale"
    ? `the profile is not used: ${read.reason}`
    : `no usable profile: ${read.reason}`;
}
