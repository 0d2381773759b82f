import type { SeriesRow, SeriesSpec } from "../../../src/backfill/store/types.ts";
import type { MemoryTables } from "./memory-tables.ts";

export type SeriesName = Pick<SeriesSpec, "venue" | "market" | "symbol">;

export function findSeries(tables: MemoryTables, name: SeriesName): SeriesRow | undefined {
  return [...tables.series.values()].find(
    ({ venue, market, symbol }) => venue === name.venue && market === name.market && symbol === name.symbol,
  );
}

/** The series of that name, made if new; an existing one keeps its bin, and its scales only grow. */
export function ensureSeries(tables: MemoryTables, spec: SeriesSpec): SeriesRow {
  const found = findSeries(tables, spec);
  if (found === undefined) {
    const { venue, market, symbol, priceScale, sizeScale, tickUnits, lotUnits, binUnits } = spec;
    const id = tables.nextId();
    const row = { id, venue, market, symbol, priceScale, sizeScale, tickUnits, lotUnits, binUnits };
    tables.series.set(id, row);
    return row;
  }
  const grown = growScales(tables, found.id, spec.priceScale, spec.sizeScale);
  const row = {
    ...grown,
    tickUnits: spec.tickUnits * 10 ** (grown.priceScale - spec.priceScale),
    lotUnits: spec.lotUnits * 10 ** (grown.sizeScale - spec.sizeScale),
  };
  tables.series.set(row.id, row);
  return row;
}

/** Raises scales; tick, lot and bin are rescaled with them. */
export function growScales(
  tables: MemoryTables,
  id: number,
  priceScale: number,
  sizeScale: number,
): SeriesRow {
  const row = tables.seriesRow(id);
  const price = 10 ** Math.max(priceScale - row.priceScale, 0);
  const size = 10 ** Math.max(sizeScale - row.sizeScale, 0);
  const grown = {
    ...row,
    priceScale: Math.max(row.priceScale, priceScale),
    sizeScale: Math.max(row.sizeScale, sizeScale),
    tickUnits: row.tickUnits * price,
    lotUnits: row.lotUnits * size,
    binUnits: row.binUnits * price,
  };
  tables.series.set(id, grown);
  return grown;
}
