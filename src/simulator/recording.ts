import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { fractionDigits } from "../core/mod.ts";

/** A frame as a recorder took it. */
export interface RecordedFrame {
  /** When the recorder received it, ms since the epoch; the time before it for a line without one. */
  readonly receivedMs: number;
  readonly text: string;
}

/** A recorded WebSocket session. */
export interface Recording {
  readonly name: string;
  readonly frames: readonly RecordedFrame[];
  /** Symbols whose streams stand in it, upper case, with the fraction digits that their trades need. */
  readonly symbols: ReadonlyMap<string, RecordedDigits>;
}

/** Most fraction digits seen in the trades of a symbol. */
export interface RecordedDigits {
  readonly price: number;
  readonly size: number;
}

/** No recorded session is as large; a larger file was given by mistake. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
const NANOSECONDS_LINE = /^(\d{16,20}) (.*)$/;
const SECONDS_LINE = /^(\d{9,11}(?:\.\d+)?): (.*)$/;
const ADDRESS_LINE = /^wss?:\/\//;
const STREAM = /^\{"stream":"([a-z0-9_.-]+)@/;
const TRADE = /"p":"(\d+\.?\d*)","q":"(\d+\.?\d*)"/;

/** A file that cannot be a recorded session. */
export class RecordingFileError extends Error {
  override readonly name = "RecordingFileError";
}

/** Reads a recorded session, plain or in gzip. Throws {@link RecordingFileError}. */
export async function readRecording(path: string): Promise<Recording> {
  const bytes = await readFile(path);
  if (bytes.byteLength > FILE_BYTES_MAX)
    throw new RecordingFileError(`recording ${path}: expected at most ${FILE_BYTES_MAX} bytes`);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return parseRecording(basename(path), text);
}

/**
 * Reads lines of `<receive ns> <frame>` or `<receive s.us>: <frame>`. Address lines of the recorder and blank lines are
 * no frames; any other line is one as it stands, JSON or not. Throws {@link RecordingFileError} without any frame.
 */
export function parseRecording(name: string, text: string): Recording {
  const frames: RecordedFrame[] = [];
  const symbols = new Map<string, RecordedDigits>();
  let receivedMs = 0;
  for (const line of text.split("\n")) {
    if (line === "" || ADDRESS_LINE.test(line)) continue;
    const frame = readLine(line, receivedMs);
    receivedMs = frame.receivedMs;
    frames.push(frame);
    const stream = STREAM.exec(frame.text);
    if (stream === null) continue;
    const symbol = stream[1]!.toUpperCase();
    symbols.set(symbol, digitsOf(frame.text, symbols.get(symbol)));
  }
  if (frames.length === 0) throw new RecordingFileError(`recording ${name}: expected frames, found none`);
  return { name, frames, symbols };
}

function readLine(line: string, beforeMs: number): RecordedFrame {
  const nanoseconds = NANOSECONDS_LINE.exec(line);
  if (nanoseconds !== null) return { receivedMs: Number(nanoseconds[1]) / 1e6, text: nanoseconds[2]! };
  const seconds = SECONDS_LINE.exec(line);
  if (seconds !== null) return { receivedMs: Number(seconds[1]) * 1_000, text: seconds[2]! };
  return { receivedMs: beforeMs, text: line };
}

function digitsOf(text: string, before: RecordedDigits = { price: 0, size: 0 }): RecordedDigits {
  const trade = TRADE.exec(text);
  if (trade === null) return before;
  return {
    price: Math.max(before.price, fractionDigits(trade[1]!)),
    size: Math.max(before.size, fractionDigits(trade[2]!)),
  };
}
