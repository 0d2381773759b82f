/**
 * What a conflated frame costs per connection: the hub (difference from the last frame, encoded once) against the obvious way
 * (every connection gets its own JSON.stringify of the whole set). Sockets only count bytes, so this is the cost of our own code.
 *
 *   bun scripts/bench/push-fanout.ts
 */
import { Buffer } from "node:buffer";
import { PUSH_LIMITS, PushHub, type PushSocket } from "../../src/push/mod.ts";
import { levelState } from "./level-frames.ts";

const CONNECTIONS = [10, 100, 1_000, 5_000] as const;
const ROUNDS = 200;
const CHANNEL = "levels:binance:BTCUSDT";

interface Result {
  readonly usPerFrame: number;
  readonly bytesPerFrame: number;
  /** How long a turn of the event loop was held, 99th percentile, ms. */
  readonly turnP99Ms: number;
}

class CountingSocket implements PushSocket {
  bytes = 0;
  frames = 0;

  send(frame: string): number {
    const bytes = Buffer.byteLength(frame);
    this.bytes += bytes;
    this.frames += 1;
    return bytes;
  }

  bufferedBytes(): number {
    return 0;
  }

  close(): void {}
}

async function throughHub(connections: number): Promise<Result> {
  let state = levelState(0);
  // A clock that stands still until what is due next.
  let clockMs = 0;
  const due: { readonly atMs: number; readonly run: () => void }[] = [];
  const hub = new PushHub({
    timers: {
      now: () => clockMs,
      after: (delayMs, run) => {
        const entry = { atMs: clockMs + delayMs, run };
        // What limits a connection (its ping, its patience) is not measured.
        if (delayMs <= PUSH_LIMITS.conflateMs) due.push(entry);
        return () => void due.splice(0, due.length, ...due.filter((each) => each !== entry));
      },
    },
    nowMs: () => 0,
    resolve: () => ({ kind: "source", source: { kind: "conflated", current: () => state } }),
    defaultVenue: "binance",
    newClientId: () => "bench",
    version: "bench",
    onError: (error) => {
      throw error;
    },
    limits: { connectionsMax: connections },
  });
  const sockets = Array.from({ length: connections }, () => new CountingSocket());
  for (const socket of sockets)
    hub.accept(socket)?.message(`{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"${CHANNEL}"}}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return measure(
    sockets,
    (round) => {
      state = levelState(round);
      hub.touch(CHANNEL);
    },
    () => {
      const next = due.reduce((least, each) => (each.atMs < least.atMs ? each : least), due[0]!);
      if (next === undefined) return undefined;
      due.splice(due.indexOf(next), 1);
      clockMs = Math.max(clockMs, next.atMs);
      return next.run;
    },
  );
}

function naively(connections: number): Result {
  const sockets = Array.from({ length: connections }, () => new CountingSocket());
  return measure(
    sockets,
    (round) => {
      const state = levelState(round);
      for (const socket of sockets)
        socket.send(
          JSON.stringify({
            push: { channel: CHANNEL, pub: { data: { ...state.fields, revision: state.revision } } },
          }),
        );
    },
    () => undefined,
  );
}

function measure(
  sockets: readonly CountingSocket[],
  act: (round: number) => void,
  next: () => (() => void) | undefined,
): Result {
  for (const socket of sockets) socket.bytes = socket.frames = 0;
  const turnsMs: number[] = [];
  let totalMs = 0;
  const timed = (run: () => void) => {
    const start = performance.now();
    run();
    const tookMs = performance.now() - start;
    totalMs += tookMs;
    turnsMs.push(tookMs);
  };
  for (let round = 1; round <= ROUNDS; round++) {
    timed(() => act(round));
    for (let run = next(); run !== undefined; run = next()) timed(run);
  }
  turnsMs.sort((a, b) => a - b);
  const frames = sockets.reduce((sum, socket) => sum + socket.frames, 0);
  const bytes = sockets.reduce((sum, socket) => sum + socket.bytes, 0);
  return {
    usPerFrame: (totalMs * 1_000) / frames,
    bytesPerFrame: bytes / frames,
    turnP99Ms: turnsMs[Math.floor(turnsMs.length * 0.99)] ?? 0,
  };
}

if (import.meta.main) {
  for (let warm = 0; warm < 10; warm++) {
    await throughHub(20);
    naively(20);
  }
  const rows: object[] = [];
  for (const connections of CONNECTIONS) {
    const hub = await throughHub(connections);
    const naive = naively(connections);
    rows.push({
      connections,
      "hub µs/frame": hub.usPerFrame.toFixed(2),
      "naive µs/frame": naive.usPerFrame.toFixed(2),
      ratio: `${(naive.usPerFrame / hub.usPerFrame).toFixed(1)}x`,
      "hub bytes": hub.bytesPerFrame.toFixed(0),
      "naive bytes": naive.bytesPerFrame.toFixed(0),
      "hub turn p99 ms": hub.turnP99Ms.toFixed(2),
      "naive turn p99 ms": naive.turnP99Ms.toFixed(2),
    });
  }
  console.table(rows);
}
