import { backoffMs, type Timers } from "../../core/mod.ts";
import type { ConnectGate } from "./connect-gate.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { type CreateSocket, StreamSocket } from "./stream-socket.ts";

/** Bounds of the waits between failing connections, ms. */
const RECONNECT_WAIT = { baseMs: 500, maxMs: 30_000 };
/** A connection that lasted this long was a good one: the next wait starts small again, ms. */
const STABLE_MS = 10_000;
/** The venue ends a connection at 24 h; another takes over before, ms. */
const LIFETIME_MS = 23.5 * 60 * 60 * 1_000;
/** How long two connections deliver side by side when one takes over from the other, ms. */
const OVERLAP_MS = 5_000;
/** The shortest wait after the venue closed for a breach of its rules (1008), ms. */
const POLICY_WAIT_MS = 30_000;
const POLICY_VIOLATION = 1008;

/** Limits of a live connection; each has the default that stands beside its use. */
export interface ConnectionLimits {
  /** Default 10,000. */
  readonly connectMsMax?: number;
  /** Neither frame nor ping for so long: half-open. Default 60,000. */
  readonly idleMsMax?: number;
  /** No trade for so long: ask whether the market is quiet. Default 30,000. */
  readonly silenceMsMax?: number;
  /** How long a trade may be under way. Default 2000. */
  readonly graceMs?: number;
  /** Default 23.5 h. */
  readonly lifetimeMs?: number;
  /** Default 5000. */
  readonly overlapMs?: number;
}

export interface StreamGroupOptions {
  readonly symbols: readonly string[];
  readonly url: string;
  readonly timers: Timers;
  /** Answers [0, 1). */
  readonly random: () => number;
  readonly createSocket: CreateSocket;
  readonly gate: ConnectGate;
  readonly limits: ConnectionLimits;
  readonly newestId: (symbol: string) => Promise<number>;
  /** `saw` is told of every trade that the frame turned out to be. */
  readonly onFrame: (frame: unknown, lane: Lane) => void;
  readonly onConnect: () => void;
  readonly onUp: (symbol: string) => void;
  readonly onDown: (symbol: string, reason: string) => void;
}

/** One connection of a group, and what is known of its streams. */
export interface Lane {
  readonly socket: StreamSocket;
  /** When it opened; undefined while it connects. */
  openedAtMs: number | undefined;
  silence: SilenceWatch | undefined;
  /** It shall be replaced. */
  spent: boolean;
}

/**
 * Keeps the streams of up to 200 symbols alive over one connection, and over two while one takes over from the other.
 *
 * ```
 *            open                      lifetime, shutdown, silent stream
 *   next ───────────► current ───────────────────────────────────────────► next connects beside it,
 *    ▲                   │ ends                                             both deliver for the overlap,
 *    └──── backoff ◄─────┘ (down, unless next is open already)              then the old one closes
 * ```
 */
export class StreamGroup {
  readonly #options: StreamGroupOptions;
  readonly #up = new Set<string>();
  /** Delivers, and is the one that is believed. */
  #current: Lane | undefined;
  /** Connects, or delivers beside the current one until it takes over. */
  #next: Lane | undefined;
  #attempt = 0;
  #cancelConnect: (() => void) | undefined;
  #cancelTakeover: () => void = () => {};
  #cancelLifetime: () => void = () => {};
  #closing = false;

  constructor(options: StreamGroupOptions) {
    this.#options = options;
    this.#connectIn(0);
  }

  /** Whether the stream of a symbol is believed. */
  isUp(symbol: string): boolean {
    return this.#up.has(symbol);
  }

  /** Brings up another connection, which takes over from the running one. */
  replace(lane: Lane): void {
    if (lane.spent || this.#closing) return;
    lane.spent = true;
    this.#connectIn(this.#waitAfter(lane));
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelConnect?.();
    this.#cancelTakeover();
    this.#cancelLifetime();
    const lanes = [this.#current, this.#next].filter((lane) => lane !== undefined);
    this.#current = undefined;
    this.#next = undefined;
    await Promise.all(lanes.map((lane) => this.#drop(lane)));
  }

  #connectIn(delayMs: number): void {
    if (this.#closing || this.#next !== undefined || this.#cancelConnect !== undefined) return;
    const { timers, gate } = this.#options;
    this.#cancelConnect = timers.after(gate.reserve(delayMs), () => {
      this.#cancelConnect = undefined;
      if (gate.banned) this.#connectIn(0);
      else this.#next = this.#connect();
    });
  }

  #connect(): Lane {
    const { timers, createSocket, limits, onFrame, url } = this.#options;
    const socket = new StreamSocket({
      url,
      timers,
      createSocket,
      connectMsMax: limits.connectMsMax,
      idleMsMax: limits.idleMsMax,
      onOpen: () => this.#onOpen(lane),
      onFrame: (frame) => onFrame(frame, lane),
      onEnd: (reason, code) => this.#onEnd(lane, reason, code),
    });
    const lane: Lane = { socket, openedAtMs: undefined, silence: undefined, spent: false };
    return lane;
  }

  #onOpen(lane: Lane): void {
    const { timers, limits, newestId, onConnect, onUp, symbols } = this.#options;
    lane.openedAtMs = timers.now();
    lane.silence = new SilenceWatch({
      symbols,
      timers,
      silenceMsMax: limits.silenceMsMax,
      graceMs: limits.graceMs,
      newestId,
      onSilent: (symbol) => this.#onSilent(lane, symbol),
    });
    onConnect();
    if (this.#current === undefined) this.#promote(lane);
    else this.#cancelTakeover = timers.after(limits.overlapMs ?? OVERLAP_MS, () => this.#promote(lane));
    for (const symbol of symbols) {
      if (this.#up.has(symbol)) continue;
      this.#up.add(symbol);
      onUp(symbol);
    }
  }

  /** The next connection becomes the current one, and the old one closes. */
  #promote(lane: Lane): void {
    const old = this.#current;
    this.#cancelTakeover();
    this.#cancelLifetime();
    this.#current = lane;
    this.#next = undefined;
    const { timers, limits } = this.#options;
    const age = timers.now() - (lane.openedAtMs ?? timers.now());
    const restMs = Math.max(0, (limits.lifetimeMs ?? LIFETIME_MS) - age);
    this.#cancelLifetime = timers.after(restMs, () => this.replace(lane));
    if (old !== undefined) void this.#drop(old);
    // It was found wanting while it waited for its turn.
    if (lane.spent) this.#connectIn(this.#waitAfter(lane));
  }

  #onEnd(lane: Lane, reason: string, code: number | undefined): void {
    lane.silence?.stop();
    const waitMs = Math.max(this.#waitAfter(lane), code === POLICY_VIOLATION ? POLICY_WAIT_MS : 0);
    if (lane === this.#next) {
      this.#next = undefined;
      this.#cancelTakeover();
    } else if (lane === this.#current) {
      this.#cancelLifetime();
      this.#current = undefined;
      const next = this.#next;
      if (next?.openedAtMs !== undefined) {
        this.#promote(next);
        return;
      }
      for (const symbol of [...this.#up]) this.#fall(symbol, reason);
    }
    this.#connectIn(waitMs);
  }

  #onSilent(lane: Lane, symbol: string): void {
    this.#fall(symbol, "silent subscription");
    this.replace(lane);
  }

  #fall(symbol: string, reason: string): void {
    if (this.#up.delete(symbol)) this.#options.onDown(symbol, reason);
  }

  /** How long to wait before the connection that follows `lane`: nothing after a good one's planned end. */
  #waitAfter(lane: Lane): number {
    const { timers, random } = this.#options;
    const stable = lane.openedAtMs !== undefined && timers.now() - lane.openedAtMs >= STABLE_MS;
    if (stable) this.#attempt = 0;
    if (stable && lane.spent) return 0;
    this.#attempt++;
    return backoffMs(this.#attempt, random, 0, RECONNECT_WAIT);
  }

  async #drop(lane: Lane): Promise<void> {
    lane.silence?.stop();
    await lane.socket.close();
  }
}
