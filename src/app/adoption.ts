import type { JobStore, SegmentReader } from "../backfill/mod.ts";
import { Coverage, dayOfMinute, dayRange, type MinuteRange } from "../core/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";

/** Rounds of one adoption: each follows a day that came into memory, or a commit, during the one before. */
const ROUNDS_MAX = 10;

export interface AdoptionDeps {
  readonly jobs: Pick<JobStore, "coverage">;
  readonly reader: Pick<SegmentReader, "read">;
  readonly store: ProfileStore;
}

/**
 * Brings minutes in memory to what the database lists and the tape holds, without uncovering them in between. Of days that
 * are not in memory nothing is read: they are marked, and loaded when somebody asks.
 */
export class Adoption {
  readonly #deps: AdoptionDeps;
  /** Series being adopted, with the minutes that this process changed meanwhile: newer than what was read. */
  readonly #overtaken = new Map<number, Coverage>();

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
  }

  /** One at a time. Rejects when the database or the tape could not be read; memory holds the truth of before or after then. */
  async adopt(series: SeriesStore, minutes: Coverage): Promise<void> {
    // Day by day: what a month of commits contributes need not fit into memory at once.
    const days = Map.groupBy(minutes.ranges.flatMap(byDay), ({ lo }) => dayOfMinute(lo));
    for (const pieces of days.values()) {
      let rest = Coverage.of(pieces);
      for (let round = 0; rest.ranges.length > 0; round++) {
        if (round === ROUNDS_MAX)
          throw new Error(`${series.symbol}: its days change faster than they can be read`);
        rest = await this.#adoptOnce(series, rest);
      }
    }
    this.#deps.store.announce(series);
  }

  /** Answers the minutes whose day came into memory meanwhile, so that what they contribute has to be read after all. */
  async #adoptOnce(series: SeriesStore, minutes: Coverage): Promise<Coverage> {
    this.#overtaken.set(series.seriesId, Coverage.empty);
    try {
      const listed = await this.#listed(series, minutes);
      const takes = (part: MinuteRange) => series.takesMinutesOf(dayOfMinute(part.lo));
      const wanted = Coverage.of(listed.ranges.flatMap(byDay).filter(takes));
      const contributions = await this.#deps.reader.read(series, wanted);
      // Reading may have found a damaged file, and others go on committing: what is listed now counts.
      const still = await this.#listed(series, minutes);
      const fresh = this.#overtaken.get(series.seriesId) ?? Coverage.empty;
      for (const range of minutes.ranges)
        for (const known of series.committedWithin(range).ranges)
          for (const gone of still.missing(known).flatMap((part) => fresh.missing(part)))
            series.uncover(gone);
      const unread: MinuteRange[] = [];
      for (const range of still.ranges.flatMap((part) => fresh.missing(part)))
        for (const part of byDay(range)) {
          if (listed.covers(part) && (wanted.covers(part) || !takes(part)))
            series.commit(part, contributions);
          else unread.push(part);
        }
      return Coverage.of(unread);
    } finally {
      this.#overtaken.delete(series.seriesId);
    }
  }

  /** This process has changed these minutes itself. */
  changedHere(seriesId: number, ranges: readonly MinuteRange[]): void {
    const former = this.#overtaken.get(seriesId);
    if (former !== undefined) this.#overtaken.set(seriesId, Coverage.of([...former.ranges, ...ranges]));
  }

  async #listed(series: SeriesStore, minutes: Coverage): Promise<Coverage> {
    const first = minutes.ranges[0];
    const last = minutes.ranges.at(-1);
    if (first === undefined || last === undefined) return Coverage.empty;
    const window = { lo: first.lo, hi: last.hi };
    const owned = Coverage.of(await this.#deps.jobs.coverage(series.seriesId, window));
    return Coverage.of(minutes.ranges.flatMap((range) => owned.within(range).ranges));
  }
}

/** A range in pieces that do not cross midnight. */
function byDay({ lo, hi }: MinuteRange): MinuteRange[] {
  const pieces: MinuteRange[] = [];
  for (let at = lo; at < hi; at = dayRange(dayOfMinute(at)).hi)
    pieces.push({ lo: at, hi: Math.min(hi, dayRange(dayOfMinute(at)).hi) });
  return pieces;
}
