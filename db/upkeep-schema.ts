import { sql } from "drizzle-orm";
import { bigserial, check, index, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { instant, oneOf, whole } from "./columns.ts";
import { series } from "./series-schema.ts";

/** What is wrong with what is known of a series: minutes that contradict the venue's candles, and minutes that are missing. */

/**
 * A covered minute whose trades contradict the venue's candle. It is fetched again once (`refetch_job`); when that has ended and
 * they still differ (`refetched_at`) it is reported, until a later correction makes them agree (`resolved_at`).
 */
export const minuteMismatch = pgTable(
  "minute_mismatch",
  {
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    minute: whole("minute").notNull(),
    /** The first field that differs, and both values as decimal text. */
    field: text("field").notNull(),
    ours: text("ours").notNull(),
    theirs: text("theirs").notNull(),
    foundAt: instant("found_at").notNull().defaultNow(),
    /** The job that fetches the minute again. Jobs may be deleted, so it is no reference. */
    refetchJob: uuid("refetch_job"),
    refetchedAt: instant("refetched_at"),
    resolvedAt: instant("resolved_at"),
  },
  (t) => [
    primaryKey({ columns: [t.seriesId, t.minute] }),
    check("minute_mismatch_refetch_check", sql`${t.refetchedAt} is null or ${t.refetchJob} is not null`),
    index("minute_mismatch_open_idx").on(t.seriesId, t.minute).where(sql`resolved_at is null`),
  ],
);

/** `not_received`: neither the live stream nor a job brought it; `failed`: its chunk failed; `late`: trades came after it was sealed. */
export const GAP_REASONS = ["not_received", "failed", "late"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/**
 * Closed minutes of a followed series that were left uncovered. Open gaps of a series do not overlap: the database refuses it
 * (`gap_open_disjoint`).
 */
export const gap = pgTable(
  "gap",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    lo: whole("lo").notNull(),
    hi: whole("hi").notNull(),
    reason: text("reason", { enum: GAP_REASONS }).notNull(),
    foundAt: instant("found_at").notNull().defaultNow(),
    filledAt: instant("filled_at"),
  },
  (t) => [
    check("gap_reason_check", oneOf("reason", GAP_REASONS)),
    check("gap_range_check", sql`${t.lo} < ${t.hi}`),
    index("gap_series_idx").on(t.seriesId, t.lo),
  ],
);
