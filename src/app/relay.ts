import type { ChangedSegment, ChangeFeed, Changes, SeriesCatalog, Settled } from "../backfill/mod.ts";
import { Coverage, failureOf, type MinuteRange, type Timers } from "../core/mod.ts";
import type { ProfileStore } from "../store/mod.ts";
import type { Adoption } from "./adoption.ts";

/** The tables are looked at this often; a nudge only brings the next look forward. */
const LOOK_INTERVAL_MS = 1_000;
/** Nudges come with every commit: looks are at least so far apart. */
const LOOK_SPACING_MS = 50;
/** After a look that failed. */
const RETRY_MS = 1_000;

export interface RelayDeps {
  readonly feed: ChangeFeed;
  readonly store: ProfileStore;
  readonly catalog: Pick<SeriesCatalog, "openKnown">;
  readonly adoption: Adoption;
  readonly timers: Timers;
  readonly onSettled: (settled: Settled) => void;
  readonly warn: (message: string) => void;
}

/**
 * Brings what other processes have committed into this one: minutes into the store, jobs and their events to whoever follows
 * them. It looks at the tables, so it misses nothing however nudges are lost, and its own process's commits do no harm: they
 * are the same truth again.
 */
export class Relay {
  readonly #deps: RelayDeps;
  /** Minutes whose owner changed and that are not adopted yet, by series. */
  readonly #changed = new Map<number, Coverage>();
  readonly #versions = new Map<string, number>();
  /** A series may have been made that is not open here. */
  #mayBeNew = false;
  #looking: Promise<void> | undefined;
  #nudged = false;
  #stopped = false;
  #cancel = () => {};
  #lookedAt = Number.NEGATIVE_INFINITY;
  #troubled = false;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  /** What is in the database now is what the caller reads afterwards; what comes later is relayed. */
  begin(): Promise<void> {
    return this.#deps.feed.begin();
  }

  start(): void {
    this.#schedule(LOOK_INTERVAL_MS);
  }

  /** Something was committed somewhere: look soon. */
  nudge(): void {
    this.#nudged = true;
    if (this.#looking !== undefined || this.#stopped) return;
    this.#schedule(Math.max(0, this.#lookedAt + LOOK_SPACING_MS - this.#deps.timers.now()));
  }

  /** This process has committed these segments, and is about to put their minutes into the store. */
  committedHere(seriesId: number, segmentIds: readonly number[], ranges: readonly MinuteRange[]): void {
    const { feed, adoption } = this.#deps;
    if (feed.known(segmentIds)) {
      for (const range of ranges) this.#remember({ seriesId, range });
      this.nudge();
    }
    adoption.changedHere(seriesId, ranges);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#looking;
  }

  #schedule(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#deps.timers.after(delayMs, () => {
      this.#looking = this.#look().then((waitMs) => {
        this.#looking = undefined;
        if (!this.#stopped) this.#schedule(this.#nudged ? LOOK_SPACING_MS : waitMs);
      });
    });
  }

  /** Looks once; answers when to look again. Never rejects: what was not adopted is kept for the next look. */
  async #look(): Promise<number> {
    const { feed, timers, warn } = this.#deps;
    this.#nudged = false;
    this.#lookedAt = timers.now();
    try {
      const changes = await feed.look();
      await this.#tell(changes);
      await this.#adopt();
      this.#troubled = false;
      return changes.more ? LOOK_SPACING_MS : LOOK_INTERVAL_MS;
    } catch (thrown) {
      if (!this.#stopped && !this.#troubled)
        warn(`other processes' commits could not be read, trying again: ${failureOf(thrown).message}`);
      this.#troubled = true;
      this.#nudged = false;
      return RETRY_MS;
    }
  }

  async #tell({ segments, events, jobs }: Changes): Promise<void> {
    const { store, catalog, onSettled } = this.#deps;
    for (const segment of segments) this.#remember(segment);
    const strange = segments.some(({ seriesId }) => store.byId(seriesId) === undefined);
    this.#mayBeNew ||= strange || events.some(({ data }) => data.from === "idle");
    for (const job of jobs) {
      const own = events.filter(({ data }) => data.job_id === job.id);
      const former = this.#versions.get(job.id);
      if (own.length === 0 && former !== undefined && former >= job.version) continue;
      onSettled({ job, events: own });
      if (job.finishedAt === undefined) this.#versions.set(job.id, job.version);
      else this.#versions.delete(job.id);
    }
    // Last, because it may fail, and everything told by now is told once. A series that is opened here is read at a moment
    // after these commits; adopting them again is harmless.
    if (!this.#mayBeNew) return;
    await catalog.openKnown();
    this.#mayBeNew = false;
  }

  async #adopt(): Promise<void> {
    const { store, adoption } = this.#deps;
    for (const [seriesId, minutes] of [...this.#changed]) {
      if (this.#stopped) return;
      const series = store.byId(seriesId);
      this.#changed.delete(seriesId);
      // Of a venue that is not configured here.
      if (series === undefined) continue;
      try {
        await adoption.adopt(series, minutes);
      } catch (thrown) {
        for (const range of minutes.ranges) this.#remember({ seriesId, range });
        throw thrown;
      }
    }
  }

  #remember({ seriesId, range }: Pick<ChangedSegment, "seriesId" | "range">): void {
    this.#changed.set(seriesId, (this.#changed.get(seriesId) ?? Coverage.empty).add(range));
  }
}
