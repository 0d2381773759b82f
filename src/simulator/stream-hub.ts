import type { Faults } from "./faults.ts";
import type { Listings } from "./listing.ts";
import { createLivePump, type LivePump } from "./live-pump.ts";
import { type Playback, startPlayback } from "./playback.ts";
import type { Recording } from "./recording.ts";
import type { SocketPlan } from "./stream-name.ts";
import { openSession, type SimulatedSocket, type StreamSession } from "./stream-session.ts";
import type { Timers } from "./timers.ts";

export interface StreamOptions {
  /** How often readers are pinged. Default 20,000. */
  readonly pingMs?: number;
  /** A reader that answers no ping for so long is cut off. Default 60,000. */
  readonly pongTimeoutMs?: number;
  /** Age at which a connection is ended. Default 24 h. */
  readonly lifetimeMs?: number;
  /** How often live trades are sent. Default 50. */
  readonly tickMs?: number;
  /** Connections accepted in five minutes. Default 300. */
  readonly connectsMax?: number;
}

export interface HubContext {
  readonly listings: Listings;
  readonly recordings: readonly Recording[];
  /** Recorded seconds in one second; 0 as fast as the reader takes it. */
  readonly pace: number;
  readonly faults: Faults;
  readonly timers: Timers;
  readonly nowMs: () => number;
}

/** What can be done to open sockets from outside. */
export type SocketAction = "drop" | "close" | "end" | "freeze" | "silence" | "server_shutdown";

export interface SocketState {
  readonly id: number;
  readonly opened_ms: number;
  readonly streams: readonly string[];
  readonly frozen: boolean;
  readonly sent: number;
  readonly played: number;
}

/** A socket's end of the conversation, called by whoever owns the real one. */
export interface SocketHandler {
  message(text: string): void;
  pong(): void;
  closed(): void;
}

/** Every open socket and what flows to it. */
export interface StreamHub {
  /** False when too many connections came lately. */
  mayConnect(): boolean;
  open(plan: SocketPlan, socket: SimulatedSocket): SocketHandler;
  /** Does `action` to the sockets that have a stream of `symbol` (all without one), at most `count`; answers how many. */
  act(action: SocketAction, symbol?: string, count?: number): number;
  sockets(): readonly SocketState[];
  close(): void;
}

const TICK_MS = 50;
const PING_MS = 20_000;
const PONG_TIMEOUT_MS = 60_000;
const LIFETIME_MS = 86_400_000;
const CONNECTS_MAX = 300;
const CONNECT_WINDOW_MS = 300_000;
/** A reader with more than this waiting is cut off. */
const BUFFERED_BYTES_MAX = 8 * 1_048_576;
/** After a longer pause of the process the sockets are cut instead of flooded. */
const CATCH_UP_MS_MAX = 300_000;
const GOING_AWAY = 1001;
const NORMAL = 1000;

interface Member {
  readonly session: StreamSession;
  readonly playbacks: Map<Recording, Playback>;
  pingedMs: number;
  pongedMs: number;
}

export function createStreamHub(context: HubContext, options: StreamOptions = {}): StreamHub {
  const { listings, recordings, faults, timers, nowMs } = context;
  const pingMs = options.pingMs ?? PING_MS;
  const pongTimeoutMs = options.pongTimeoutMs ?? PONG_TIMEOUT_MS;
  const lifetimeMs = options.lifetimeMs ?? LIFETIME_MS;
  const connectsMax = options.connectsMax ?? CONNECTS_MAX;
  const members = new Map<number, Member>();
  const connects: number[] = [];
  const playedSymbols = new Set(recordings.flatMap(({ symbols }) => [...symbols.keys()]));
  /** Live trades of every symbol that is not played from a recording. */
  const pumps = new Map<string, LivePump>();
  for (const [symbol, listing] of listings)
    if (!playedSymbols.has(symbol)) pumps.set(symbol, createLivePump(listing, faults));
  let ids = 0;
  let stopTicks: (() => void) | undefined;
  let tickedMs = 0;

  const changed = (session: StreamSession) => {
    const member = members.get(session.id);
    if (member === undefined) return;
    const symbols = new Set([...session.streams.values()].map(({ symbol }) => symbol));
    for (const recording of recordings) {
      const wanted =
        recording.symbols.size === 0
          ? symbols.size > 0
          : [...symbols].some((symbol) => recording.symbols.has(symbol));
      if (!wanted || member.playbacks.has(recording)) continue;
      member.playbacks.set(
        recording,
        startPlayback(session, { recording, pace: context.pace, timers, nowMs }),
      );
    }
  };

  const keep = (member: Member, now: number) => {
    const { session } = member;
    if (session.frozen) return;
    if (session.socket.bufferedBytes() > BUFFERED_BYTES_MAX) session.socket.terminate();
    else if (now - session.openedMs >= lifetimeMs) session.socket.close(GOING_AWAY, "24 h are over");
    else if (member.pingedMs - member.pongedMs > pongTimeoutMs) session.socket.terminate();
    else if (now - member.pingedMs >= pingMs) {
      member.pingedMs = now;
      session.socket.ping();
    }
  };

  const tick = () => {
    const now = nowMs();
    if (now - tickedMs > CATCH_UP_MS_MAX) {
      for (const { session } of members.values()) session.socket.terminate();
      for (const pump of pumps.values()) pump.rest();
    }
    tickedMs = now;
    for (const member of [...members.values()]) keep(member, now);
    const readersOf = new Map<string, Set<StreamSession>>();
    for (const { session } of members.values())
      for (const { symbol } of session.streams.values()) {
        const readers = readersOf.get(symbol) ?? new Set();
        readersOf.set(symbol, readers.add(session));
      }
    for (const [symbol, pump] of pumps) {
      const readers = readersOf.get(symbol);
      if (readers === undefined) pump.rest();
      else pump.tick([...readers], now);
    }
  };

  const run = () => {
    if (stopTicks !== undefined) return;
    tickedMs = nowMs();
    stopTicks = timers.every(options.tickMs ?? TICK_MS, tick);
  };

  const forget = (id: number) => {
    for (const playback of members.get(id)?.playbacks.values() ?? []) playback.stop();
    members.delete(id);
    if (members.size > 0) return;
    stopTicks?.();
    stopTicks = undefined;
    for (const pump of pumps.values()) pump.rest();
  };

  const perform = (action: SocketAction, session: StreamSession, symbol: string | undefined) => {
    if (action === "drop") session.socket.terminate();
    else if (action === "close") session.socket.close(NORMAL, "closed on demand");
    else if (action === "end") session.socket.close(GOING_AWAY, "24 h are over");
    else if (action === "freeze") session.freeze();
    else if (action === "silence") session.silence(symbol);
    else session.announce("serverShutdown", `{"e":"serverShutdown","E":${nowMs() + faults.skewMs()}}`);
  };

  return {
    mayConnect() {
      const now = nowMs();
      while (connects.length > 0 && now - connects[0]! > CONNECT_WINDOW_MS) connects.shift();
      if (connects.length >= connectsMax) return false;
      connects.push(now);
      return true;
    },
    open(plan, socket) {
      const id = ++ids;
      const openedMs = nowMs();
      const session = openSession({ id, socket, plan, faults, openedMs, onChange: changed });
      const member: Member = { session, playbacks: new Map(), pingedMs: openedMs, pongedMs: openedMs };
      members.set(id, member);
      run();
      changed(session);
      return {
        message: (text) => session.message(text, nowMs()),
        pong() {
          member.pongedMs = nowMs();
        },
        closed: () => forget(id),
      };
    },
    act(action, symbol, count = Number.POSITIVE_INFINITY) {
      let affected = 0;
      for (const { session } of [...members.values()]) {
        if (affected >= count) break;
        const has = [...session.streams.values()].some((stream) => stream.symbol === symbol);
        if (symbol !== undefined && !has) continue;
        perform(action, session, symbol);
        affected++;
      }
      return affected;
    },
    sockets: () =>
      [...members.values()].map(({ session, playbacks }) => ({
        id: session.id,
        opened_ms: session.openedMs,
        streams: [...session.streams.keys()],
        frozen: session.frozen,
        sent: session.sent,
        played: [...playbacks.values()].reduce((sum, { played }) => sum + played, 0),
      })),
    close() {
      for (const { session } of [...members.values()]) session.socket.terminate();
      for (const id of [...members.keys()]) forget(id);
    },
  };
}
