import { CoverageConflict } from "../../../src/backfill/store/errors.ts";
import type { CoveredRange, NewSegment, SegmentListing } from "../../../src/backfill/store/types.ts";
import {
  Coverage,
  intersectRanges,
  invariant,
  type MinuteRange,
  rangeLength,
} from "../../../src/core/mod.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** Makes segments the owners of their minutes; of older ones only those minutes move. Answers the new ids. */
export function replaceCoverage(
  tables: MemoryTables,
  seriesId: number,
  segments: readonly NewSegment[],
  chunkId: number | undefined,
): number[] {
  const taken = coveredMinutes(segments);
  const touched = new Set<number>();
  const kept = (tables.coverage.get(seriesId) ?? []).flatMap((own) => {
    if (taken.within(own).ranges.length === 0) return [own];
    touched.add(own.segmentId);
    return taken.missing(own).map((piece) => ({ ...piece, segmentId: own.segmentId }));
  });
  tables.coverage.set(seriesId, kept);
  const ids = segments.map((added) => insertSegment(tables, seriesId, added, chunkId));
  for (const id of touched) {
    const segment = tables.segments.get(id);
    if (segment?.state === "committed" && !kept.some(({ segmentId }) => segmentId === id))
      segment.state = "superseded";
  }
  return ids;
}

/** Writes a segment for minutes that nobody owns. */
export function addCoverage(tables: MemoryTables, seriesId: number, added: NewSegment): number {
  return insertSegment(tables, seriesId, added, undefined);
}

function insertSegment(
  tables: MemoryTables,
  seriesId: number,
  added: NewSegment,
  chunkId: number | undefined,
): number {
  const owned = added.covered ?? [added.range];
  const rows = tables.coverage.get(seriesId) ?? [];
  if (rows.some((row) => owned.some((range) => intersectRanges(row, range) !== undefined)))
    throw new CoverageConflict(seriesId, owned, new Error("coverage_exclusion"));
  const id = tables.nextId();
  tables.segments.set(id, { ...added, id, seriesId, chunkId, state: "committed" });
  const all = [...rows, ...owned.map(({ lo, hi }) => ({ lo, hi, segmentId: id }))];
  tables.coverage.set(
    seriesId,
    all.sort((a, b) => a.lo - b.lo),
  );
  return id;
}

/** The minutes of `segments`; throws when they overlap or leave their segments. */
export function coveredMinutes(segments: readonly NewSegment[]): Coverage {
  const all = segments.flatMap(({ range, covered }) => {
    const owned = covered ?? [range];
    invariant(owned.length > 0, `segment [${range.lo}, ${range.hi}) covers no minute`);
    for (const part of owned)
      invariant(
        range.lo <= part.lo && part.lo < part.hi && part.hi <= range.hi,
        `covered minutes [${part.lo}, ${part.hi}) do not lie inside their segment`,
      );
    return owned;
  });
  const union = Coverage.of(all);
  invariant(
    union.size === all.reduce((sum, range) => sum + rangeLength(range), 0),
    "the segments of one commit cover a minute twice",
  );
  return union;
}

export function readCoverage(tables: MemoryTables, seriesId: number, range: MinuteRange): CoveredRange[] {
  return (tables.coverage.get(seriesId) ?? []).flatMap((row) => {
    const common = intersectRanges(row, range);
    return common === undefined ? [] : [{ ...common, segmentId: row.segmentId }];
  });
}

export function readSegments(tables: MemoryTables, seriesId: number, range: MinuteRange): SegmentListing[] {
  const owned = Map.groupBy(readCoverage(tables, seriesId, range), ({ segmentId }) => segmentId);
  return [...owned].flatMap(([id, parts]) => {
    const row = tables.segments.get(id);
    invariant(row !== undefined, "coverage refers to a segment");
    if (row.state !== "committed") return [];
    return {
      id,
      seriesId,
      kind: row.kind,
      files: row.files,
      covered: parts.map(({ lo, hi }) => ({ lo, hi })),
      rows: row.rows,
      firstId: row.firstId,
      lastId: row.lastId,
      firstTimeUs: row.firstTimeUs,
      lastTimeUs: row.lastTimeUs,
      digest: row.digest,
      origin: row.origin,
    };
  });
}

/** Takes a segment out of the listing; answers the minutes that nobody covers now. */
export function quarantine(
  tables: MemoryTables,
  id: number,
): { readonly seriesId: number; readonly ranges: readonly MinuteRange[] } | undefined {
  const segment = tables.segments.get(id);
  if (segment?.state !== "committed") return undefined;
  segment.state = "quarantined";
  const rows = tables.coverage.get(segment.seriesId) ?? [];
  tables.coverage.set(
    segment.seriesId,
    rows.filter((row) => row.segmentId !== id),
  );
  return {
    seriesId: segment.seriesId,
    ranges: Coverage.of(rows.filter((row) => row.segmentId === id)).ranges,
  };
}
