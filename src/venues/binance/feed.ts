import type { Instrument, Timers } from "../../core/mod.ts";
import type { FeedCounters, FeedListener, FeedOptions, TradeFeed } from "../venue.ts";
import type { ConnectGate } from "./connect-gate.ts";
import { FrameReader } from "./frames.ts";
import { type ConnectionLimits, type Lane, StreamGroup } from "./stream-group.ts";
import type { CreateSocket } from "./stream-socket.ts";
import { streamName, streamsUrl } from "./urls.ts";

/** Streams of one connection; the venue allows 1024, but a lost connection should not take everything along. */
const STREAMS_PER_CONNECTION = 200;

export interface BinanceFeedOptions extends FeedOptions {
  readonly wsUrl: string;
  readonly timers: Timers;
  /** Answers [0, 1). */
  readonly random: () => number;
  readonly createSocket: CreateSocket;
  readonly gate: ConnectGate;
  readonly limits: ConnectionLimits;
  /** The venue's newest trade id of this feed's kind; −1 when there is none. */
  readonly newestId: (instrument: Instrument, signal: AbortSignal) => Promise<number>;
  /** The venue said over the stream that this address is shut out until a time by its clock, ms. */
  readonly onBanned: (untilMs: number) => void;
}

/** The live trades of some symbols over as few connections as they fit. */
export class BinanceFeed implements TradeFeed {
  readonly #listener: FeedListener;
  readonly #reader: FrameReader;
  readonly #groups: readonly StreamGroup[];
  readonly #onBanned: (untilMs: number) => void;
  readonly #stop = new AbortController();
  readonly #counters = { frames: 0, trades: 0, ignored: 0, faulty: 0, dropped: 0, connects: 0 };

  constructor(options: BinanceFeedOptions) {
    const { timers, createSocket, gate, instruments, kind, limits, listener, newestId, random, wsUrl } =
      options;
    this.#listener = listener;
    this.#onBanned = options.onBanned;
    this.#reader = new FrameReader(kind, instruments);
    const bySymbol = new Map(instruments.map((instrument) => [instrument.symbol, instrument]));
    this.#groups = chunksOf([...bySymbol.keys()], STREAMS_PER_CONNECTION).map((symbols) => {
      const group: StreamGroup = new StreamGroup({
        symbols,
        url: streamsUrl(
          wsUrl,
          symbols.map((symbol) => streamName(symbol, kind)),
        ),
        timers,
        random,
        createSocket,
        gate,
        limits,
        newestId: async (symbol) => {
          const instrument = bySymbol.get(symbol);
          return instrument === undefined ? -1 : newestId(instrument, this.#stop.signal);
        },
        onFrame: (frame, lane) => this.#onFrame(group, frame, lane),
        onConnect: () => {
          this.#counters.connects++;
        },
        onUp: (symbol) => listener.up(symbol),
        onDown: (symbol, reason) => listener.down(symbol, reason),
      });
      return group;
    });
  }

  get counters(): FeedCounters {
    return { ...this.#counters };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#groups.map((group) => group.close()));
  }

  #onFrame(group: StreamGroup, frame: unknown, lane: Lane): void {
    const counters = this.#counters;
    counters.frames++;
    const reading = this.#reader.read(frame);
    switch (reading.kind) {
      case "trade":
        lane.silence?.saw(reading.symbol, reading.id);
        counters.trades++;
        // Late trades of a stream that was given up prove nothing; its next connection starts afresh.
        if (group.isUp(reading.symbol)) this.#listener.trades(reading.symbol, reading.batch);
        return;
      case "dropped":
        lane.silence?.saw(reading.symbol, reading.id);
        counters.dropped++;
        if (group.isUp(reading.symbol)) this.#listener.dropped?.(reading.symbol, reading.id);
        return;
      case "ignored":
        counters.ignored++;
        return;
      case "faulty":
        counters.faulty++;
        return;
      case "shutdown":
        counters.ignored++;
        group.replace(lane);
        return;
      case "banned":
        counters.faulty++;
        this.#onBanned(reading.untilMs);
        return;
    }
  }
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size));
  return chunks;
}
