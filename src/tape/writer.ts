import { randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  BIGINT,
  BOOLEAN,
  DECIMAL,
  type DuckDBAppender,
  DuckDBDataChunk,
  type DuckDBType,
} from "@duckdb/node-api";
import {
  dayRange,
  formatMinute,
  InvariantError,
  intersectRanges,
  invariant,
  type MinuteRange,
  type TradeBatch,
} from "../core/mod.ts";
import { DECIMAL_WIDTH, writeBooleans, writeIntegers } from "./columns.ts";
import { type DayPart, splitDays } from "./day-parts.ts";
import { fsync, publish, sha256OfFile } from "./disk.ts";
import { type Engine, literal, type Session } from "./engine.ts";
import { dayFolder, fileName, INCOMING_DIR, TEMP_SUFFIX } from "./layout.ts";
import { Pace } from "./pace.ts";
import { isDiskFull, messageOf, TapeError } from "./tape-error.ts";
import type { SeriesKey, TapeCallOptions, TapeFile } from "./tape-file.ts";

/** Of the columns and the metadata below. A reader refuses what it does not know. */
export const SCHEMA_VERSION = "1";
/** Written into every file: which program made it, and the version of its writer. */
const WRITER = "tapeline tape-writer/1";
/** Trades of one file; a busier day becomes several files. Bounds the memory of a write to about 100 MB. */
const ROWS_PER_FILE_MAX = 2_000_000;
/** DuckDB's vector length: rows of one chunk. */
const CHUNK_ROWS = 2_048;
/**
 * Appended rows are moved into the table so often. A flush is synchronous: 0.5 ms a chunk inside a transaction, 0.9 ms
 * outside of one, 12 ms for 100,000 rows at once.
 */
const FLUSH_CHUNKS = 2;
/** A minute of a liquid symbol has about 700 trades: an hour or so per row group, so that ranges skip groups. */
const ROW_GROUP_ROWS = 65_536;

export interface WriteRequest {
  readonly series: SeriesKey;
  /** In id order, each id once, every trade inside `range`. */
  readonly batch: TradeBatch;
  /** The minutes that the batch is complete for. */
  readonly range: MinuteRange;
  /** Where the trades come from, e.g. `rest`, `live`, `archive`. */
  readonly origin: string;
}

/**
 * Writes a batch as Parquet, one file a UTC day (more for days above 2,000,000 trades); none for an empty batch.
 * When it answers, the files are whole, under their final names, and on the disk; they count only once a committed
 * segment lists them. Throws {@link InvariantError} for a batch that is not sorted, unique and inside its range,
 * {@link TapeError} (`write`, `timeout`, `aborted`) when it cannot be written; nothing is then left behind but
 * files of earlier days that nobody lists.
 */
export async function writeTape(
  engine: Engine,
  dir: string,
  request: WriteRequest,
  { signal }: TapeCallOptions = {},
): Promise<TapeFile[]> {
  const parts = await splitDays(request.batch, request.range, ROWS_PER_FILE_MAX, engine.giveWay);
  const files: TapeFile[] = [];
  for (const part of parts) {
    const temp = join(dir, INCOMING_DIR, `${randomUUID()}${TEMP_SUFFIX}`);
    try {
      await engine.withTable(signal, (session) => copyPart(session, request, part, temp));
      files.push(await publishPart(dir, request, part, temp, signal));
    } catch (cause) {
      await rm(temp, { force: true });
      if (cause instanceof TapeError || cause instanceof InvariantError) throw cause;
      const { venue, symbol } = request.series;
      throw new TapeError(
        signal?.aborted ? "aborted" : isDiskFull(cause) ? "full" : "write",
        `could not write ${part.length} trades of ${venue}:${symbol} to the tape: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
  return files;
}

async function publishPart(
  dir: string,
  { series, batch, range }: WriteRequest,
  part: DayPart,
  temp: string,
  signal: AbortSignal | undefined,
): Promise<TapeFile> {
  await fsync(temp);
  const { size } = await stat(temp);
  const sha256 = await sha256OfFile(temp, signal);
  const path = `${dayFolder(series, part.day)}/${fileName(range, part.day, sha256)}`;
  await publish(temp, join(dir, path));
  return {
    path,
    bytes: size,
    sha256,
    rows: part.length,
    firstId: batch.id[part.rowAt(0)]!,
    lastId: batch.id[part.rowAt(part.length - 1)]!,
    firstTimeUs: part.firstTimeUs,
    lastTimeUs: part.lastTimeUs,
  };
}

async function copyPart(session: Session, request: WriteRequest, part: DayPart, temp: string): Promise<void> {
  const { priceScale, sizeScale } = request.batch.scales;
  await session.run(
    `CREATE TEMP TABLE part (id BIGINT, time_us BIGINT, price DECIMAL(${DECIMAL_WIDTH}, ${priceScale}),
      size DECIMAL(${DECIMAL_WIDTH}, ${sizeScale}), first_id BIGINT, last_id BIGINT, buy BOOLEAN)`,
  );
  // Never committed: the table goes with the connection.
  await session.run("BEGIN TRANSACTION");
  const appender = await session.connection.createAppender("part");
  try {
    await appendPart(appender, request.batch, part, session);
  } finally {
    appender.closeSync();
  }
  const copied = await session.run(
    `COPY (SELECT id, make_timestamptz(time_us) AS time, price, size, first_id, last_id, buy FROM part)
      TO ${literal(temp)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS},
      USE_TMP_FILE false, KV_METADATA {${metadata(request, part)}})`,
  );
  invariant(copied === part.length, `copied ${copied} of ${part.length} trades into a file of the tape`);
}

async function appendPart(
  appender: DuckDBAppender,
  batch: TradeBatch,
  part: DayPart,
  { signal, giveWay }: Session,
): Promise<void> {
  const { priceScale, sizeScale } = batch.scales;
  const types: DuckDBType[] = [
    BIGINT,
    BIGINT,
    DECIMAL(DECIMAL_WIDTH, priceScale),
    DECIMAL(DECIMAL_WIDTH, sizeScale),
    BIGINT,
    BIGINT,
    BOOLEAN,
  ];
  const pace = new Pace(giveWay);
  for (let from = 0, chunks = 1; from < part.length; from += CHUNK_ROWS, chunks++) {
    const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, part.length - from));
    const row = (i: number): number => part.rowAt(from + i);
    writeIntegers(chunk, 0, batch.id, row);
    writeIntegers(chunk, 1, batch.timeUs, row);
    writeIntegers(chunk, 2, batch.price, row);
    writeIntegers(chunk, 3, batch.size, row);
    writeIntegers(chunk, 4, batch.firstId, row);
    writeIntegers(chunk, 5, batch.lastId, row);
    writeBooleans(chunk, 6, batch.buy, row);
    appender.appendDataChunk(chunk);
    if (chunks % FLUSH_CHUNKS === 0) appender.flushSync();
    if (pace.due) {
      await pace.rest();
      signal.throwIfAborted();
    }
  }
  // The flush is one piece of some milliseconds: it begins with a fresh turn.
  await pace.rest();
  signal.throwIfAborted();
  appender.flushSync();
}

function metadata({ series, batch, range, origin }: WriteRequest, part: DayPart): string {
  const minutes = intersectRanges(range, dayRange(part.day)) ?? range;
  const fields: Record<string, string> = {
    schema_version: SCHEMA_VERSION,
    origin,
    venue: series.venue,
    market: series.market,
    symbol: series.symbol,
    kind: batch.kind,
    range: `${formatMinute(minutes.lo)}/${formatMinute(minutes.hi)}`,
    writer: WRITER,
  };
  return Object.entries(fields)
    .map(([key, value]) => `${key}: ${literal(value)}`)
    .join(", ");
}
