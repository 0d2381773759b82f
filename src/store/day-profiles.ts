import {
  dayOfMinute,
  dayRange,
  foldSums,
  MINUTES_PER_DAY,
  type MinuteRange,
  mergeSums,
  Profile,
  ProfileMemory,
  type ProfileRows,
  type WindowFold,
} from "../core/mod.ts";
import { daysAndParts } from "./day-minutes.ts";
import { type FoldedPiece, foldedPiece, isDay, type MinuteSpans, spansOf } from "./folded-piece.ts";
import type { SeriesStore } from "./series-store.ts";

/** Bytes of everything kept, of all series together: some two years of a liquid symbol, whose day is about 300 kB. */
export const FOLDED_BYTES_MAX = 256 * 2 ** 20;
/**
 * Days that are folded together once more, the longer blocks first; each begins at a multiple of its length. A year is then at
 * most 14 days, 14 blocks of 8 and 5 of 64 instead of 365 days: 6 times fewer rows to add up.
 */
const BLOCK_DAYS = [64, 8] as const;

export type WindowRanges = readonly MinuteRange[];

/**
 * Past days without their minutes, of every series: sums and profile of a day, and of blocks of days, out of which long windows fold
 * without reading the tape again. What is kept is checked against the series each time it is used, so a commit or a correction ends it.
 * The pieces longest unused make room.
 */
export class DayProfiles {
  /** The longest unused first. */
  readonly #pieces = new Map<string, FoldedPiece>();
  readonly #bytesMax: number;
  readonly #memory = new ProfileMemory();
  #bytes = 0;

  constructor({ bytesMax = FOLDED_BYTES_MAX }: { readonly bytesMax?: number } = {}) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Whole days and parts of days that can be folded only after a load, oldest first. */
  absent(series: SeriesStore, ranges: WindowRanges): MinuteRange[] {
    return this.#plan(series, ranges).flatMap((source) =>
      source.kind === "living" && !series.canFold(source.range) ? [source.range] : [],
    );
  }

  /** Whole days whose minute spans can be told only after a load. */
  withoutSpans(series: SeriesStore, range: MinuteRange): MinuteRange[] {
    return [...daysAndParts(range)].filter(
      (part) => this.#valid(series, part)?.spans === undefined && series.absentDays(part).length > 0,
    );
  }

  /** Price ranges of the minutes of a day or of a part of one; undefined when they would have to be loaded. */
  spans(series: SeriesStore, part: MinuteRange): MinuteSpans | undefined {
    const kept = this.#valid(series, part)?.spans;
    if (kept !== undefined) return kept;
    return series.absentDays(part).length === 0 ? spansOf(series, part) : undefined;
  }

  /** Keeps a day, a part of one, or a block as it stands now. Does nothing when it would have to be loaded first. */
  keep(series: SeriesStore, range: MinuteRange): void {
    if (this.#valid(series, range) !== undefined) return;
    // A day that is known without its minutes has no spans to keep: it is folded again as cheaply.
    if (isDay(range) && series.absentDays(range).length > 0) return;
    if (this.absent(series, [range]).length > 0) return;
    const fold = this.fold(series, [range]);
    if (fold === undefined) return;
    const piece = foldedPiece(series, range, fold);
    fold.profile.release();
    this.#pieces.set(keyOf(series, range), piece);
    this.#bytes += piece.bytes;
    for (const [key, oldest] of this.#pieces) {
      if (this.#bytes <= this.#bytesMax || oldest === piece) break;
      this.#drop(key, oldest);
    }
  }

  /** The blocks within the ranges that are not kept yet, the shorter ones first, so that the longer ones are made of them. */
  missingBlocks(series: SeriesStore, ranges: WindowRanges): MinuteRange[] {
    const missing: MinuteRange[] = [];
    for (const days of BLOCK_DAYS.toReversed())
      for (const range of ranges)
        for (const block of blocksWithin(range, days))
          if (!this.#isKept(series, block) && !this.#inLonger(series, block, range)) missing.push(block);
    return missing;
  }

  /**
   * Folds windows without a common minute into one; nothing of them may be {@link absent}. The fold is the caller's own; whoever
   * releases its profile in the end makes the next fold three times as fast.
   * Undefined when their volume is beyond 2^53 − 1 size units.
   */
  fold(series: SeriesStore, ranges: WindowRanges): WindowFold | undefined {
    let sums = foldSums([]);
    const profiles: (Profile | ProfileRows)[] = [];
    for (const source of this.#plan(series, ranges)) {
      const { profile, ...part } =
        source.kind === "kept"
          ? { ...source.piece.sums, profile: source.piece.profile }
          : series.window(source.range).fold;
      sums = mergeSums(sums, part);
      if (part.count > 0) profiles.push(profile);
    }
    if (!Number.isSafeInteger(sums.volume)) return undefined;
    const profile = new Profile(this.#memory);
    for (const each of profiles)
      if (each instanceof Profile) profile.merge(each);
      else profile.add(each);
    return { ...sums, profile };
  }

  /** What a window is folded out of: the longest kept pieces, and living days between them. */
  #plan(series: SeriesStore, ranges: WindowRanges): Source[] {
    const plan: Source[] = [];
    for (const { lo, hi } of ranges)
      for (let at = lo; at < hi; ) {
        const source = this.#longestFrom(series, at, hi);
        plan.push(source);
        at = source.range.hi;
      }
    return plan;
  }

  #longestFrom(series: SeriesStore, lo: number, hi: number): Source {
    for (const days of BLOCK_DAYS) {
      const length = days * MINUTES_PER_DAY;
      if (lo % length !== 0 || lo + length > hi) continue;
      const range = { lo, hi: lo + length };
      const piece = this.#valid(series, range);
      if (piece !== undefined) return { kind: "kept", range, piece };
    }
    const range = { lo, hi: Math.min(hi, dayRange(dayOfMinute(lo)).hi) };
    const piece = this.#valid(series, range);
    return piece === undefined ? { kind: "living", range } : { kind: "kept", range, piece };
  }

  /** A kept piece that is still right; marks it as used. */
  #valid(series: SeriesStore, range: MinuteRange): FoldedPiece | undefined {
    const key = keyOf(series, range);
    const piece = this.#pieces.get(key);
    if (piece === undefined) return undefined;
    if (piece.changes !== series.changes.of(range)) {
      this.#drop(key, piece);
      return undefined;
    }
    this.#pieces.delete(key);
    this.#pieces.set(key, piece);
    return piece;
  }

  #isKept(series: SeriesStore, range: MinuteRange): boolean {
    return this.#pieces.get(keyOf(series, range))?.changes === series.changes.of(range);
  }

  /** Whether a block lies in a longer one that is kept and within the range, so that nobody needs it. */
  #inLonger(series: SeriesStore, { lo, hi }: MinuteRange, within: MinuteRange): boolean {
    for (const longer of blocksWithin(within, BLOCK_DAYS[0]))
      if (longer.lo <= lo && hi < longer.hi && this.#isKept(series, longer)) return true;
    return false;
  }

  #drop(key: string, piece: FoldedPiece): void {
    this.#pieces.delete(key);
    this.#bytes -= piece.bytes;
  }
}

type Source =
  | { readonly kind: "kept"; readonly range: MinuteRange; readonly piece: FoldedPiece }
  /** Minutes of a day, or of a part of one, as the series has them. */
  | { readonly kind: "living"; readonly range: MinuteRange };

/** The blocks of so many days that lie wholly within a range. */
function* blocksWithin({ lo, hi }: MinuteRange, days: number): Generator<MinuteRange, void, undefined> {
  const length = days * MINUTES_PER_DAY;
  for (let at = Math.ceil(lo / length) * length; at + length <= hi; at += length)
    yield { lo: at, hi: at + length };
}

function keyOf({ seriesId }: SeriesStore, { lo, hi }: MinuteRange): string {
  return `${seriesId}/${lo}/${hi}`;
}
