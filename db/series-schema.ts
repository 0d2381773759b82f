import { sql } from "drizzle-orm";
import { check, integer, pgTable, smallint, text, unique } from "drizzle-orm/pg-core";
import { instant, whole } from "./columns.ts";

export const series = pgTable(
  "series",
  {
    id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
    venue: text("venue").notNull(),
    market: text("market").notNull(),
    symbol: text("symbol").notNull(),
    priceScale: smallint("price_scale").notNull(),
    sizeScale: smallint("size_scale").notNull(),
    tickUnits: whole("tick_units").notNull(),
    lotUnits: whole("lot_units").notNull(),
    binUnits: whole("bin_units").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    unique("series_name_key").on(t.venue, t.market, t.symbol),
    check("series_scales_check", sql`${t.priceScale} between 0 and 15 and ${t.sizeScale} between 0 and 15`),
    // 2^53 - 1: beyond it the units would no longer be exact numbers in TypeScript.
    check(
      "series_units_check",
      sql`${t.tickUnits} between 1 and 9007199254740991 and ${t.lotUnits} between 1 and 9007199254740991 and ${t.binUnits} between 1 and 9007199254740991`,
    ),
  ],
);
