import { dayOfMinute, type MinuteRange, type Turns, type WindowFold } from "../core/mod.ts";
import {
  type DayLoader,
  type DayProfiles,
  daysAndParts,
  isDay,
  type SeriesStore,
  type WindowRanges,
} from "../store/mod.ts";

/** Longest time that one answer waits for days out of the tape, ms; less than a request may take. */
export const LOAD_WAIT_MS = 20_000;
/** Times that a window is begun anew, because days were dropped or scales grew while others were loaded. */
const ROUNDS_MAX = 4;
/** Longest time that one answer waits for candles, all in all, and for those of one batch of windows or one range, ms. */
const CANDLES_WAIT_MS = 2_000;
const CANDLES_STEP_MS = 300;
/** Windows within one day that are folded in one turn; an hour takes about 0.5 ms. */
const BATCH_WINDOWS = 8;

/** The wait is over and days are still missing; asking again goes on from there. */
export interface DaysLoading {
  readonly kind: "loading";
  readonly daysLoaded: number;
  readonly daysTotal: number;
}

export type WindowsRead<T> =
  | { readonly kind: "read"; readonly values: readonly T[] }
  | DaysLoading
  /** More than this server's memory or exact arithmetic can hold. */
  | { readonly kind: "too_large"; readonly reason: string };

export interface WindowReaderDeps {
  readonly loader: Pick<DayLoader, "load">;
  readonly profiles: DayProfiles;
  /** Brings the candles of minutes whose trades are missing; waits for them so long at most. */
  readonly candles: WindowCandles;
  readonly turns: Pick<Turns, "take">;
  /** Any clock that only goes forward, ms. */
  readonly now: () => number;
}

export interface WindowCandles {
  /** `partly`: of a window that lacks more days than are kept, the newest. */
  readonly bring: (
    series: SeriesStore,
    windows: readonly WindowRanges[],
    options: { readonly waitMs: number; readonly partly?: boolean },
  ) => Promise<void>;
}

interface Patience {
  readonly until: number;
  readonly signal: AbortSignal;
  /** What is left of {@link CANDLES_WAIT_MS}. */
  candlesMs: number;
}

/** Reads any windows of a series, however long: days are loaded one by one, and each fold takes its turn. */
export class WindowReader {
  readonly #deps: WindowReaderDeps;

  constructor(deps: WindowReaderDeps) {
    this.#deps = deps;
  }

  /**
   * What `take` makes of each window's fold, in their order. It is called while nothing else runs, so that what it reads of the
   * series before its first await belongs to the fold, which is its own; all folds lie on one grid. A window is ranges without a
   * common minute.
   * Throws the signal's reason once it is aborted, and what the tape throws.
   */
  async each<T>(
    series: SeriesStore,
    windows: readonly WindowRanges[],
    take: (fold: WindowFold, index: number) => T | Promise<T>,
    signal: AbortSignal,
  ): Promise<WindowsRead<T>> {
    const patience = this.#patience(signal);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { grid } = series;
      const values: T[] = [];
      for (const batch of batchesOf(windows)) {
        const read = await this.#batch(series, batch, (fold, at) => take(fold, values.length + at), patience);
        if (read.kind === "loading") return this.#loading(series, windows);
        if (read.kind === "too_large") return read;
        values.push(...read.values);
      }
      if (series.grid === grid) return { kind: "read", values };
    }
    return this.#noRoom();
  }

  /**
   * Once the price range of every minute of `range` can be told, calls `take` with its days and parts of days, while nothing else
   * runs. Throws as {@link each}. `range` begins with a day.
   */
  async spans<T>(
    series: SeriesStore,
    range: MinuteRange,
    take: (parts: readonly MinuteRange[]) => T,
    signal: AbortSignal,
  ): Promise<WindowsRead<T>> {
    const { profiles, loader, now } = this.#deps;
    const patience = this.#patience(signal);
    const parts = [...daysAndParts(range)];
    let candles = false;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const missing = profiles.withoutSpans(series, range);
      if (missing.length === 0 && candles) return { kind: "read", values: [take(parts)] };
      for (const [at, part] of missing.entries()) {
        signal.throwIfAborted();
        if (now() > patience.until)
          return { kind: "loading", daysLoaded: parts.length - missing.length + at, daysTotal: parts.length };
        await loader.load(series, part);
        profiles.keep(series, part);
      }
      // After the days: one that makes room takes its candles along.
      await this.#bringCandles(series, [[range]], patience, true);
      candles = true;
    }
    return this.#noRoom();
  }

  /** Windows that are folded in one turn. */
  async #batch<T>(
    series: SeriesStore,
    windows: readonly WindowRanges[],
    take: (fold: WindowFold, index: number) => T | Promise<T>,
    patience: Patience,
  ): Promise<WindowsRead<T>> {
    const { profiles, turns } = this.#deps;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      for (const ranges of windows) {
        const late = await this.#load(series, ranges, patience);
        if (late !== undefined) return late;
      }
      await this.#bringCandles(series, windows, patience);
      const taken = await turns.take(() => {
        if (windows.some((ranges) => profiles.absent(series, ranges).length > 0)) return undefined;
        const folds = windows.map((ranges) => profiles.fold(series, ranges));
        return folds.every((fold) => fold !== undefined) ? folds.map(take) : "too_large";
      });
      if (taken === "too_large") return { kind: "too_large", reason: TOO_MUCH_VOLUME };
      if (taken !== undefined) return { kind: "read", values: await Promise.all(taken) };
    }
    return this.#noRoom();
  }

  /** Brings what a window is folded out of into memory, and keeps it folded unless it is nothing but a part of a day. */
  async #load(
    series: SeriesStore,
    ranges: WindowRanges,
    { until, signal }: Patience,
  ): Promise<DaysLoading | undefined> {
    const { loader, profiles, turns, now } = this.#deps;
    const parts = ranges.flatMap((range) => [...daysAndParts(range)]);
    for (const part of profiles.absent(series, ranges)) {
      signal.throwIfAborted();
      if (now() > until) return { kind: "loading", daysLoaded: 0, daysTotal: parts.length };
      await loader.load(series, part);
      if (parts.length > 1 || isDay(part)) profiles.keep(series, part);
    }
    for (const block of profiles.missingBlocks(series, ranges)) {
      signal.throwIfAborted();
      await turns.take(() => profiles.keep(series, block));
    }
    return undefined;
  }

  async #bringCandles(
    series: SeriesStore,
    windows: readonly WindowRanges[],
    patience: Patience,
    partly = false,
  ): Promise<void> {
    const { candles, now } = this.#deps;
    if (patience.candlesMs <= 0) return;
    const began = now();
    const waitMs = Math.min(CANDLES_STEP_MS, patience.candlesMs);
    await candles.bring(series, windows, { waitMs, partly });
    patience.candlesMs -= now() - began;
  }

  #patience(signal: AbortSignal): Patience {
    return { until: this.#deps.now() + LOAD_WAIT_MS, signal, candlesMs: CANDLES_WAIT_MS };
  }

  #loading(series: SeriesStore, windows: readonly WindowRanges[]): DaysLoading {
    const daysOf = (ranges: WindowRanges) =>
      ranges.flatMap((range) => [...daysAndParts(range)].map(({ lo }) => dayOfMinute(lo)));
    const total = new Set(windows.flatMap(daysOf)).size;
    const absent = new Set(windows.flatMap((ranges) => daysOf(this.#deps.profiles.absent(series, ranges))))
      .size;
    return { kind: "loading", daysLoaded: total - absent, daysTotal: total };
  }

  #noRoom() {
    const megabytes = Math.floor(this.#deps.profiles.bytesMax / 2 ** 20);
    const reason = `its days do not fit into the ${megabytes} MB that are kept of past days`;
    return { kind: "too_large", reason } as const;
  }
}

const TOO_MUCH_VOLUME = "its volume is beyond 2^53 − 1 units of size, more than is added up exactly here";

/** Windows of one day go together, a few at a time; a longer one goes alone. */
function batchesOf(windows: readonly WindowRanges[]): WindowRanges[][] {
  const batches: WindowRanges[][] = [];
  let dayOfLast: number | undefined;
  for (const ranges of windows) {
    const day = onlyDayOf(ranges);
    const last = batches.at(-1);
    if (last !== undefined && day !== undefined && day === dayOfLast && last.length < BATCH_WINDOWS)
      last.push(ranges);
    else batches.push([ranges]);
    dayOfLast = day;
  }
  return batches;
}

function onlyDayOf(ranges: WindowRanges): number | undefined {
  const [only, ...others] = ranges;
  if (only === undefined || others.length > 0) return undefined;
  const day = dayOfMinute(only.lo);
  return dayOfMinute(only.hi - 1) === day ? day : undefined;
}
