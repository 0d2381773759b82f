import type { Coverage, MinuteContributions, MinuteRange } from "../core/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import { type Tape, TapeError, type TapeSource } from "../tape/mod.ts";
import type { JobStore } from "./job-store.ts";
import type { SegmentListing } from "./store/types.ts";

export interface SegmentReaderDeps {
  readonly jobs: Pick<JobStore, "segments" | "quarantineSegment">;
  readonly tape: Pick<Tape, "contributions" | "verifyAll" | "quarantine">;
  /** Minutes that are not known any more, because their file is gone or damaged. */
  readonly onLost: (seriesId: number, ranges: readonly MinuteRange[]) => void;
}

/** Reads committed minutes back from the tape, and takes segments whose files are not whole out of the listing. */
export class SegmentReader {
  readonly #deps: SegmentReaderDeps;

  constructor(deps: SegmentReaderDeps) {
    this.#deps = deps;
  }

  /** What the given minutes of a series contribute. A damaged file costs its own minutes, not the others. */
  async read(series: SeriesStore, minutes: Coverage): Promise<MinuteContributions> {
    const { grid } = series;
    const first = minutes.ranges[0];
    const last = minutes.ranges.at(-1);
    if (first === undefined || last === undefined) return { ...grid, minutes: [] };
    const window = { lo: first.lo, hi: last.hi };
    const request = { ranges: minutes.ranges, ...grid };
    const listing = await this.#deps.jobs.segments(series.seriesId, window);
    try {
      return await this.#deps.tape.contributions(sourcesOf(listing), request);
    } catch (thrown) {
      if (!(thrown instanceof TapeError) || thrown.code !== "read") throw thrown;
      const lost = await this.dropDamaged(listing);
      if (lost.length === 0) throw thrown;
      const whole = listing.filter(({ id }) => !lost.includes(id));
      return this.#deps.tape.contributions(sourcesOf(whole), request);
    }
  }

  /** Checks every file that owns minutes of `range` and drops the damaged ones. Answers how many files were checked. */
  async verify(
    seriesId: number,
    range: MinuteRange,
  ): Promise<{ readonly files: number; readonly damaged: number }> {
    const listing = await this.#deps.jobs.segments(seriesId, range);
    const damaged = await this.dropDamaged(listing);
    return { files: listing.reduce((sum, { files }) => sum + files.length, 0), damaged: damaged.length };
  }

  /** Quarantines the segments of a listing whose files are missing or changed; answers their ids. */
  async dropDamaged(listing: readonly SegmentListing[]): Promise<number[]> {
    const { jobs, tape, onLost } = this.#deps;
    const files = listing.flatMap(({ id, files: own }) => own.map((file) => ({ ...file, segmentId: id })));
    const lost = new Set<number>();
    for (const { file, result } of await tape.verifyAll(files)) {
      if (result.kind === "ok") continue;
      const reason = result.kind === "missing" ? "the file is missing" : result.reason;
      if (result.kind === "corrupt") await tape.quarantine(file, reason);
      if (lost.has(file.segmentId)) continue;
      lost.add(file.segmentId);
      const dropped = await jobs.quarantineSegment(file.segmentId, `${file.path}: ${reason}`);
      if (dropped !== undefined) onLost(dropped.seriesId, dropped.ranges);
    }
    return [...lost];
  }
}

function sourcesOf(listing: readonly SegmentListing[]): TapeSource[] {
  return listing.flatMap(({ files, covered, firstId, lastId }) =>
    files.map(({ path }) => ({ path, firstId: Number(firstId), lastId: Number(lastId), ranges: covered })),
  );
}
