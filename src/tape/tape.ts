import { mkdir, realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { MinuteContributions, TradeBatch } from "../core/mod.ts";
import { type ContributionsRequest, contributionsOf } from "./contributions.ts";
import { makeDir } from "./disk.ts";
import { Engine } from "./engine.ts";
import { assertPlainDir, INCOMING_DIR, SERIES_PREFIX } from "./layout.ts";
import type { GiveWay } from "./pace.ts";
import { type Quarantined, quarantineFile } from "./quarantine.ts";
import { type QueryAnswer, type QueryOptions, queryTape } from "./query.ts";
import { type TradesRequest, tradesOf } from "./reader.ts";
import { type Swept, sweepTape, sweepTemps } from "./sweep.ts";
import { messageOf, TapeError } from "./tape-error.ts";
import type { FileProof, TapeCallOptions, TapeFile, TapeLogger, TapeSource } from "./tape-file.ts";
import { type Verification, verifyFile, verifyFiles } from "./verify.ts";
import { type WriteRequest, writeTape } from "./writer.ts";

/** A file that nobody lists stays for a day: far longer than from its rename to its commit. */
const GRACE_MS = 86_400_000;
/** A temporary file of a living writer is seconds old. */
const TEMP_GRACE_MS = 600_000;
const TIMEOUT_MS = 60_000;
const MEMORY_LIMIT = "256MB";
/** One core stays with the event loop: on two cores a second thread is 1.6 times as fast, and its delay reaches 12 ms instead of 8. */
const THREADS_MAX = 2;

export interface TapeOptions {
  /** The tape's directory; made when it is not there. Several processes may share it. */
  readonly dir: string;
  /** Default: says nothing. */
  readonly logger?: TapeLogger;
  /** Milliseconds since the epoch, for the ages of files. Default: the machine's clock, which dates the files. */
  readonly nowMs?: () => number;
  /** DuckDB's memory; larger work spills to disk. Default `256MB`. */
  readonly memoryLimit?: string;
  /** DuckDB's threads. Default: 2, or 1 on a machine with two cores. */
  readonly threads?: number;
  /** Longest single query, its wait for a turn included. Default 60,000. */
  readonly timeoutMs?: number;
  /** Age from which temporary files are leftovers of a crash. 0 when no other process can be writing. Default 600,000. */
  readonly tempGraceMs?: number;
  /** Lets other work of the process have its turn between two slices of a long loop. Default `setImmediate`. */
  readonly giveWay?: GiveWay;
}

/** The Parquet tape: immutable files that count once a committed segment lists them. */
export interface Tape {
  /** The real path of the directory. */
  readonly dir: string;
  /** A pattern of all its files, for `read_parquet(…, hive_partitioning = true, union_by_name = true)`. */
  readonly glob: string;
  /** One file a UTC day; none for an empty batch. See {@link writeTape}. */
  write(request: WriteRequest, options?: TapeCallOptions): Promise<TapeFile[]>;
  /** The minutes of some files, aggregated by DuckDB. See {@link contributionsOf}. */
  contributions(
    files: readonly TapeSource[],
    request: ContributionsRequest,
    options?: TapeCallOptions,
  ): Promise<MinuteContributions>;
  /** The trades of some files in id order. See {@link tradesOf}. */
  trades(
    files: readonly TapeSource[],
    request: TradesRequest,
    options?: TapeCallOptions,
  ): AsyncGenerator<TradeBatch, void, undefined>;
  verify(file: FileProof, options?: TapeCallOptions): Promise<Verification>;
  verifyAll<F extends FileProof>(
    files: readonly F[],
    options?: TapeCallOptions,
  ): Promise<readonly { readonly file: F; readonly result: Verification }[]>;
  /** Moves a file to `quarantine/`; it is never deleted. */
  quarantine(file: { readonly path: string }, reason: string): Promise<Quarantined>;
  /**
   * Removes leftovers: temporary files, and files that are not in `listed` and older than `graceMs` (default: a day).
   * `listed` must hold every file of every committed segment.
   */
  sweep(request: { readonly listed: Iterable<string>; readonly graceMs?: number }): Promise<Swept>;
  /** One SELECT over the files. */
  query(sql: string, options?: QueryOptions): Promise<QueryAnswer>;
  /** Ends running calls with `closed` and frees DuckDB. */
  close(): Promise<void>;
}

/**
 * Opens the tape of a directory and clears what crashes have left in it.
 * Throws {@link TapeError} `open` when the directory cannot be used.
 */
export async function createTape(options: TapeOptions): Promise<Tape> {
  const { logger = SILENT, nowMs = Date.now, tempGraceMs = TEMP_GRACE_MS } = options;
  const dir = await prepareDir(options.dir);
  const leftovers = await sweepTemps(dir, nowMs() - tempGraceMs);
  if (leftovers.paths.length > 0) logger.warn({ ...leftovers }, "removed unfinished tape files");
  const engine = await Engine.open({
    dir,
    spillDir: join(dir, INCOMING_DIR, "spill"),
    memoryLimit: options.memoryLimit ?? MEMORY_LIMIT,
    threads: options.threads ?? Math.max(1, Math.min(THREADS_MAX, availableParallelism() - 1)),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    giveWay: options.giveWay ?? (() => setImmediate()),
  });
  return {
    dir,
    glob: `${dir}/${SERIES_PREFIX}*/**/*.parquet`,
    write: (request, call) => writeTape(engine, dir, request, call),
    contributions: (files, request, call) => contributionsOf(engine, dir, files, request, call),
    trades: (files, request, call) => tradesOf(engine, dir, files, request, call),
    verify: (file, call) => verifyFile(dir, file, call),
    verifyAll: (files, call) => verifyFiles(dir, files, call),
    quarantine: ({ path }, reason) => quarantineFile(dir, { path, reason, nowMs: nowMs() }, logger),
    sweep: async ({ listed, graceMs = GRACE_MS }) => {
      const swept = await sweepTape(dir, { listed: new Set(listed), nowMs: nowMs(), graceMs, tempGraceMs });
      if (swept.temps.length + swept.unlisted.length > 0) logger.info({ ...swept }, "swept the tape");
      return swept;
    },
    query: (sql, call) => queryTape(engine, sql, call),
    close: () => engine.close(),
  };
}

async function prepareDir(dir: string): Promise<string> {
  try {
    await makeDir(dir);
    const real = await realpath(dir);
    assertPlainDir(real);
    await mkdir(join(real, INCOMING_DIR), { recursive: true });
    return real;
  } catch (cause) {
    if (cause instanceof TapeError) throw cause;
    throw new TapeError("open", `could not use ${dir} as the tape's directory: ${messageOf(cause)}`, {
      cause,
    });
  }
}

const SILENT: TapeLogger = { info: () => undefined, warn: () => undefined };
