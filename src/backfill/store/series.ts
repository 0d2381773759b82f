import { and, asc, eq, sql } from "drizzle-orm";
import { series } from "../../../db/mod.ts";
import { invariant } from "../../core/mod.ts";
import type { Access, Tx } from "./transaction.ts";
import type { SeriesRow, SeriesSpec } from "./types.ts";

const columns = {
  id: series.id,
  venue: series.venue,
  market: series.market,
  symbol: series.symbol,
  priceScale: series.priceScale,
  sizeScale: series.sizeScale,
  tickUnits: series.tickUnits,
  lotUnits: series.lotUnits,
  binUnits: series.binUnits,
};

/**
 * The series of that name, made if it is new. Of an existing one the bin stays as it was, scales only grow
 * (its bin is rescaled with them), and tick and lot become the given ones, which the venue may have changed.
 */
export async function ensureSeries({ db }: Access, spec: SeriesSpec): Promise<SeriesRow> {
  const rows = await db
    .insert(series)
    .values({
      venue: spec.venue,
      market: spec.market,
      symbol: spec.symbol,
      priceScale: spec.priceScale,
      sizeScale: spec.sizeScale,
      tickUnits: spec.tickUnits,
      lotUnits: spec.lotUnits,
      binUnits: spec.binUnits,
    })
    .onConflictDoUpdate({
      target: [series.venue, series.market, series.symbol],
      set: {
        priceScale: sql`greatest(${series.priceScale}, ${spec.priceScale})`,
        sizeScale: sql`greatest(${series.sizeScale}, ${spec.sizeScale})`,
        tickUnits: sql`${spec.tickUnits}::bigint * 10::numeric ^ greatest(${series.priceScale} - ${spec.priceScale}, 0)`,
        lotUnits: sql`${spec.lotUnits}::bigint * 10::numeric ^ greatest(${series.sizeScale} - ${spec.sizeScale}, 0)`,
        binUnits: sql`${series.binUnits} * 10::numeric ^ greatest(${spec.priceScale} - ${series.priceScale}, 0)`,
      },
    })
    .returning(columns);
  const row = rows[0];
  invariant(row !== undefined, "an upsert with returning answers its row");
  return row;
}

/** Raises the scales of a series to at least the given ones and rescales its tick, lot and bin with them. */
export async function growScales(
  { db }: Access,
  id: number,
  priceScale: number,
  sizeScale: number,
): Promise<SeriesRow> {
  const rows = await db
    .update(series)
    .set({
      priceScale: sql`greatest(${series.priceScale}, ${priceScale})`,
      sizeScale: sql`greatest(${series.sizeScale}, ${sizeScale})`,
      tickUnits: sql`${series.tickUnits} * 10::numeric ^ greatest(${priceScale} - ${series.priceScale}, 0)`,
      lotUnits: sql`${series.lotUnits} * 10::numeric ^ greatest(${sizeScale} - ${series.sizeScale}, 0)`,
      binUnits: sql`${series.binUnits} * 10::numeric ^ greatest(${priceScale} - ${series.priceScale}, 0)`,
    })
    .where(eq(series.id, id))
    .returning(columns);
  const row = rows[0];
  invariant(row !== undefined, `growScales() of series ${id}, which does not exist`);
  return row;
}

export async function listSeries({ db }: Access): Promise<SeriesRow[]> {
  return db.select(columns).from(series).orderBy(asc(series.id));
}

export async function findSeries(
  { db }: Access,
  name: Pick<SeriesSpec, "venue" | "market" | "symbol">,
): Promise<SeriesRow | undefined> {
  const rows = await db
    .select(columns)
    .from(series)
    .where(and(eq(series.venue, name.venue), eq(series.market, name.market), eq(series.symbol, name.symbol)));
  return rows[0];
}

export async function readSeries(tx: Tx, id: number): Promise<SeriesRow> {
  const rows = await tx.select(columns).from(series).where(eq(series.id, id));
  const row = rows[0];
  invariant(row !== undefined, `series ${id} is referred to, so it exists`);
  return row;
}

/**
 * Makes the changes to a series' coverage take turns. Without it two commits that each cut a piece out of
 * the same older row would see each other's left-over as a conflict. Does not block foreign keys.
 */
export async function lockSeries(tx: Tx, id: number): Promise<void> {
  const rows = await tx.select({ id: series.id }).from(series).where(eq(series.id, id)).for("no key update");
  invariant(rows.length === 1, `series ${id} does not exist`);
}
