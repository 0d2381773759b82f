import { digestOfListing, type JobStore, type SegmentReader } from "../backfill/mod.ts";
import {
  type Clock,
  Coverage,
  failureOf,
  foldWindow,
  type GridOf,
  minuteOfMs,
  type Session,
  type SessionCalendar,
  sameScales,
  type Turns,
} from "../core/mod.ts";
import type { SeriesStore, WindowWatch } from "../store/mod.ts";
import type { ProfileCache } from "../tape/mod.ts";
import type { EngineLog } from "./engine-log.ts";

/** The finished sessions of the followed series are looked at this often, and whenever a session or a job ends. */
const LOOK_INTERVAL_MS = 60_000;
/** How often old profiles make room. */
const SWEEP_INTERVAL_MS = 3_600_000;
/** Sessions that wait to be written; more are asked for again by whoever reads them next. */
const WANTED_MAX = 64;

export interface ProfileKeeperDeps {
  readonly profiles: Pick<ProfileCache, "read" | "save" | "sweep">;
  readonly jobs: Pick<JobStore, "segments">;
  readonly reader: Pick<SegmentReader, "read">;
  readonly calendar: Pick<SessionCalendar, "ended">;
  readonly clock: Clock;
  readonly turns: Pick<Turns, "take">;
  /** The series that are followed live. */
  readonly followed: () => readonly SeriesStore[];
  readonly log: Pick<EngineLog, "info" | "warn">;
}

interface Wanted {
  readonly series: SeriesStore;
  readonly session: Session;
}

/**
 * Writes the profile of a finished session once its minutes are all committed: at the roll of the day, when its backfill completes, and
 * when somebody had to read its trade files. It is folded from the files that the database lists, and only if it lists the same ones
 * afterwards, so that a profile is always of exactly the trades that its digest names.
 */
export class ProfileKeeper {
  readonly #deps: ProfileKeeperDeps;
  readonly #wanted = new Map<string, Wanted>();
  /** The last finished session of a series, written or found to be; the watch tells of corrections. */
  readonly #kept = new Map<SeriesStore, { readonly session: string; readonly watch: WindowWatch }>();
  #cancel = () => {};
  #looking: Promise<void> | undefined;
  #nudged = false;
  #stopped = false;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(deps: ProfileKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#schedule();
  }

  /** Something ended: look now. */
  nudge(): void {
    this.#nudged = true;
    if (this.#looking !== undefined || this.#stopped) return;
    this.#cancel();
    this.#nudged = false;
    this.#looking = this.lookOnce().finally(() => {
      this.#looking = undefined;
      if (this.#nudged) this.nudge();
      else this.#schedule();
    });
  }

  /** Somebody had to read the trades of a finished session. */
  want(series: SeriesStore, session: Session): void {
    if (this.#wanted.size >= WANTED_MAX) return;
    this.#wanted.set(`${series.seriesId}/${session.name}`, { series, session });
    this.nudge();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#looking;
  }

  /** Never rejects: what was not written is tried again. */
  async lookOnce(): Promise<void> {
    const { followed, calendar, clock, log } = this.#deps;
    for (const [key, { series, session }] of [...this.#wanted]) {
      this.#wanted.delete(key);
      await this.#try(series, session);
    }
    const [session] = calendar.ended(minuteOfMs(clock.nowMs()), 1);
    if (session !== undefined)
      for (const series of followed()) {
        const kept = this.#kept.get(series);
        if (kept?.session === session.name && !kept.watch.changed) continue;
        if (kept !== undefined) series.finished.unwatch(kept.watch);
        this.#kept.delete(series);
        const watch = series.finished.watch(session.range);
        if (await this.#try(series, session)) this.#kept.set(series, { session: session.name, watch });
        else series.finished.unwatch(watch);
      }
    if (clock.now() - this.#sweptAt < SWEEP_INTERVAL_MS || this.#stopped) return;
    this.#sweptAt = clock.now();
    try {
      const { files, bytes } = await this.#deps.profiles.sweep();
      if (files > 0) log.info({ files, bytes }, "old profiles removed");
    } catch (thrown) {
      log.warn({}, `the profile cache could not be swept: ${failureOf(thrown).message}`);
    }
  }

  #schedule(): void {
    if (!this.#stopped) this.#cancel = this.#deps.clock.after(LOOK_INTERVAL_MS, () => this.nudge());
  }

  async #try(series: SeriesStore, session: Session): Promise<boolean> {
    if (this.#stopped || !series.committedWithin(session.range).covers(session.range)) return false;
    try {
      return await this.#keep(series, session);
    } catch (thrown) {
      const { symbol } = series;
      this.#deps.log.warn(
        { symbol, session: session.name },
        `its profile could not be written: ${failureOf(thrown).message}`,
      );
      return false;
    }
  }

  /** True when the profile on the disk is of what the tape lists. */
  async #keep(series: SeriesStore, { name, range }: Session): Promise<boolean> {
    const { profiles, reader, clock, turns, log } = this.#deps;
    const began = clock.now();
    const key = { series: series.instrument, session: name };
    const listed = await this.#listed(series, range);
    if (!listed.covered.covers(range)) return false;
    const { grid } = series;
    const found = await profiles.read(key, { range, digest: listed.digest, ...grid });
    if (found.kind === "found") return true;
    const contributions = await reader.read(series, Coverage.of([range]));
    const again = await this.#listed(series, range);
    if (again.digest !== listed.digest || !sameGrid(grid, contributions)) return false;
    const fold = await turns.take(() => foldWindow(contributions.minutes));
    const { scales, binUnits } = contributions;
    const { digest, covered } = listed;
    const bytes = await profiles.save(key, {
      range,
      digest,
      scales,
      binUnits,
      fold,
      coverage: covered.ranges,
    });
    log.info(
      { symbol: series.symbol, session: name, bytes, ms: Math.round(clock.now() - began) },
      `profile of session ${name} saved`,
    );
    return true;
  }

  async #listed(series: SeriesStore, range: Session["range"]) {
    const listing = await this.#deps.jobs.segments(series.seriesId, range);
    return {
      digest: digestOfListing(listing),
      covered: Coverage.of(listing.flatMap(({ covered }) => covered)),
    };
  }
}

function sameGrid(a: GridOf, b: GridOf): boolean {
  return a.binUnits === b.binUnits && sameScales(a.scales, b.scales);
}
