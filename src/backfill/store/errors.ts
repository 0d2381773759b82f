import type { MinuteRange } from "../../core/mod.ts";

/** SQLSTATE of a violated exclusion constraint. */
const EXCLUSION_VIOLATION = "23P01";
const DIVISION_BY_ZERO = "22012";
const DEADLOCK_DETECTED = "40P01";

/**
 * Two segments claim the same minute: a bug in whoever planned or flushed them. Nothing was written, and
 * trying again cannot help.
 */
export class CoverageConflict extends Error {
  override readonly name = "CoverageConflict";
  readonly seriesId: number;
  readonly ranges: readonly MinuteRange[];

  constructor(seriesId: number, ranges: readonly MinuteRange[], cause: unknown) {
    const minutes = ranges.map((range) => `[${range.lo}, ${range.hi})`).join(" ");
    super(
      `series ${seriesId}: minutes ${minutes} were to be covered, but another segment owns some of them`,
      { cause },
    );
    this.seriesId = seriesId;
    this.ranges = ranges;
  }
}

/** A request that would make more chunks than one job may have. */
export class JobTooLarge extends Error {
  override readonly name = "JobTooLarge";
  readonly chunks: number;
  readonly chunksMax: number;

  constructor(chunks: number, chunksMax: number) {
    super(
      `the request needs ${chunks} chunks, a job may have ${chunksMax}; ask for fewer symbols or days at once`,
    );
    this.chunks = chunks;
    this.chunksMax = chunksMax;
  }
}

/** True when Postgres refused a second owner for a minute; looks through drizzle's wrapping. */
export function isExclusionViolation(thrown: unknown): boolean {
  return hasCode(thrown, EXCLUSION_VIOLATION);
}

/** True when a statement took itself back; see `quickCommit`. */
export function isDivisionByZero(thrown: unknown): boolean {
  return hasCode(thrown, DIVISION_BY_ZERO);
}

/** True when Postgres ended a statement because it and another waited for each other; it wrote nothing. */
export function isDeadlock(thrown: unknown): boolean {
  return hasCode(thrown, DEADLOCK_DETECTED);
}

function hasCode(thrown: unknown, code: string): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause)
    if ("code" in error && error.code === code) return true;
  return false;
}
