import { formatUnits } from "../core/mod.ts";
import { coarserBy, type ReadingQuery } from "../protocol/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";

export interface SeriesRefs {
  readonly store: Pick<ProfileStore, "bySymbol">;
  /** Symbol names that are followed, opened or not. */
  readonly followed: readonly string[];
}

/** The series that a request means by a symbol, or why there is none. */
export function findSeries({ store, followed }: SeriesRefs, symbol: string | undefined) {
  const series = symbol === undefined ? undefined : store.bySymbol(symbol);
  if (series !== undefined) return { kind: "series", series } as const;
  if (symbol !== undefined && followed.includes(symbol))
    return {
      kind: "unavailable",
      detail: `${symbol} is followed, but the venue has not said yet what it trades in`,
      retryAfterSeconds: 1,
    } as const;
  return { kind: "unknown_symbol", symbol: symbol ?? "" } as const;
}

/** How many of a series' bins make one of the bins asked for; undefined when it is no whole number of them. */
export function coarserOf({ grid }: SeriesStore, binSize: ReadingQuery["binSize"]): number | undefined {
  return binSize === undefined ? 1 : coarserBy(binSize, grid.binUnits, grid.scales.priceScale);
}

export function badBin({ grid: { binUnits, scales } }: SeriesStore) {
  return { kind: "bad_bin", binSize: formatUnits(binUnits, scales.priceScale) } as const;
}
