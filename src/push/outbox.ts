import { Buffer } from "node:buffer";
import type { PushTimers } from "./timers.ts";

/** A socket as push sees it; the numbers are those of Bun's ServerWebSocket. */
export interface PushSocket {
  /** Bytes sent; -1 when the frame was kept because the reader is behind; 0 when it was dropped. */
  send(frame: string): number;
  /** Bytes that `send` has kept and the reader has not taken. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
  /** A ping of the transport itself, where it has one that is answered by itself (`PushSession.ponged`). */
  readonly ping?: (() => void) | undefined;
}

export interface OutboxOptions {
  readonly timers: PushTimers;
  readonly bytesMax: number;
  readonly ageMaxMs: number;
  /** The reader is too slow, or a frame was dropped: nothing more is sent, the owner closes the connection. */
  readonly onOverflow: (finding: string) => void;
  /** The reader has caught up: conflated frames may be offered again. */
  readonly onReady: () => void;
}

/** Bytes of waiting frames joined into one message once the reader takes them. */
const BATCH_BYTES = 65_536;

interface Waiting {
  readonly frame: string;
  readonly bytes: number;
  readonly atMs: number;
}

/**
 * What one connection still has to get. Frames that must not be lost wait here, up to a size and an age; conflated frames do not
 * wait at all: while the reader is behind, `offer` refuses them and the channel merges.
 */
export class Outbox {
  readonly #socket: PushSocket;
  readonly #options: OutboxOptions;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #behind = false;
  /** How many frames waited before `hold`; undefined when nothing is held back. */
  #heldFrom: number | undefined;
  /** Since when the oldest lossless frame that the socket has kept waits; undefined when it keeps none. */
  #keptSinceMs: number | undefined;
  #cancelAge: (() => void) | undefined;
  #closed = false;

  constructor(socket: PushSocket, options: OutboxOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Whether a conflated frame would be taken now. */
  get ready(): boolean {
    return !this.#behind && !this.#closed && this.#heldFrom === undefined;
  }

  /** Bytes that the reader has not taken yet: ours and the socket's. */
  get bytes(): number {
    return this.#waitingBytes + (this.#behind ? this.#socket.bufferedBytes() : 0);
  }

  /** A reply or a lossless frame: sent now, or kept in order until the reader takes it. */
  send(frame: string): void {
    if (this.#closed) return;
    if (!this.#behind && this.#heldFrom === undefined) {
      this.#hand(frame, this.#options.timers.now());
      return;
    }
    const bytes = Buffer.byteLength(frame) + 1;
    const total = this.bytes + bytes;
    if (total > this.#options.bytesMax) {
      this.#overflow(`${total} bytes wait, at most ${this.#options.bytesMax} may`);
      return;
    }
    this.#waiting.push({ frame, bytes, atMs: this.#options.timers.now() });
    this.#waitingBytes += bytes;
    this.#watchAge();
  }

  /** A conflated frame. False when the reader is behind: merge it and offer again after `onReady`. */
  offer(frame: string): boolean {
    if (!this.ready) return false;
    this.#hand(frame, undefined);
    return true;
  }

  /** Keeps back what is sent from now on, until `release` says what goes before it. */
  hold(): void {
    this.#heldFrom ??= this.#waiting.length;
  }

  /** Sends `first`, and then what was kept back. */
  release(first: string): void {
    const at = this.#heldFrom;
    if (this.#closed || at === undefined) return;
    this.#heldFrom = undefined;
    const bytes = Buffer.byteLength(first) + 1;
    this.#waiting.splice(at, 0, { frame: first, bytes, atMs: this.#options.timers.now() });
    this.#waitingBytes += bytes;
    if (this.#behind) this.#watchAge();
    else this.#flush();
  }

  /** The socket has taken up some of what it kept. */
  drained(): void {
    if (this.#closed || !this.#behind || this.#socket.bufferedBytes() > 0) return;
    this.#behind = false;
    this.#keptSinceMs = undefined;
    this.#flush();
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.ready) this.#handBatch();
    this.#watchAge();
    if (this.ready) this.#options.onReady();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#cancelAge?.();
    this.#cancelAge = undefined;
  }

  #handBatch(): void {
    let count = 0;
    let bytes = 0;
    while (
      count < this.#waiting.length &&
      (count === 0 || bytes + this.#waiting[count]!.bytes <= BATCH_BYTES)
    )
      bytes += this.#waiting[count++]!.bytes;
    const batch = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    this.#hand(batch.map(({ frame }) => frame).join("\n"), batch[0]!.atMs);
  }

  /** `sinceMs` is undefined for a conflated frame: it may be late without harm. */
  #hand(frame: string, sinceMs: number | undefined): void {
    const sent = this.#socket.send(frame);
    if (sent > 0) return;
    if (sent === 0) {
      this.#overflow("the socket dropped a frame");
      return;
    }
    this.#behind = true;
    this.#keptSinceMs = sinceMs;
    this.#watchAge();
  }

  #oldestMs(): number | undefined {
    return this.#keptSinceMs ?? this.#waiting[0]?.atMs;
  }

  #watchAge(): void {
    const oldest = this.#oldestMs();
    // While frames are held back it is not the reader that is late.
    if (oldest === undefined || this.#closed || this.#heldFrom !== undefined) {
      this.#cancelAge?.();
      this.#cancelAge = undefined;
      return;
    }
    if (this.#cancelAge !== undefined) return;
    const { timers, ageMaxMs } = this.#options;
    this.#cancelAge = timers.after(Math.max(0, oldest + ageMaxMs - timers.now()), () => {
      this.#cancelAge = undefined;
      const now = this.#oldestMs();
      const waitedMs = now === undefined ? 0 : timers.now() - now;
      if (waitedMs < ageMaxMs) this.#watchAge();
      else this.#overflow(`a frame has waited ${Math.round(waitedMs)} ms, at most ${ageMaxMs} may pass`);
    });
  }

  #overflow(finding: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.onOverflow(finding);
  }
}
