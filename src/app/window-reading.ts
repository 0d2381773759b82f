import {
  type GridOf,
  minuteOfMs,
  type SessionCalendar,
  symbolName,
  type Turns,
  type ValueAreaMethod,
} from "../core/mod.ts";
import type { Loading, TooLarge } from "../http/mod.ts";
import type { ReadingQuery, VenueSymbol } from "../protocol/mod.ts";
import type { DayProfiles, SeriesStore, WindowRanges } from "../store/mod.ts";
import { badBin, coarserOf, findSeries, type SeriesRefs } from "./find-series.ts";
import type { WindowReader, WindowsRead } from "./window-reader.ts";

export interface WindowDeps extends SeriesRefs {
  readonly reader: WindowReader;
  readonly profiles: DayProfiles;
  readonly turns: Pick<Turns, "take">;
  readonly calendar: SessionCalendar;
  readonly nowMs: () => number;
  /** Minutes before this one are expected to be known. */
  readonly expectedEnd: () => number;
  readonly method: ValueAreaMethod;
}

/** A series and how a request reads it. */
export interface Reading {
  readonly series: SeriesStore;
  readonly coarser: number;
  readonly method: ValueAreaMethod;
}

/** The series and reading that a request means, or why there is none. */
export function readingOf(
  deps: WindowDeps,
  { symbol, method, binSize }: ReadingQuery & { readonly symbol: VenueSymbol },
) {
  const found = findSeries(deps, symbolName(symbol));
  if (found.kind !== "series") return found;
  const { series } = found;
  const coarser = coarserOf(series, binSize);
  if (coarser === undefined) return badBin(series);
  return { kind: "reading", series, coarser, method: method ?? deps.method } as const;
}

/** Which minutes of some ranges are known, all of them together. */
export function knowledgeOf(
  deps: Pick<WindowDeps, "nowMs" | "expectedEnd">,
  series: SeriesStore,
  ranges: WindowRanges,
) {
  const expectedEnd = deps.expectedEnd();
  const nowMinute = nowMinuteOf(deps);
  const known = ranges.map((range) =>
    // A window that has ended owes all of its minutes at once.
    series.knowledgeOf(range, range.hi <= nowMinute ? range.hi : expectedEnd, nowMinute),
  );
  let expectedMinutes = 0;
  let coveredMinutes = 0;
  for (const { coverage } of known) {
    expectedMinutes += coverage.expectedMinutes;
    coveredMinutes += coverage.coveredMinutes;
  }
  const missing = known.flatMap(({ coverage }) => coverage.missing);
  return {
    coverage: { expectedMinutes, coveredMinutes, missing },
    whole: known.every(({ whole }) => whole),
  };
}

/** What every answer about windows says of itself. */
export function aboutOf(deps: WindowDeps, { series, coarser }: Reading, grid: GridOf, revision: number) {
  return { symbol: series.symbol, asOfMs: deps.nowMs(), revision, ...grid, coarser };
}

export function nowMinuteOf({ nowMs }: Pick<WindowDeps, "nowMs">): number {
  return minuteOfMs(nowMs());
}

/** Why windows could not be read, as HTTP tells it. */
export function refused<T>(
  { symbol }: SeriesStore,
  read: Exclude<WindowsRead<T>, { kind: "read" }>,
): Loading | TooLarge {
  return read.kind === "loading" ? { ...read, symbol } : read;
}
