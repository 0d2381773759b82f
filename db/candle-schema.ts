import { sql } from "drizzle-orm";
import { check, integer, numeric, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, int8range, whole } from "./columns.ts";
import { series } from "./series-schema.ts";

/** The venues' own candles, and which of them need not be fetched again. */

export const candle = pgTable(
  "candle",
  {
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    timeframe: text("timeframe").notNull(),
    openTime: instant("open_time").notNull(),
    open: numeric("open").notNull(),
    high: numeric("high").notNull(),
    low: numeric("low").notNull(),
    close: numeric("close").notNull(),
    volume: numeric("volume").notNull(),
    /** Σ price·size, where the venue tells it. */
    quoteVolume: numeric("quote_volume"),
    /** Volume whose aggressor bought, where the venue tells it. */
    buyVolume: numeric("buy_volume"),
    /** Σ price·size of that volume, where the venue tells it. */
    buyQuoteVolume: numeric("buy_quote_volume"),
    /** The venue's own; else Σ price·size / Σ size, eight digits after the point, ties to even. Null without volume. */
    vwap: numeric("vwap"),
    trades: whole("trades"),
  },
  (t) => [primaryKey({ columns: [t.seriesId, t.timeframe, t.openTime] })],
);

/**
 * Spans of opening times, in minutes since the epoch, whose candles had all closed when they were fetched. Neighbouring spans
 * are one row. No two rows of a series and timeframe overlap: the database refuses it (`candle_coverage_disjoint`).
 */
export const candleCoverage = pgTable(
  "candle_coverage",
  {
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    timeframe: text("timeframe").notNull(),
    range: int8range("range").notNull(),
  },
  (t) => [
    check(
      "candle_coverage_range_check",
      sql`not isempty(${t.range}) and lower(${t.range}) is not null and upper(${t.range}) is not null`,
    ),
  ],
);
