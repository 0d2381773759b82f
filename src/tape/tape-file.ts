import type { MinuteRange } from "../core/mod.ts";

/** Which series a trade belongs to. An `Instrument` is one. */
export interface SeriesKey {
  readonly venue: string;
  readonly market: string;
  /** The venue's own spelling. */
  readonly symbol: string;
}

/** What names a file and proves that it is whole. */
export interface FileProof {
  /** Relative to the tape's directory, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
}

/** One Parquet file of the tape, as it is listed in a committed segment. It never changes. */
export interface TapeFile extends FileProof {
  readonly rows: number;
  readonly firstId: number;
  readonly lastId: number;
  /** Microseconds since the epoch; the earliest and the latest of the file, whatever their ids. */
  readonly firstTimeUs: number;
  readonly lastTimeUs: number;
}

/**
 * A file to read. `ranges` are the minutes that this file still owns, when another file has replaced the others;
 * without it, all of them.
 */
export interface TapeSource {
  readonly path: string;
  readonly firstId: number;
  readonly lastId: number;
  readonly ranges?: readonly MinuteRange[];
}

/** How a call may end early. */
export interface TapeCallOptions {
  readonly signal?: AbortSignal;
}

/** Receives what an operator should know. A pino logger is one. */
export interface TapeLogger {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
