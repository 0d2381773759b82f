import { and, asc, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillChunk, type GapReason, gap } from "../../../db/mod.ts";
import { Coverage, type MinuteRange } from "../../core/mod.ts";
import { type Access, appendChanges, type GapEvent, gapChannel } from "./gap-events.ts";
import type { NamedSeries } from "./mismatches.ts";

/** Gaps that one read answers. */
export const GAPS_MAX = 1_000;
/** Filled gaps of a series that are remembered, the newest ones. */
export const FILLED_KEPT = 1_000;

/** A gap as the database has it; `filledAtMs` undefined while minutes of it are missing. */
export interface KnownGap {
  readonly id: number;
  readonly range: MinuteRange;
  readonly reason: GapReason;
  readonly foundAtMs: number;
  readonly filledAtMs: number | undefined;
}

/** Which minutes were left uncovered. Each method is one transaction. */
export interface GapStore {
  /** Open gaps of a series, oldest first, {@link GAPS_MAX} at most. */
  open(seriesId: number): Promise<KnownGap[]>;
  /** Gaps that touch `range`, filled ones included, the newest {@link GAPS_MAX}, oldest first. */
  within(seriesId: number, range: MinuteRange): Promise<KnownGap[]>;
  /** Minutes were left uncovered. Those of them that stand in an open gap already are not told again. */
  found(series: NamedSeries, range: MinuteRange, reason: GapReason): Promise<FoundGaps>;
  /** Every minute of these gaps is covered. Each is told once. */
  filled(series: NamedSeries, ids: readonly number[]): Promise<GapEvent[]>;
  /** Minutes of `range` in trade chunks that failed for good: sorted, disjoint. */
  failedRanges(seriesId: number, range: MinuteRange): Promise<Coverage>;
}

export interface FoundGaps {
  readonly gaps: readonly KnownGap[];
  readonly events: readonly GapEvent[];
}

const Inserted = v.array(
  v.object({
    id: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)),
    lo: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)),
    hi: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)),
    found_ms: v.number(),
  }),
);

export function createGapStore(access: Access): GapStore {
  const { db } = access;
  return {
    async open(seriesId) {
      const rows = await db
        .select()
        .from(gap)
        .where(and(eq(gap.seriesId, seriesId), isNull(gap.filledAt)))
        .orderBy(asc(gap.lo))
        .limit(GAPS_MAX);
      return rows.map(toKnown);
    },
    async within(seriesId, range) {
      const rows = await db
        .select()
        .from(gap)
        .where(and(eq(gap.seriesId, seriesId), sql`${gap.lo} < ${range.hi} and ${gap.hi} > ${range.lo}`))
        .orderBy(desc(gap.lo), desc(gap.id))
        .limit(GAPS_MAX);
      return rows.map(toKnown).reverse();
    },
    found: ({ seriesId, symbol }, range, reason) =>
      db.transaction(async (tx) => {
        const known = await tx
          .select({ lo: gap.lo, hi: gap.hi })
          .from(gap)
          .where(
            and(
              eq(gap.seriesId, seriesId),
              isNull(gap.filledAt),
              sql`${gap.lo} < ${range.hi} and ${gap.hi} > ${range.lo}`,
            ),
          );
        const gaps: KnownGap[] = [];
        for (const { lo, hi } of Coverage.of(known).missing(range)) {
          // Another process may have told of it between the two statements.
          const rows = v.parse(Inserted, [
            ...(await tx.execute(sql`
              insert into gap (series_id, lo, hi, reason) values (${seriesId}, ${lo}, ${hi}, ${reason})
              on conflict do nothing
              returning id, lo, hi, (extract(epoch from found_at) * 1000)::double precision as found_ms`)),
          ]);
          for (const row of rows)
            gaps.push({
              id: row.id,
              range: { lo: row.lo, hi: row.hi },
              reason,
              foundAtMs: row.found_ms,
              filledAtMs: undefined,
            });
        }
        const changes = gaps.map(({ range: found }) => ({ change: "found" as const, ...found, reason }));
        return { gaps, events: await appendChanges(tx, gapChannel(symbol), changes) };
      }),
    filled: ({ seriesId, symbol }, ids) =>
      db.transaction(async (tx) => {
        const rows = await tx
          .update(gap)
          .set({ filledAt: sql`now()` })
          .where(and(eq(gap.seriesId, seriesId), inArray(gap.id, [...ids]), isNull(gap.filledAt)))
          .returning({ lo: gap.lo, hi: gap.hi, reason: gap.reason });
        if (rows.length === 0) return [];
        await tx.execute(sql`
          delete from gap where series_id = ${seriesId} and filled_at is not null and id <= (
            select id from gap where series_id = ${seriesId} and filled_at is not null
            order by id desc offset ${FILLED_KEPT} limit 1)`);
        const changes = rows
          .sort((a, b) => a.lo - b.lo)
          .map((row) => ({ change: "filled" as const, ...row }));
        return appendChanges(tx, gapChannel(symbol), changes);
      }),
    async failedRanges(seriesId, range) {
      const rows = await db
        .select({ lo: backfillChunk.lo, hi: backfillChunk.hi })
        .from(backfillChunk)
        .where(
          and(
            eq(backfillChunk.seriesId, seriesId),
            sql`${backfillChunk.status} = 'failed' and ${backfillChunk.timeframe} is null`,
            sql`${backfillChunk.lo} < ${range.hi} and ${backfillChunk.hi} > ${range.lo}`,
          ),
        )
        .limit(GAPS_MAX);
      return Coverage.of(rows).within(range);
    },
  };
}

function toKnown(row: typeof gap.$inferSelect): KnownGap {
  return {
    id: row.id,
    range: { lo: row.lo, hi: row.hi },
    reason: row.reason,
    foundAtMs: row.foundAt.getTime(),
    filledAtMs: row.filledAt?.getTime(),
  };
}
