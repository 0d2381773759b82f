import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import {
  formatTime,
  fractionDigits,
  MINUTES_PER_DAY,
  MS_PER_DAY,
  minuteOfUs,
  parseUnits,
  sliceBatch,
  sortedUnique,
  type TradeBatch,
  TradeBatchBuilder,
  US_PER_MS,
} from "../core/mod.ts";
import { assetsOf, type Market, type SymbolSpec } from "./market.ts";

export interface RecordedMarketOptions {
  readonly symbol: string;
  /** Whole days that every time is moved by. Default 0. */
  readonly shiftDays?: number;
  /** Tick size as a decimal. Default `0.00000001`. */
  readonly tickSize?: string;
  /** Lot size as a decimal. Default: the smallest step that the file's sizes need. */
  readonly lotSize?: string;
}

/** A file that is no archive of aggregate trades: which line, what was expected and found. */
export class ArchiveFileError extends Error {
  override readonly name = "ArchiveFileError";
  readonly line: number;
  constructor(line: number, message: string, options?: { cause: unknown }) {
    super(`archive line ${line}: ${message}`, options);
    this.line = line;
  }
}

/** Times above this are microseconds, below milliseconds (Binance spot archives changed on 2025-01-01). */
const MICROSECONDS_FROM = 1e14;
/** No archive day is as large; a larger file was given by mistake. */
const FILE_BYTES_MAX = 1024 * 1024 * 1024;
/** Most digits the wire has after the point. */
const WIRE_SCALE = 8;

/** Reads a file in Binance's archive format (CSV, or CSV in gzip). Throws {@link ArchiveFileError}. */
export async function readRecordedMarket(path: string, options: RecordedMarketOptions): Promise<Market> {
  const bytes = await readFile(path);
  if (bytes.byteLength > FILE_BYTES_MAX)
    throw new ArchiveFileError(0, `expected at most ${FILE_BYTES_MAX} bytes, found ${bytes.byteLength}`);
  const plain = path.endsWith(".gz") ? gunzipSync(bytes) : bytes;
  return createRecordedMarket(plain.toString("utf8"), options);
}

/**
 * A market of recorded aggregate trades: `id,price,qty,firstId,lastId,time,buyerMaker,bestMatch`, with a header or
 * without one, times in ms or µs. Ids may have holes; times must not descend. Throws {@link ArchiveFileError}.
 */
export function createRecordedMarket(csv: string, options: RecordedMarketOptions): Market {
  const batch = parseArchive(csv, (options.shiftDays ?? 0) * MS_PER_DAY * US_PER_MS);
  const { scales } = batch;
  if (scales.priceScale > WIRE_SCALE || scales.sizeScale > WIRE_SCALE)
    throw new ArchiveFileError(0, `prices and sizes may have ${WIRE_SCALE} fraction digits at most`);
  const tickSize = options.tickSize ?? "0.00000001";
  const lotSize =
    options.lotSize ?? (scales.sizeScale === 0 ? "1" : `0.${"1".padStart(scales.sizeScale, "0")}`);
  const needs = {
    priceScale: Math.max(scales.priceScale, fractionDigits(tickSize)),
    sizeScale: Math.max(scales.sizeScale, fractionDigits(lotSize)),
  };
  const builder = new TradeBatchBuilder("aggregate", needs, batch.length);
  builder.append(batch);
  const spec: SymbolSpec = {
    symbol: options.symbol,
    ...assetsOf(options.symbol),
    scales: needs,
    tickUnits: parseUnits(tickSize, needs.priceScale),
    lotUnits: parseUnits(lotSize, needs.sizeScale),
  };
  return marketOfBatch(spec, builder.build());
}

/** A market that answers the rows of `batch` (ids ascending, times not descending). */
export function marketOfBatch(spec: SymbolSpec, batch: TradeBatch): Market {
  const rowAtUs = (us: number) => lowerBound(batch.timeUs, batch.length, us);
  const rowAt = (minute: number) => rowAtUs(minute * 60_000_000);
  const minuteOf = (row: number) => minuteOfUs(batch.timeUs[row]!);
  // Candles begin with the first trade and end with its last day, as those of a symbol that was taken off the list.
  const span =
    batch.length === 0
      ? { lo: 0, hi: 0 }
      : {
          lo: minuteOf(0),
          hi: Math.ceil((minuteOf(batch.length - 1) + 1) / MINUTES_PER_DAY) * MINUTES_PER_DAY,
        };
  return {
    spec,
    span,
    tradesOf: (minute) => sliceBatch(batch, rowAt(minute), rowAt(minute + 1)),
    positionAt: rowAt,
    minuteOfPosition: minuteOf,
    positionOfId: (id) => lowerBound(batch.id, batch.length, id),
  };
}

/** A symbol that is listed and has never traded: what a played recording is about. */
export function createEmptyMarket(symbol: string, tickSize: string, lotSize: string): Market {
  return createRecordedMarket("", { symbol, tickSize, lotSize });
}

function parseArchive(csv: string, shiftUs: number): TradeBatch {
  const builder = new TradeBatchBuilder("aggregate", { priceScale: 0, sizeScale: 0 });
  const lines = csv.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === "" || (i === 0 && /^[a-z]/i.test(line))) continue;
    const fields = line.split(",");
    const [id, price, size, firstId, lastId, time, maker] = fields;
    if (fields.length !== 8 || price === undefined || size === undefined || maker === undefined)
      throw new ArchiveFileError(i + 1, `expected 8 fields, found ${fields.length}`);
    const stamp = wholeNumber(time, i);
    const buyerMaker = maker.toLowerCase();
    if (buyerMaker !== "true" && buyerMaker !== "false")
      throw new ArchiveFileError(i + 1, `expected true or false in field 7, found "${maker.slice(0, 20)}"`);
    try {
      builder.push({
        id: wholeNumber(id, i),
        price,
        size,
        firstId: wholeNumber(firstId, i),
        lastId: wholeNumber(lastId, i),
        timeUs: (stamp > MICROSECONDS_FROM ? stamp : stamp * US_PER_MS) + shiftUs,
        buy: buyerMaker === "false",
      });
    } catch (cause) {
      throw new ArchiveFileError(i + 1, cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
  const { batch } = sortedUnique(builder.build());
  for (let row = 1; row < batch.length; row++) {
    if (batch.timeUs[row]! < batch.timeUs[row - 1]!)
      throw new ArchiveFileError(
        0,
        `expected times that do not descend with the ids, found trade ${batch.id[row]} at ` +
          `${formatTime(batch.timeUs[row]! / US_PER_MS)} after ${formatTime(batch.timeUs[row - 1]! / US_PER_MS)}`,
      );
  }
  return batch;
}

function wholeNumber(text: string | undefined, index: number): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new ArchiveFileError(index + 1, `expected a whole number, found "${(text ?? "").slice(0, 20)}"`);
  return value;
}

/** First index of an ascending column whose value is `value` or more. */
function lowerBound(column: Float64Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (column[mid]! >= value) high = mid;
    else low = mid + 1;
  }
  return low;
}
