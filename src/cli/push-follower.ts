import * as v from "valibot";
import { PING_FRAME, reconnects, ServerFrame, type SubscribeResult } from "../protocol/mod.ts";
import type { ServerAccess } from "./context.ts";

/** Waits between connections, ms: doubled from the first to the last. */
const RECONNECT_FIRST_MS = 250;
const RECONNECT_LAST_MS = 5_000;
/** Longest wait for the answer to a connect, ms. */
const CONNECT_TIMEOUT_MS = 10_000;
/** What a ping may be late by, ms. */
const PING_LATE_MS = 10_000;
/** Wait before a refused subscription is asked for again, ms: a symbol may become known while its first job starts. */
const RESUBSCRIBE_MS = 2_000;
const CONNECT_ID = 1;
const UNRECOVERABLE = 112;

/** What a follower tells. Calls are synchronous and in order. */
export interface PushListener {
  /** `open`: connected. `lost`: the connection has ended and comes again. `refused`: it does not come again. */
  state(state: "open" | "lost" | "refused"): void;
  /** The full state of a conflated channel, with the reply to its subscription. */
  snapshot(channel: string, data: unknown): void;
  publication(channel: string, data: unknown): void;
}

interface Subscription {
  readonly channel: string;
  /** Where a lossless channel stands, so that a reconnection misses nothing. */
  position: { epoch: string; offset: number } | undefined;
}

/**
 * Follows some channels over a plain WebSocket (Centrifugo client protocol v2, JSON). It reconnects, recovers lossless channels and
 * answers pings until it is closed. Events with an offset arrive once, in order.
 */
export class PushFollower {
  readonly #url: string;
  readonly #token: string | undefined;
  readonly #listener: PushListener;
  readonly #subscriptions: readonly Subscription[];
  readonly #asked = new Map<number, Subscription>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #socket: WebSocket | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #nextId = CONNECT_ID + 1;
  #attempt = 0;
  #silenceMs = CONNECT_TIMEOUT_MS;
  #closed = false;

  /** `url` is the HTTP base URL of the server. Connects at once. */
  constructor(
    { url, token }: Pick<ServerAccess, "url" | "token">,
    channels: readonly string[],
    listener: PushListener,
  ) {
    this.#url = `${url.replace(/^http/, "ws")}/connection/websocket`;
    this.#token = token;
    this.#subscriptions = channels.map((channel) => ({ channel, position: undefined }));
    this.#listener = listener;
    this.#connect();
  }

  /** Ends the connection; no listener call follows. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#drop();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#silenceMs = CONNECT_TIMEOUT_MS;
    this.#hear();
    const connect = { name: "tapeline-cli", ...(this.#token === undefined ? {} : { token: this.#token }) };
    socket.onopen = () => socket.send(JSON.stringify({ id: CONNECT_ID, connect }));
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#socket !== socket || typeof event.data !== "string") return;
      this.#hear();
      for (const line of event.data.split("\n")) this.#receive(socket, line);
    };
    socket.onclose = (event) => this.#ended(socket, event.code);
  }

  #receive(socket: WebSocket, line: string): void {
    const parsed = v.safeParse(ServerFrame, parseJson(line));
    if (!parsed.success) return;
    const { id, error, connect, subscribe, push } = parsed.output;
    if (id === undefined && push === undefined) socket.send(PING_FRAME);
    else if (id === CONNECT_ID) {
      if (connect === undefined) this.#ended(socket, undefined);
      else this.#opened(socket, connect.ping);
    } else if (id !== undefined) {
      const subscription = this.#asked.get(id);
      this.#asked.delete(id);
      if (subscription === undefined) return;
      if (subscribe !== undefined) this.#subscribed(subscription, subscribe);
      else if (error !== undefined) {
        if (error.code === UNRECOVERABLE) subscription.position = undefined;
        this.#later(RESUBSCRIBE_MS, () => this.#subscribe(socket, subscription));
      }
    } else if (push !== undefined) {
      const subscription = this.#subscriptions.find((of) => of.channel === push.channel);
      if (subscription === undefined) return;
      if (push.pub !== undefined) this.#publish(subscription, push.pub);
      else if (push.unsubscribe !== undefined)
        this.#later(RESUBSCRIBE_MS, () => this.#subscribe(socket, subscription));
    }
  }

  #opened(socket: WebSocket, pingSeconds: number): void {
    if (pingSeconds > 0) this.#silenceMs = pingSeconds * 1_000 + PING_LATE_MS;
    this.#hear();
    this.#attempt = 0;
    this.#listener.state("open");
    for (const subscription of this.#subscriptions) this.#subscribe(socket, subscription);
  }

  #subscribe(socket: WebSocket, subscription: Subscription): void {
    if (this.#socket !== socket) return;
    const id = this.#nextId++;
    this.#asked.set(id, subscription);
    const { channel, position } = subscription;
    const recovery = position === undefined ? {} : { recover: true, ...position };
    socket.send(JSON.stringify({ id, subscribe: { channel, ...recovery } }));
  }

  #subscribed(subscription: Subscription, result: SubscribeResult): void {
    if (result.epoch !== undefined && subscription.position?.epoch !== result.epoch)
      subscription.position = { epoch: result.epoch, offset: result.offset ?? 0 };
    if (result.data !== undefined) this.#listener.snapshot(subscription.channel, result.data);
    for (const publication of result.publications ?? []) this.#publish(subscription, publication);
  }

  #publish(
    subscription: Subscription,
    { data, offset }: { data?: unknown; offset?: number | undefined },
  ): void {
    const { position } = subscription;
    if (offset !== undefined && position !== undefined) {
      if (offset <= position.offset) return;
      position.offset = offset;
    }
    this.#listener.publication(subscription.channel, data);
  }

  /** Something was heard: the connection lives for another while. */
  #hear(): void {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#watchdog = setTimeout(() => {
      if (socket !== undefined) this.#ended(socket, undefined);
    }, this.#silenceMs);
  }

  /** `code` undefined: we gave the connection up ourselves. */
  #ended(socket: WebSocket, code: number | undefined): void {
    if (this.#socket !== socket || this.#closed) return;
    this.#drop();
    if (code !== undefined && !reconnects(code)) {
      this.#listener.state("refused");
      return;
    }
    this.#listener.state("lost");
    const waitMs = Math.min(RECONNECT_LAST_MS, RECONNECT_FIRST_MS * 2 ** this.#attempt++);
    this.#later(waitMs, () => this.#connect());
  }

  #drop(): void {
    clearTimeout(this.#watchdog);
    this.#asked.clear();
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) run();
    }, ms);
    this.#timers.add(timer);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
