import { and, asc, eq, gte, inArray, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { minuteMismatch } from "../../../db/mod.ts";
import { CHECKED_FIELDS, type CheckedField, type MinuteRange } from "../../core/mod.ts";
import type { FoundMismatch } from "../../store/mod.ts";
import { type Access, appendChanges, type GapChange, type GapEvent, gapChannel } from "./gap-events.ts";

/** Open mismatches of one series that are kept; a venue with more is not to be believed minute by minute. */
export const MISMATCHES_MAX = 5_000;

/** A mismatch as the database has it. */
export interface KnownMismatch extends FoundMismatch {
  readonly foundAtMs: number;
  /** The job that fetches the minute again, once somebody has made it. */
  readonly refetchJob: string | undefined;
  /** When it was found to differ still, or the job had ended: since then it is reported. */
  readonly refetchedAtMs: number | undefined;
}

/** A series and the name of its channel. */
export interface NamedSeries {
  readonly seriesId: number;
  readonly symbol: string;
}

/** The durable half of reconciliation. Each method is one transaction. */
export interface MismatchStore {
  /** Those that are not resolved, in minutes of `range`, the oldest {@link MISMATCHES_MAX}. */
  open(seriesId: number, range?: MinuteRange): Promise<KnownMismatch[]>;
  /**
   * Minutes differ, for the first time, in another field, or again after they had agreed. Answers what is known of each; those
   * that were reported before are told again, and not fetched again.
   */
  found(series: NamedSeries, mismatches: readonly FoundMismatch[]): Promise<FoundMismatches>;
  /** A job fetches these minutes again. */
  queued(seriesId: number, minutes: readonly number[], jobId: string): Promise<void>;
  /** That job has ended and they differ still. Tells each minute once. */
  reported(series: NamedSeries, minutes: readonly number[]): Promise<GapEvent[]>;
  /** They agree again. Tells those that were reported. */
  resolved(series: NamedSeries, minutes: readonly number[]): Promise<GapEvent[]>;
}

export interface FoundMismatches {
  readonly known: readonly KnownMismatch[];
  readonly events: readonly GapEvent[];
}

const Field = v.picklist(CHECKED_FIELDS);
const columns = {
  minute: minuteMismatch.minute,
  field: minuteMismatch.field,
  ours: minuteMismatch.ours,
  theirs: minuteMismatch.theirs,
  foundAt: minuteMismatch.foundAt,
  refetchJob: minuteMismatch.refetchJob,
  refetchedAt: minuteMismatch.refetchedAt,
};
type Row = {
  minute: number;
  field: string;
  ours: string;
  theirs: string;
  foundAt: Date;
  refetchJob: string | null;
  refetchedAt: Date | null;
};

export function createMismatchStore(access: Access): MismatchStore {
  const { db } = access;
  const ofMinutes = (seriesId: number, minutes: readonly number[]) =>
    and(eq(minuteMismatch.seriesId, seriesId), inArray(minuteMismatch.minute, [...minutes]));
  /** Sets a time of minutes once, and tells of those that `tells` picks, in one transaction. */
  const mark = (
    { seriesId, symbol }: NamedSeries,
    minutes: readonly number[],
    set: { readonly refetchedAt: SQL } | { readonly resolvedAt: SQL },
    when: SQL | undefined,
    change: "mismatch" | "resolved",
  ) =>
    db.transaction(async (tx) => {
      const rows = await tx
        .update(minuteMismatch)
        .set(set)
        .where(and(ofMinutes(seriesId, minutes), isNull(minuteMismatch.resolvedAt), when))
        .returning(columns);
      const told = rows.filter(({ refetchedAt }) => refetchedAt !== null).sort((a, b) => a.minute - b.minute);
      return appendChanges(tx, gapChannel(symbol), told.map(toChange(change)));
    });
  return {
    async open(seriesId, range) {
      const within = range && and(gte(minuteMismatch.minute, range.lo), lt(minuteMismatch.minute, range.hi));
      const rows = await db
        .select(columns)
        .from(minuteMismatch)
        .where(and(eq(minuteMismatch.seriesId, seriesId), isNull(minuteMismatch.resolvedAt), within))
        .orderBy(asc(minuteMismatch.minute))
        .limit(MISMATCHES_MAX);
      return rows.map(toKnown);
    },
    found: ({ seriesId, symbol }, mismatches) =>
      db.transaction(async (tx) => {
        const minutes = mismatches.map(({ minute }) => minute);
        const reopened = await tx
          .select({ minute: minuteMismatch.minute })
          .from(minuteMismatch)
          .where(
            and(
              ofMinutes(seriesId, minutes),
              isNotNull(minuteMismatch.resolvedAt),
              isNotNull(minuteMismatch.refetchedAt),
            ),
          )
          .orderBy(asc(minuteMismatch.minute))
          .for("update");
        const rows = await tx
          .insert(minuteMismatch)
          .values(
            mismatches.map(({ minute, field, ours, theirs }) => ({ seriesId, minute, field, ours, theirs })),
          )
          .onConflictDoUpdate({
            target: [minuteMismatch.seriesId, minuteMismatch.minute],
            set: {
              field: sql`excluded.field`,
              ours: sql`excluded.ours`,
              theirs: sql`excluded.theirs`,
              resolvedAt: null,
            },
          })
          .returning(columns);
        const again = new Set(reopened.map(({ minute }) => minute));
        const told = rows.filter(({ minute }) => again.has(minute));
        return {
          known: rows.map(toKnown),
          events: await appendChanges(tx, gapChannel(symbol), told.map(toChange("mismatch"))),
        };
      }),
    async queued(seriesId, minutes, jobId) {
      await db
        .update(minuteMismatch)
        .set({ refetchJob: jobId })
        .where(and(ofMinutes(seriesId, minutes), isNull(minuteMismatch.refetchJob)));
    },
    reported: (series, minutes) =>
      mark(series, minutes, { refetchedAt: sql`now()` }, FETCHED_ONCE, "mismatch"),
    resolved: (series, minutes) => mark(series, minutes, { resolvedAt: sql`now()` }, undefined, "resolved"),
  };
}

/** A job was made for it, and nobody has told yet what came of it. */
const FETCHED_ONCE = and(isNotNull(minuteMismatch.refetchJob), isNull(minuteMismatch.refetchedAt));

function toChange(change: "mismatch" | "resolved") {
  return ({ minute, field, ours, theirs }: Row): GapChange => ({
    change,
    lo: minute,
    hi: minute + 1,
    field: readField(field),
    ours,
    theirs,
  });
}

function readField(text: string): CheckedField {
  return v.parse(Field, text);
}

function toKnown(row: Row): KnownMismatch {
  return {
    minute: row.minute,
    field: readField(row.field),
    ours: row.ours,
    theirs: row.theirs,
    foundAtMs: row.foundAt.getTime(),
    refetchJob: row.refetchJob ?? undefined,
    refetchedAtMs: row.refetchedAt?.getTime(),
  };
}
