import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { coverage, segment } from "../../../db/mod.ts";
import { Coverage, invariant, type MinuteRange, rangeLength } from "../../core/mod.ts";
import { CoverageConflict, isExclusionViolation } from "./errors.ts";
import { lockSeries } from "./series.ts";
import type { Access, Tx } from "./transaction.ts";
import type { CoveredRange, NewSegment, SegmentListing } from "./types.ts";

const MovedRows = v.array(
  v.object({ segment_id: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)) }),
);

/**
 * Writes segments and makes them the owners of their minutes; of older segments only those minutes move.
 * A segment that owns nothing afterwards is `superseded`: out of every listing, its files may be deleted.
 */
export async function replaceCoverage(
  tx: Tx,
  seriesId: number,
  segments: readonly NewSegment[],
  chunkId: number | undefined,
): Promise<number[]> {
  const ranges = coveredMinutes(segments);
  await lockSeries(tx, seriesId);
  const taken = multirange(ranges);
  const moved = await tx.execute(sql`
    with moved as (
      delete from coverage where series_id = ${seriesId} and range && ${taken} returning range, segment_id
    ), kept as (
      insert into coverage (series_id, range, segment_id)
      select ${seriesId}::int, piece, moved.segment_id
      from moved, unnest(int8multirange(moved.range) - ${taken}) as piece
    )
    select distinct segment_id from moved`);
  const ids = await insertSegments(tx, seriesId, segments, chunkId);
  const older = v.parse(MovedRows, [...moved]).map((row) => row.segment_id);
  if (older.length > 0)
    await tx.execute(sql`
      update segment set state = 'superseded', ended_at = now()
      where id = any(${sql.param(`{${older.join(",")}}`)}::bigint[]) and state = 'committed'
        and not exists (select from coverage where coverage.segment_id = segment.id)`);
  return ids;
}

/**
 * Writes a segment for minutes that nobody owns.
 * @throws {CoverageConflict} when somebody does; the transaction is lost.
 */
export async function addCoverage(tx: Tx, seriesId: number, added: NewSegment): Promise<number> {
  await lockSeries(tx, seriesId);
  const [id] = await insertSegments(tx, seriesId, [added], undefined);
  invariant(id !== undefined, "one segment in, one id out");
  return id;
}

async function insertSegments(
  tx: Tx,
  seriesId: number,
  segments: readonly NewSegment[],
  chunkId: number | undefined,
): Promise<number[]> {
  const ids: number[] = [];
  for (const added of segments) {
    const rows = await tx
      .insert(segment)
      .values({
        seriesId,
        chunkId: chunkId ?? null,
        kind: added.kind,
        lo: added.range.lo,
        hi: added.range.hi,
        files: added.files,
        rows: added.rows,
        firstId: added.firstId ?? null,
        lastId: added.lastId ?? null,
        firstTimeUs: added.firstTimeUs ?? null,
        lastTimeUs: added.lastTimeUs ?? null,
        digest: added.digest,
        origin: added.origin,
      })
      .returning({ id: segment.id });
    const id = rows[0]?.id;
    invariant(id !== undefined, "an insert with returning answers its row");
    const owned = added.covered ?? [added.range];
    try {
      await tx.execute(
        sql`insert into coverage (series_id, range, segment_id) select ${seriesId}::int, piece, ${id}::bigint from unnest(${multirange(owned)}) as piece`,
      );
    } catch (thrown) {
      throw isExclusionViolation(thrown) ? new CoverageConflict(seriesId, owned, thrown) : thrown;
    }
    ids.push(id);
  }
  return ids;
}

/** The minutes of `segments`, after checking that they are disjoint and inside their segments. */
export function coveredMinutes(segments: readonly NewSegment[]): readonly MinuteRange[] {
  const all = segments.flatMap(({ range, covered }) => {
    const owned = covered ?? [range];
    invariant(owned.length > 0, `segment [${range.lo}, ${range.hi}) covers no minute`);
    for (const part of owned)
      invariant(
        range.lo <= part.lo && part.lo < part.hi && part.hi <= range.hi,
        `covered minutes [${part.lo}, ${part.hi}) do not lie inside their segment [${range.lo}, ${range.hi})`,
      );
    return owned;
  });
  const union = Coverage.of(all);
  invariant(
    union.size === all.reduce((sum, range) => sum + rangeLength(range), 0),
    "the segments of one commit cover a minute twice",
  );
  return union.ranges;
}

/**
 * Takes a damaged segment out of the listing. Answers its series and the minutes that nobody covers now, or
 * undefined when it is not in the listing (any more).
 */
export async function quarantineSegment(
  { db }: Access,
  id: number,
  reason: string,
): Promise<{ readonly seriesId: number; readonly ranges: readonly MinuteRange[] } | undefined> {
  return db.transaction(async (tx) => {
    const found = await tx.select({ seriesId: segment.seriesId }).from(segment).where(eq(segment.id, id));
    const seriesId = found[0]?.seriesId;
    if (seriesId === undefined) return undefined;
    await lockSeries(tx, seriesId);
    const changed = await tx
      .update(segment)
      .set({ state: "quarantined", reason, endedAt: sql`now()` })
      .where(and(eq(segment.id, id), eq(segment.state, "committed")))
      .returning({ id: segment.id });
    if (changed.length === 0) return undefined;
    const freed = await tx
      .delete(coverage)
      .where(eq(coverage.segmentId, id))
      .returning({ lo: lower(), hi: upper() });
    return { seriesId, ranges: Coverage.of(freed).ranges };
  });
}

/** Who owns which minutes of `range`: sorted, disjoint, cut to `range`. */
export async function readCoverage(
  { db }: Access,
  seriesId: number,
  range: MinuteRange,
): Promise<CoveredRange[]> {
  const rows = await db
    .select({ lo: lower(), hi: upper(), segmentId: coverage.segmentId })
    .from(coverage)
    .where(touches(seriesId, range))
    .orderBy(asc(lower()));
  return rows.map((row) => ({ ...row, lo: Math.max(row.lo, range.lo), hi: Math.min(row.hi, range.hi) }));
}

/** Segments that own minutes of `range`, by the first of them, each with those minutes. */
export async function readSegments(
  { db }: Access,
  seriesId: number,
  range: MinuteRange,
): Promise<SegmentListing[]> {
  const rows = await db
    .select({ lo: lower(), hi: upper(), segment })
    .from(coverage)
    .innerJoin(segment, eq(segment.id, coverage.segmentId))
    .where(and(touches(seriesId, range), eq(segment.state, "committed")))
    .orderBy(asc(lower()));
  const owned = Map.groupBy(rows, (row) => row.segment.id);
  return [...owned.values()].map((parts) => {
    const found = parts[0]?.segment;
    invariant(found !== undefined, "a group has a member");
    return {
      id: found.id,
      seriesId,
      kind: found.kind,
      files: found.files,
      covered: parts.map(({ lo, hi }) => ({ lo: Math.max(lo, range.lo), hi: Math.min(hi, range.hi) })),
      rows: found.rows,
      firstId: found.firstId ?? undefined,
      lastId: found.lastId ?? undefined,
      firstTimeUs: found.firstTimeUs ?? undefined,
      lastTimeUs: found.lastTimeUs ?? undefined,
      digest: found.digest,
      origin: found.origin,
    };
  });
}

function touches(seriesId: number, range: MinuteRange): SQL | undefined {
  return and(
    eq(coverage.seriesId, seriesId),
    sql`${coverage.range} && int8range(${range.lo}, ${Math.max(range.lo, range.hi)})`,
  );
}

const lower = () => sql<number>`lower(${coverage.range})`.mapWith(Number);
const upper = () => sql<number>`upper(${coverage.range})`.mapWith(Number);

function multirange(ranges: readonly MinuteRange[]): SQL {
  return sql`${`{${ranges.map(({ lo, hi }) => `[${lo},${hi})`).join(",")}}`}::text::int8multirange`;
}
