import { Buffer } from "node:buffer";
import type { Socket } from "bun";

/** What is done with the frames of one connection; `text` is valid only during the call. */
export type OnFrame = (reader: RawReader, text: Buffer) => void;

export interface RawReaderOptions {
  readonly port: number;
  /** Address on this machine that is connected to. Default 127.0.0.1. */
  readonly hostname?: string;
  /** Sent at once after the handshake: commands, one a line. */
  readonly commands: string;
  readonly onFrame: OnFrame;
}

const OPCODE_TEXT = 0x1;
const OPCODE_CLOSE = 0x8;
const MASK_BIT = 0x80;
/** Masked with zeros, `{}`: the answer to a ping. */
const PONG = Buffer.from([0x81, MASK_BIT | 2, 0, 0, 0, 0, 0x7b, 0x7d]);
const END_OF_HEADERS = "\r\n\r\n";
const CONNECT_TIMEOUT_MS = 10_000;
/** Handshakes under way at a time. */
const HANDSHAKES = 64;

/**
 * A WebSocket reader on bare TCP: it finds the frames, answers pings, and leaves everything else to its owner, so that a thousand of
 * them leave the machine to the server that is measured.
 */
export class RawReader {
  frames = 0;
  bytes = 0;
  /** Set by a close frame, or 1006 when the connection ended without one. */
  closeCode: number | undefined;
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose rest has not come. */
  #rest: Buffer | undefined;
  #socket: Socket<undefined> | undefined;
  #open = false;

  private constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Connects, shakes hands and sends its commands; rejects when that takes longer than ten seconds. */
  static async connect(options: RawReaderOptions): Promise<RawReader> {
    const { port, hostname = "127.0.0.1", commands, onFrame } = options;
    const reader = new RawReader(onFrame);
    const opened = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => opened.reject(new Error("a connection was not answered")),
      CONNECT_TIMEOUT_MS,
    );
    const request = [
      "GET /connection/websocket HTTP/1.1",
      `Host: ${hostname}:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ];
    reader.#socket = await Bun.connect({
      hostname,
      port,
      socket: {
        open: (socket) => void socket.write(`${request.join("\r\n")}${END_OF_HEADERS}`),
        data: (socket, chunk) => {
          if (reader.#open) {
            reader.#take(chunk);
            return;
          }
          const end = chunk.indexOf(END_OF_HEADERS);
          if (end < 0 || !chunk.subarray(0, 12).toString().endsWith("101"))
            opened.reject(new Error(`refused: ${chunk.subarray(0, 40).toString()}`));
          reader.#open = true;
          socket.write(masked(commands));
          opened.resolve();
          if (end + 4 < chunk.length) reader.#take(chunk.subarray(end + 4));
        },
        close: () => {
          reader.closeCode ??= 1006;
          opened.reject(new Error("closed during the handshake"));
        },
        error: (_, error) => opened.reject(error),
      },
    });
    try {
      await opened.promise;
    } finally {
      clearTimeout(timer);
    }
    return reader;
  }

  /** `count` of them, some at a time. */
  static async connectMany(count: number, options: (at: number) => RawReaderOptions): Promise<RawReader[]> {
    const readers: RawReader[] = [];
    for (let first = 0; first < count; first += HANDSHAKES) {
      const wave = Array.from({ length: Math.min(HANDSHAKES, count - first) }, (_, at) =>
        RawReader.connect(options(first + at)),
      );
      readers.push(...(await Promise.all(wave)));
    }
    return readers;
  }

  /** Takes nothing more from the kernel: a reader that hangs. */
  stopReading(): void {
    this.#socket?.pause();
  }

  readOn(): void {
    this.#socket?.resume();
  }

  send(commands: string): void {
    this.#socket?.write(masked(commands));
  }

  end(): void {
    this.#socket?.terminate();
  }

  #take(chunk: Buffer): void {
    this.bytes += chunk.length;
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (data.length - at >= 2) {
      let start = at + 2;
      let length = data[at + 1]! & 0x7f;
      if (length >= 126) {
        start += length === 126 ? 2 : 8;
        if (data.length < start) break;
        length = length === 126 ? data.readUInt16BE(at + 2) : data.readUIntBE(at + 4, 6);
      }
      if (data.length < start + length) break;
      this.#frame(data[at]! & 0x0f, data.subarray(start, start + length));
      at = start + length;
    }
    if (at < data.length) this.#rest = Buffer.from(data.subarray(at));
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE_CLOSE) this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    if (opcode !== OPCODE_TEXT) return;
    this.frames += 1;
    if (payload.length === 2) this.#socket?.write(PONG);
    else this.#onFrame(this, payload);
  }
}

/** A text frame with a mask of zeros. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const header =
    payload.length < 126
      ? [0x81, MASK_BIT | payload.length]
      : [0x81, MASK_BIT | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}
