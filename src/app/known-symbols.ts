import type { KnownSymbol } from "../protocol/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";

/** What this server follows (`followed`: symbol names, opened or not), in that order, and then what else was backfilled here. */
export function knownSymbols(store: Pick<ProfileStore, "list">, followed: readonly string[]): KnownSymbol[] {
  const open = new Map(store.list().map((series) => [series.symbol, series]));
  const others = [...open.keys()].filter((symbol) => !followed.includes(symbol)).sort();
  return [...followed, ...others].map((symbol) => {
    const series = open.get(symbol);
    const about = { symbol, followed: followed.includes(symbol) };
    return series === undefined ? about : { ...about, traded: tradedOf(series) };
  });
}

function tradedOf({ instrument, grid, covered }: SeriesStore) {
  const [first, last] = [covered.ranges[0], covered.ranges.at(-1)];
  const ends = first === undefined || last === undefined ? undefined : { lo: first.lo, hi: last.hi };
  return { instrument, grid, covered: ends, coveredMinutes: covered.size };
}
