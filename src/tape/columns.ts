import {
  DuckDBBigIntVector,
  DuckDBBooleanVector,
  type DuckDBDataChunk,
  DuckDBDecimal64Vector,
  DuckDBDecimal128Vector,
  DuckDBHugeIntVector,
  type DuckDBVector,
} from "@duckdb/node-api";
import { invariant } from "../core/mod.ts";

/** Digits of the tape's DECIMAL columns: 10^18 holds every safe integer. */
export const DECIMAL_WIDTH = 18;

const TWO_32 = 4_294_967_296;
/** High words of safe integers lie below this. */
const SAFE_HIGH = 0x20_0000;

/** Answers which row of a batch stands at place `i` of a chunk. */
export type RowAt = (i: number) => number;

/**
 * A BIGINT or DECIMAL(18) column as 32-bit words, low before high (every platform that Bun runs on is little-endian):
 * a BigInt, and for decimals an object, for each value would cost ten times as much. The bindings hide these arrays
 * from TypeScript, so their type is checked here, once a chunk.
 */
function wordsOf(vector: DuckDBVector, at: number): Int32Array {
  if (vector instanceof DuckDBDecimal64Vector) return wordsIn(vector["dataView"], at);
  invariant(
    vector instanceof DuckDBBigIntVector,
    `column ${at} is ${vector.type}, expected BIGINT or DECIMAL(18)`,
  );
  return wordsIn(vector["items"], at);
}

function wordsIn(data: unknown, at: number): Int32Array {
  invariant(
    data instanceof DataView || data instanceof BigInt64Array,
    `the bindings keep column ${at} in another way than this version knows`,
  );
  return new Int32Array(data.buffer, data.byteOffset, data.byteLength / Int32Array.BYTES_PER_ELEMENT);
}

/** Writes non-negative safe integers into a BIGINT column, or units into a DECIMAL(18, …) column. */
export function writeIntegers(chunk: DuckDBDataChunk, at: number, column: Float64Array, row: RowAt): void {
  const vector = chunk.getColumnVector(at);
  const words = wordsOf(vector, at);
  for (let i = 0; i < vector.itemCount; i++) {
    const value = column[row(i)]!;
    words[2 * i] = value % TWO_32;
    words[2 * i + 1] = Math.floor(value / TWO_32);
  }
  vector.flush();
}

export function writeBooleans(chunk: DuckDBDataChunk, at: number, column: Uint8Array, row: RowAt): void {
  const vector = chunk.getColumnVector(at);
  invariant(vector instanceof DuckDBBooleanVector, `column ${at} is no BOOLEAN`);
  for (let i = 0; i < vector.itemCount; i++) vector.setItem(i, column[row(i)] === 1);
  vector.flush();
}

/** Reads a BIGINT column, or the units of a DECIMAL(18, …) column, of non-negative safe integers. */
export function readIntegers(chunk: DuckDBDataChunk, at: number, into: Float64Array, offset: number): void {
  const vector = chunk.getColumnVector(at);
  const words = wordsOf(vector, at);
  let safe = true;
  for (let i = 0; i < vector.itemCount; i++) {
    const high = words[2 * i + 1]!;
    if (high >= SAFE_HIGH || high < 0) safe = false;
    into[offset + i] = high * TWO_32 + (words[2 * i]! >>> 0);
  }
  invariant(safe, `column ${at} holds an integer that is negative or beyond 2^53 − 1`);
}

export function readBooleans(chunk: DuckDBDataChunk, at: number, into: Uint8Array, offset: number): void {
  const vector = chunk.getColumnVector(at);
  invariant(vector instanceof DuckDBBooleanVector, `column ${at} is no BOOLEAN`);
  for (let i = 0; i < vector.itemCount; i++) into[offset + i] = vector.getItem(i) === true ? 1 : 0;
}

/** The integer, or the units of the decimal, at one place of a column of any width; 0 for NULL (an empty sum). */
export function bigintAt(chunk: DuckDBDataChunk, at: number, row: number): bigint {
  const vector = chunk.getColumnVector(at);
  if (vector instanceof DuckDBDecimal64Vector || vector instanceof DuckDBDecimal128Vector)
    return vector.getScaledValue(row) ?? 0n;
  invariant(
    vector instanceof DuckDBBigIntVector || vector instanceof DuckDBHugeIntVector,
    `column ${at} is a ${vector.type}, expected an integer or a decimal`,
  );
  return vector.getItem(row) ?? 0n;
}

/** The same as a safe integer. */
export function numberAt(chunk: DuckDBDataChunk, at: number, row: number): number {
  const value = Number(bigintAt(chunk, at, row));
  invariant(Number.isSafeInteger(value), `column ${at} holds ${value}, beyond 2^53 − 1`);
  return value;
}
