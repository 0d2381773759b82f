import { lstat, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import {
  dayOfMinute,
  dayRange,
  formatDay,
  intersectRanges,
  invariant,
  MINUTES_PER_DAY,
  type MinuteRange,
} from "../core/mod.ts";
import { TapeError } from "./tape-error.ts";
import type { SeriesKey } from "./tape-file.ts";

/** Files being written. On the tape's own file system, so that a rename moves them; hidden from `**` globs by its suffix. */
export const INCOMING_DIR = ".incoming";
export const TEMP_SUFFIX = ".tmp";
/** Files that failed their proof. */
export const QUARANTINE_DIR = "quarantine";
export const QUARANTINE_SUFFIX = ".quarantined";
export const TAPE_SUFFIX = ".parquet";
/** Every series folder begins so. */
export const SERIES_PREFIX = "venue=";
/** Hex digits of the sha256 in a file's name. */
const NAME_HASH_DIGITS = 12;
/** Longest part of a path, bytes; common file systems take 255. */
const SEGMENT_BYTES_MAX = 200;
/** What would be a pattern in a path that DuckDB is given. */
const GLOB_CHARACTERS = /[*?[\]{}]/;

/** Hive-style folder of one UTC day of a series: `venue=binance/market=spot/symbol=BTCUSDT/date=2026-01-02`. */
export function dayFolder(series: SeriesKey, day: number): string {
  const { venue, market, symbol } = series;
  return `${SERIES_PREFIX}${safeSegment(venue)}/market=${safeSegment(market)}/symbol=${safeSegment(symbol)}/date=${formatDay(day)}`;
}

/**
 * `0800-0810-3f2a…c1.parquet`: the part of `range` that lies in `day`, as UTC times of day with an exclusive end
 * (midnight is 2400), then the beginning of the content's sha256.
 */
export function fileName(range: MinuteRange, day: number, sha256: string): string {
  const part = intersectRanges(range, dayRange(day));
  invariant(part !== undefined, `the range of a file lies outside of its day ${formatDay(day)}`);
  const lo = timeOfDay(part.lo % MINUTES_PER_DAY);
  const hi = timeOfDay(dayOfMinute(part.hi) > day ? MINUTES_PER_DAY : part.hi % MINUTES_PER_DAY);
  return `${lo}-${hi}-${sha256.slice(0, NAME_HASH_DIGITS)}${TAPE_SUFFIX}`;
}

function timeOfDay(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}${String(minute % 60).padStart(2, "0")}`;
}

/** A name as one part of a path: everything but `A–Z a–z 0–9 . _ -` percent-encoded, as hive readers decode it. */
export function safeSegment(name: string): string {
  const safe = Array.from(new TextEncoder().encode(name), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
  invariant(safe.length > 0 && safe.length <= SEGMENT_BYTES_MAX, `"${name}" is no usable name of a series`);
  return safe;
}

/** Throws {@link TapeError} `open` when the directory's own name would read as a pattern. */
export function assertPlainDir(dir: string): void {
  if (GLOB_CHARACTERS.test(dir))
    throw new TapeError("open", `the tape directory must not contain any of * ? [ ] { }, found "${dir}"`);
}

/**
 * The absolute path of a file of the tape. `dir` is the tape's real path.
 * Throws {@link TapeError} `refused` for an absolute path, for one that leaves the directory, also through a symbolic
 * link, for a pattern, and for a file that is itself a link.
 */
export async function resolveInside(dir: string, path: string): Promise<string> {
  const full = plainJoin(dir, path);
  const info = await lstat(full).catch(() => undefined);
  if (info?.isSymbolicLink()) throw refused(path, "it is a symbolic link");
  const parent = await realpath(dirname(full)).catch(() => undefined);
  // A parent that does not exist cannot lead anywhere.
  if (parent !== undefined && parent !== dir && !parent.startsWith(dir + sep))
    throw refused(path, `it leads to ${parent}`);
  return full;
}

/** As {@link resolveInside} without looking at the disk: for reading, where links do no harm. */
export function plainJoin(dir: string, path: string): string {
  const parts = path.split("/");
  if (path === "" || isAbsolute(path) || path.includes("\0") || path.includes("\\"))
    throw refused(path, "expected a relative path");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    throw refused(path, "it has an empty, . or .. part");
  if (GLOB_CHARACTERS.test(path)) throw refused(path, "it is a pattern");
  return join(dir, ...parts);
}

function refused(path: string, why: string): TapeError {
  return new TapeError("refused", `"${path}" is no path inside the tape: ${why}`, { paths: [path] });
}

/** A path relative to the tape, with forward slashes. */
export function relativePath(dir: string, full: string): string {
  return relative(dir, full).split(sep).join("/");
}
