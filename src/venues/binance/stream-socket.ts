import type { Timers } from "../../core/mod.ts";

/** How long a connection may take to open, ms. */
const CONNECT_MS_MAX = 10_000;
/** How long a connection may carry neither frame nor ping; the venue pings every 20 s, ms. */
const IDLE_MS_MAX = 60_000;
/** How long a close handshake may take, ms. */
const CLOSE_MS_MAX = 1_000;

/** What WebSockets of some runtimes have beyond the standard: an end without a handshake. */
interface Terminable {
  terminate(): void;
}

export type CreateSocket = (url: string) => WebSocket;

export interface StreamSocketOptions {
  readonly url: string;
  readonly timers: Timers;
  readonly createSocket: CreateSocket;
  /** Default 10,000. */
  readonly connectMsMax?: number | undefined;
  /** Default 60,000. */
  readonly idleMsMax?: number | undefined;
  readonly onOpen: () => void;
  readonly onFrame: (frame: unknown) => void;
  /** The connection is over or no longer believed; told once, and nothing after it. `code` as the peer closed it. */
  readonly onEnd: (reason: string, code: number | undefined) => void;
}

/** One WebSocket connection from its opening to its end, with the time-outs that notice a dead one. */
export class StreamSocket {
  readonly #options: StreamSocketOptions;
  readonly #idleMsMax: number;
  readonly #socket: WebSocket;
  readonly #closed: Promise<void>;
  #cancelTimer: () => void;
  #aliveMs: number;
  #live = true;
  #probes = 0;

  constructor(options: StreamSocketOptions) {
    this.#options = options;
    const { timers, connectMsMax = CONNECT_MS_MAX, idleMsMax = IDLE_MS_MAX } = options;
    this.#idleMsMax = idleMsMax;
    this.#aliveMs = timers.now();
    this.#socket = options.createSocket(options.url);
    this.#cancelTimer = timers.after(connectMsMax, () => this.#end(`not open within ${connectMsMax} ms`));
    const closed = Promise.withResolvers<void>();
    this.#closed = closed.promise;
    this.#socket.addEventListener("open", () => this.#onOpen());
    this.#socket.addEventListener("message", (event) => this.#onMessage(event.data));
    // Not every runtime shows pings; where they stay hidden, the question in #watch takes their place.
    this.#socket.addEventListener("ping", () => this.#touch());
    this.#socket.addEventListener("close", (event) => {
      closed.resolve();
      this.#end(`closed by the venue: ${event.code} ${event.reason}`.trimEnd(), event.code);
    });
    // A failed handshake tells `error` and then `close`; the latter is what counts.
    this.#socket.addEventListener("error", () => {});
  }

  /** Ends it without telling; resolves when the socket is gone, at the latest after a second. */
  async close(): Promise<void> {
    this.#release();
    const late = Promise.withResolvers<void>();
    const cancel = this.#options.timers.after(CLOSE_MS_MAX, late.resolve);
    this.#socket.close(1000);
    await Promise.race([this.#closed, late.promise]);
    cancel();
    if (this.#socket.readyState !== WebSocket.CLOSED) this.#terminate();
  }

  #onOpen(): void {
    if (!this.#live) return;
    this.#cancelTimer();
    this.#touch();
    this.#watch();
    this.#options.onOpen();
  }

  #onMessage(frame: unknown): void {
    if (!this.#live) return;
    this.#touch();
    this.#options.onFrame(frame);
  }

  #touch(): void {
    this.#aliveMs = this.#options.timers.now();
  }

  /** Looks again when half of the allowed silence has passed, asks then for a sign of life, and gives up after all of it. */
  #watch(): void {
    const quietMs = this.#options.timers.now() - this.#aliveMs;
    const half = this.#idleMsMax / 2;
    if (quietMs >= this.#idleMsMax) {
      this.#end(`half-open: neither frame nor ping for ${quietMs} ms`);
      return;
    }
    if (quietMs >= half && this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(JSON.stringify({ method: "LIST_SUBSCRIPTIONS", id: ++this.#probes }));
    const waitMs = quietMs >= half ? this.#idleMsMax - quietMs : half - quietMs;
    this.#cancelTimer = this.#options.timers.after(Math.max(1, waitMs), () => this.#watch());
  }

  #end(reason: string, code?: number): void {
    if (!this.#live) return;
    this.#release();
    this.#terminate();
    this.#options.onEnd(reason, code);
  }

  #release(): void {
    this.#live = false;
    this.#cancelTimer();
  }

  /** A peer that is gone answers no close handshake; where the runtime can, the socket ends without one. */
  #terminate(): void {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    if (isTerminable(this.#socket)) this.#socket.terminate();
    else this.#socket.close();
  }
}

function isTerminable(socket: object): socket is Terminable {
  return "terminate" in socket && typeof socket.terminate === "function";
}
