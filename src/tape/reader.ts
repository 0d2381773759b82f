import type { DuckDBDataChunk } from "@duckdb/node-api";
import { invariant, type MinuteRange, type Scales, type TradeBatch, type TradeKind } from "../core/mod.ts";
import { readBooleans, readIntegers } from "./columns.ts";
import type { Engine, Session } from "./engine.ts";
import { Pace } from "./pace.ts";
import { idsOverlap, inspect, readError, type ScanRequest, scanSql, sourcesWithin } from "./scan.ts";
import { TapeError } from "./tape-error.ts";
import type { TapeCallOptions, TapeSource } from "./tape-file.ts";

/** Largest batch handed out: 8 chunks of DuckDB. */
export const BATCH_ROWS_MAX = 16_384;
/** DuckDB's vector length. */
const CHUNK_ROWS = 2_048;
/** A reader that takes no batch for so long loses its connection. */
const IDLE_MS_MAX = 120_000;

export interface TradesRequest {
  /** Only the trades of these minutes. */
  readonly ranges: readonly MinuteRange[];
  /** At least as fine as those of every file. */
  readonly scales: Scales;
}

/**
 * The trades of some files in id order, each once, in batches of up to 16,384 rows; at least one trade in each.
 *
 * Files whose id ranges do not meet are streamed one after the other; others are sorted together. Throws
 * {@link TapeError} (`read`, `format`, `timeout` also when the reader rests too long, `aborted`), {@link InvariantError} when a
 * trade stands in two of the files or the scales are coarser than a file's.
 */
export async function* tradesOf(
  engine: Engine,
  dir: string,
  files: readonly TapeSource[],
  { ranges, scales }: TradesRequest,
  { signal }: TapeCallOptions = {},
): AsyncGenerator<TradeBatch, void, undefined> {
  const sources = [...sourcesWithin(files, ranges)].sort((a, b) => a.firstId - b.firstId);
  const request: ScanRequest = { dir, sources, ranges, scales };
  const scan = scanSql(request);
  if (scan === undefined) return;
  const session = await engine.session(signal);
  let idle: TapeError | undefined;
  try {
    const { kind } = await inspect(session, request);
    for await (const batch of batches(session, scan, idsOverlap(sources), kind, scales)) {
      const timer = setTimeout(() => {
        idle = new TapeError("timeout", `no trades were taken for ${IDLE_MS_MAX} ms: the reader was closed`);
        void session.close();
      }, IDLE_MS_MAX);
      try {
        yield batch;
      } finally {
        clearTimeout(timer);
      }
      if (idle !== undefined) throw idle;
    }
  } catch (cause) {
    throw readError(cause, sources);
  } finally {
    await session.close();
  }
}

async function* batches(
  session: Session,
  scan: string,
  sort: boolean,
  kind: TradeKind,
  scales: Scales,
): AsyncGenerator<TradeBatch, void, undefined> {
  const sql = `SELECT id, epoch_us(time), price, size, first_id, last_id, buy FROM ${scan}${sort ? " ORDER BY id" : ""}`;
  let columns = emptyColumns();
  let length = 0;
  let lastId = -1;
  const pace = new Pace(session.giveWay);
  for await (const chunk of session.chunks(sql)) {
    if (length + chunk.rowCount > BATCH_ROWS_MAX) {
      yield batchOf(kind, scales, columns, length);
      columns = emptyColumns();
      length = 0;
    }
    readChunk(chunk, columns, length);
    for (let i = length; i < length + chunk.rowCount; i++) {
      const id = columns.id[i]!;
      if (id <= lastId) invariant(false, `the tape gave trade ${id} after ${lastId}`);
      lastId = id;
    }
    length += chunk.rowCount;
    if (pace.due) await pace.rest();
  }
  if (length > 0) yield batchOf(kind, scales, columns, length);
}

interface Columns {
  readonly id: Float64Array;
  readonly timeUs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly firstId: Float64Array;
  readonly lastId: Float64Array;
  readonly buy: Uint8Array;
}

function emptyColumns(): Columns {
  const column = (): Float64Array => new Float64Array(BATCH_ROWS_MAX);
  return {
    id: column(),
    timeUs: column(),
    price: column(),
    size: column(),
    firstId: column(),
    lastId: column(),
    buy: new Uint8Array(BATCH_ROWS_MAX),
  };
}

function readChunk(chunk: DuckDBDataChunk, into: Columns, offset: number): void {
  invariant(chunk.rowCount <= CHUNK_ROWS, `DuckDB gave a chunk of ${chunk.rowCount} rows`);
  readIntegers(chunk, 0, into.id, offset);
  readIntegers(chunk, 1, into.timeUs, offset);
  readIntegers(chunk, 2, into.price, offset);
  readIntegers(chunk, 3, into.size, offset);
  readIntegers(chunk, 4, into.firstId, offset);
  readIntegers(chunk, 5, into.lastId, offset);
  readBooleans(chunk, 6, into.buy, offset);
}

function batchOf(kind: TradeKind, scales: Scales, columns: Columns, length: number): TradeBatch {
  return {
    kind,
    scales,
    length,
    id: columns.id.subarray(0, length),
    timeUs: columns.timeUs.subarray(0, length),
    price: columns.price.subarray(0, length),
    size: columns.size.subarray(0, length),
    firstId: columns.firstId.subarray(0, length),
    lastId: columns.lastId.subarray(0, length),
    buy: columns.buy.subarray(0, length),
  };
}
