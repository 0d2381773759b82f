import type { Database } from "../../db/mod.ts";
import { type JobStore, readTapeStats, type SegmentReader } from "../backfill/mod.ts";
import { dayOfMinute, dayRange, type Timers } from "../core/mod.ts";
import type { CacheFace as HttpCacheFace } from "../http/mod.ts";
import {
  type CacheChecked,
  type CacheCleaned,
  type CacheFacts,
  type CachePlace,
  placeToWire,
} from "../protocol/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import type { ProfileCache, Tape } from "../tape/mod.ts";

/** One answer proves files for about so long; a day more may be under way then. */
const VERIFY_MS = 5_000;
/** A chunk that runs has written files that nobody lists yet: far longer than from its file to its commit. */
const UNLISTED_AGE_MS_MAX = 86_400_000;

export interface CacheFaceDeps {
  readonly database: Pick<Database, "db">;
  readonly jobs: Pick<JobStore, "listedFiles">;
  readonly tape: Pick<Tape, "sweep">;
  readonly reader: Pick<SegmentReader, "verify">;
  readonly store: Pick<ProfileStore, "list">;
  /** Undefined: profiles are not kept. */
  readonly profiles: Pick<ProfileCache, "stats" | "verify" | "clean"> | undefined;
  readonly timers: Pick<Timers, "now">;
}

/** The disk as the HTTP app sees it. */
export class CacheFace implements HttpCacheFace {
  readonly #deps: CacheFaceDeps;

  constructor(deps: CacheFaceDeps) {
    this.#deps = deps;
  }

  async stats(): Promise<CacheFacts> {
    const { database, profiles } = this.#deps;
    const none = { files: 0, bytes: 0, oldestMs: null, newestMs: null };
    return {
      tape: await readTapeStats(database),
      profilesEnabled: profiles !== undefined,
      profiles: (await profiles?.stats()) ?? none,
    };
  }

  async verify(
    after: CachePlace | undefined,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<CacheChecked> {
    const { reader, profiles, timers } = this.#deps;
    const until = timers.now() + VERIFY_MS;
    let files = 0;
    let damaged = 0;
    for (const place of this.#places(after)) {
      signal.throwIfAborted();
      const checked = await reader.verify(place.seriesId, dayRange(place.day));
      files += checked.files;
      damaged += checked.damaged;
      if (timers.now() >= until)
        return {
          tape_files: files,
          tape_damaged: damaged,
          ...{ profile_files: 0, profiles_damaged: 0 },
          next: placeToWire(place),
        };
    }
    const checked = await profiles?.verify();
    return {
      tape_files: files,
      tape_damaged: damaged,
      profile_files: checked?.files ?? 0,
      profiles_damaged: checked?.damaged.length ?? 0,
      next: null,
    };
  }

  async clean(): Promise<CacheCleaned> {
    const { jobs, tape, profiles } = this.#deps;
    const removed = await profiles?.clean();
    const swept = await tape.sweep({
      listed: await jobs.listedFiles(UNLISTED_AGE_MS_MAX),
      graceMs: UNLISTED_AGE_MS_MAX,
    });
    return {
      profiles_removed: removed?.files ?? 0,
      profile_bytes: removed?.bytes ?? 0,
      tape_files_removed: swept.temps.length + swept.unlisted.length,
      tape_bytes: swept.bytes,
    };
  }

  /** Every day that is covered somewhere, series by series, behind a place. */
  *#places(after: CachePlace | undefined): Generator<CachePlace, void, undefined> {
    const series = this.#deps.store.list().toSorted((a, b) => a.seriesId - b.seriesId);
    for (const each of series) {
      const { seriesId } = each;
      if (seriesId < (after?.seriesId ?? 0)) continue;
      for (const day of coveredDays(each))
        if (seriesId !== after?.seriesId || day > after.day) yield { seriesId, day };
    }
  }
}

function* coveredDays({ covered }: SeriesStore): Generator<number, void, undefined> {
  let next = 0;
  for (const { lo, hi } of covered.ranges)
    for (let day = Math.max(next, dayOfMinute(lo)); day <= dayOfMinute(hi - 1); day++, next = day) yield day;
}
