import { CLOSE_CODES } from "../protocol/mod.ts";
import { type Authorizer, acceptEverybody } from "./authorize.ts";
import { ChannelTable } from "./channel-table.ts";
import { DelayQueues } from "./delay-queues.ts";
import { OneWaySocket } from "./one-way.ts";
import type { PushSocket } from "./outbox.ts";
import { PUSH_LIMITS, type PushLimits } from "./push-limits.ts";
import type { RpcHandler } from "./rpc-desk.ts";
import { PushSession } from "./session.ts";
import type { ChannelResolver, StreamEvent } from "./sources.ts";
import type { PushTimers } from "./timers.ts";

export interface PushHubOptions {
  readonly timers: PushTimers;
  /** The clock that tokens are dated by, ms since the epoch. */
  readonly nowMs: () => number;
  /** The app's table of channels. */
  readonly resolve: ChannelResolver;
  /** The venue of a bare symbol. */
  readonly defaultVenue: string;
  /** A fresh unguessable id for each connection. */
  readonly newClientId: () => string;
  /** Version of the server, told to clients. */
  readonly version: string;
  /** Default: everybody is accepted and may read everything. */
  readonly authorizer?: Authorizer;
  /** Answers the calls of clients. Default: none are offered. */
  readonly rpc?: RpcHandler;
  /** Failures that no client can act on, for the log. */
  readonly onError: (error: unknown, doing: string) => void;
  /** Deviations from {@link PUSH_LIMITS}. */
  readonly limits?: Partial<PushLimits>;
}

export interface PushStats {
  readonly connections: number;
  readonly subscriptions: number;
  /** Bytes that wait for readers. */
  readonly outboxBytes: number;
}

/** Connects publishers with the connections that listen. Channel names are canonical ones (`formatChannel`). */
export class PushHub {
  readonly #options: PushHubOptions;
  readonly #limits: PushLimits;
  readonly #timers: PushTimers;
  readonly #table: ChannelTable;
  readonly #sessions = new Set<PushSession>();
  /** Those of them whose clients were not let in yet. */
  readonly #unconnected = new Set<PushSession>();
  #closing: Promise<void> | undefined;

  constructor(options: PushHubOptions) {
    this.#options = options;
    this.#limits = { ...PUSH_LIMITS, ...options.limits };
    const { resolve, onError } = options;
    const { pingMs, pongMs, connectMs, sourceMs, rpcMs } = this.#limits;
    this.#timers = new DelayQueues(options.timers, [pingMs, pongMs, connectMs, sourceMs, rpcMs]);
    this.#table = new ChannelTable({ resolve, timers: this.#timers, onError, limits: this.#limits });
  }

  /** What is in force. */
  get limits(): PushLimits {
    return this.#limits;
  }

  /** Takes a new connection; undefined when there are too many, or the hub is closing. `onEnd` is called once, when it has ended. */
  accept(socket: PushSocket, onEnd: () => void = ignore): PushSession | undefined {
    return this.#accept(socket, onEnd, false);
  }

  /** The same for a client that only listens. */
  acceptOneWay(socket: PushSocket, onEnd: () => void = ignore): PushSession | undefined {
    return this.#accept(new OneWaySocket(socket), onEnd, true);
  }

  #accept(socket: PushSocket, onEnd: () => void, oneWay: boolean): PushSession | undefined {
    if (!this.accepting) return undefined;
    const {
      nowMs,
      defaultVenue,
      newClientId,
      version,
      onError,
      authorizer = acceptEverybody,
    } = this.#options;
    const session = new PushSession(socket, {
      oneWay,
      clientId: newClientId(),
      version,
      defaultVenue,
      table: this.#table,
      authorizer,
      rpc: this.#options.rpc,
      limits: this.#limits,
      timers: this.#timers,
      nowMs,
      onError,
      onConnected: (connected) => this.#unconnected.delete(connected),
      onEnd: (ended) => {
        this.#sessions.delete(ended);
        this.#unconnected.delete(ended);
        onEnd();
      },
    });
    this.#sessions.add(session);
    this.#unconnected.add(session);
    return session;
  }

  /** Whether `accept` would take another connection. */
  get accepting(): boolean {
    const { connectionsMax, unconnectedMax } = this.#limits;
    if (this.#closing !== undefined || this.#sessions.size >= connectionsMax) return false;
    return this.#unconnected.size < unconnectedMax;
  }

  /**
   * A committed event of a lossless channel. Offsets may repeat (ignored) or come too early (the missing ones are read from the
   * source first). Costs nothing while nobody has ever listened.
   */
  publish(channel: string, event: StreamEvent): void {
    const open = this.#table.get(channel);
    if (open?.kind === "lossless") open.publish(event);
  }

  /** The state of a conflated channel has changed; it is read and encoded later, at most once per interval, if anybody listens. */
  touch(channel: string): void {
    const open = this.#table.get(channel);
    if (open?.kind === "conflated") open.touch();
  }

  /** The progress shown beside the events of a lossless channel, whole; only the latest is sent, and a later event replaces it. */
  progress(channel: string, data: unknown): void {
    const open = this.#table.get(channel);
    if (open?.kind === "lossless") open.progress(data);
  }

  /** Whether anybody listens to a channel, for publishers whose data is costly to make. */
  listened(channel: string): boolean {
    return (this.#table.get(channel)?.size ?? 0) > 0;
  }

  stats(): PushStats {
    let subscriptions = 0;
    let outboxBytes = 0;
    for (const session of this.#sessions) {
      subscriptions += session.subscriptionCount;
      outboxBytes += session.outboxBytes;
    }
    return { connections: this.#sessions.size, subscriptions, outboxBytes };
  }

  /** Refuses new connections and closes the others with 3001, evenly over `spreadMs`, so that they do not come back all at once. */
  close(spreadMs = 0): Promise<void> {
    this.#closing ??= this.#closeAll(spreadMs);
    return this.#closing;
  }

  async #closeAll(spreadMs: number): Promise<void> {
    const sessions = [...this.#sessions];
    const done = sessions.map((session, at) => {
      const closed = Promise.withResolvers<void>();
      this.#options.timers.after((spreadMs * at) / sessions.length, () => {
        session.close(CLOSE_CODES.shutdown);
        closed.resolve();
      });
      return closed.promise;
    });
    await Promise.all(done);
    this.#table.close();
  }
}

function ignore(): void {}
