import { Centrifuge, type Subscription } from "centrifuge";
import { PUSH_ERRORS } from "../protocol/mod.ts";
import { messageOf, pushFailure, TapelineError } from "./tapeline-error.ts";
import type { Tokens } from "./tokens.ts";
import { type WebSocketClass, webSocketClass } from "./web-socket-class.ts";

/** Where the connection of a client stands; `reason` says why in words. */
export interface ConnectionStatus {
  readonly state: "connecting" | "connected" | "disconnected";
  readonly reason: string;
}

/** The answer to a subscribe. */
export interface Subscribed {
  /** The state of the channel, where it has one. */
  readonly data: unknown;
  /** Of a lossless channel: the offset of the newest event that `data` stands for. */
  readonly offset: number | undefined;
  /** What was missed since the last event follows, without a hole: `data` is not needed to go on. */
  readonly recovered: boolean;
}

/** Who reads a channel. After `failed` nothing more comes. */
export interface ChannelReader {
  subscribed(answer: Subscribed): void;
  publication(data: unknown, offset: number | undefined): void;
  failed(error: TapelineError): void;
}

/** One subscribed channel. */
export interface ChannelSubscription {
  /** Subscribes anew, without a position: the next answer is the channel's whole state. */
  restart(): void;
  close(): void;
}

export interface PushConnectionOptions {
  /** Base URL of the server over HTTP. */
  readonly url: string;
  readonly tokens: Tokens;
  readonly WebSocket?: WebSocketClass | undefined;
}

/** How long the connection stays when nobody reads anything any more, ms: whoever changes from one channel to another keeps it. */
const LINGER_MS = 500;
/** Pauses between attempts to connect, ms; drawn between them by the official client, so that not all come back at once. */
const RECONNECT_MIN_MS = 200;
const RECONNECT_MAX_MS = 5_000;
/** Longest wait for an answer of the server to connect or subscribe, ms; then it is tried again. */
const ANSWER_TIMEOUT_MS = 5_000;

const IDLE: ConnectionStatus = { state: "disconnected", reason: "nothing is followed" };

/**
 * The one connection of a client. It is opened for the first reader, comes back by itself when it is lost, recovers what was missed,
 * and is closed when nobody reads any more.
 */
export class PushConnection {
  readonly #options: PushConnectionOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  #status: ConnectionStatus = IDLE;
  #client: Centrifuge | undefined;
  #opening: Promise<void> | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: PushConnectionOptions) {
    this.#options = options;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    // Its own identity: the same function may listen twice.
    const own = (status: ConnectionStatus) => listener(status);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Reads a channel; each has one reader. */
  subscribe(name: string, reader: ChannelReader): ChannelSubscription {
    clearTimeout(this.#linger);
    const channel = new Channel(name, reader, () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      if (this.#channels.size === 0) this.#linger = setTimeout(() => this.#rest(), LINGER_MS);
    });
    this.#channels.set(name, channel);
    if (this.#closed) queueMicrotask(() => channel.fail(closedError()));
    else if (this.#client !== undefined) {
      channel.attach(this.#client);
      this.#client.connect();
    } else void this.#open();
    return channel;
  }

  /** Gives everything up; whoever still reads is told. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#linger);
    this.#fail(closedError());
    this.#drop({ state: "disconnected", reason: "the client was closed" });
    this.#listeners.clear();
  }

  #open(): Promise<void> {
    this.#opening ??= webSocketClass(this.#options.WebSocket)
      .then((WebSocket) => {
        if (this.#closed || this.#channels.size === 0) return;
        const client = this.#connect(WebSocket);
        this.#client = client;
        for (const channel of this.#channels.values()) channel.attach(client);
        client.connect();
      })
      .catch((thrown) => {
        this.#fail(
          thrown instanceof TapelineError ? thrown : new TapelineError("refused", messageOf(thrown)),
        );
        this.#tell({ state: "disconnected", reason: messageOf(thrown) });
      })
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  #connect(WebSocket: WebSocketClass): Centrifuge {
    const { url, tokens } = this.#options;
    const getToken = tokens.renewable ? { getToken: () => tokens.renew(tokens.held) } : {};
    const client = new Centrifuge(`${url.replace(/^http/, "ws")}/connection/websocket`, {
      websocket: WebSocket,
      name: "tapeline",
      minReconnectDelay: RECONNECT_MIN_MS,
      maxReconnectDelay: RECONNECT_MAX_MS,
      timeout: ANSWER_TIMEOUT_MS,
      ...getToken,
      ...(tokens.held === undefined ? {} : { token: tokens.held }),
    });
    client.on("connecting", ({ reason }) => this.#tell({ state: "connecting", reason }));
    client.on("connected", () => this.#tell({ state: "connected", reason: "connected" }));
    client.on("error", ({ type, error }) => {
      if (this.#status.state !== "connected")
        this.#tell({ state: "connecting", reason: `${type}: ${error.message}` });
    });
    client.on("disconnected", ({ code, reason }) => {
      if (this.#client !== client) return;
      // Not by us, and for good: a new reader begins with a new connection.
      this.#fail(pushFailure("the connection was refused", code, reason));
      this.#drop({ state: "disconnected", reason: `${reason} (code ${code})` });
    });
    return client;
  }

  #rest(): void {
    if (this.#channels.size === 0) this.#drop(IDLE);
  }

  #drop(status: ConnectionStatus): void {
    const client = this.#client;
    this.#client = undefined;
    client?.disconnect();
    this.#tell(status);
  }

  #fail(error: TapelineError): void {
    for (const channel of [...this.#channels.values()]) channel.fail(error);
  }

  #tell(status: ConnectionStatus): void {
    if (this.#status.state === status.state && this.#status.reason === status.reason) return;
    this.#status = status;
    for (const listener of [...this.#listeners]) listener(status);
  }
}

function closedError(): TapelineError {
  return new TapelineError("closed", "the client was closed");
}

/** One channel, and its subscription once there is a connection. */
class Channel implements ChannelSubscription {
  readonly #name: string;
  readonly #reader: ChannelReader;
  readonly #onEnd: () => void;
  #client: Centrifuge | undefined;
  #subscription: Subscription | undefined;
  #ended = false;

  constructor(name: string, reader: ChannelReader, onEnd: () => void) {
    this.#name = name;
    this.#reader = reader;
    this.#onEnd = onEnd;
  }

  attach(client: Centrifuge): void {
    this.#client = client;
    const subscription = client.newSubscription(this.#name);
    this.#subscription = subscription;
    const current = () => this.#subscription === subscription;
    subscription.on("subscribed", ({ data, streamPosition, wasRecovering, recovered }) => {
      if (current())
        this.#reader.subscribed({
          data,
          offset: streamPosition?.offset,
          recovered: wasRecovering && recovered && streamPosition !== undefined,
        });
    });
    subscription.on("publication", ({ data, offset }) => {
      if (current()) this.#reader.publication(data, offset);
    });
    subscription.on("unsubscribed", ({ code, reason }) => {
      if (!current()) return;
      // What was missed cannot be had any more: begin again with the state as it is.
      if (code === PUSH_ERRORS.unrecoverable_position.code) this.restart();
      else this.fail(pushFailure(this.#name, code, reason));
    });
    // What passes by itself: the official client tries again.
    subscription.on("error", () => undefined);
    subscription.subscribe();
  }

  restart(): void {
    const client = this.#client;
    if (client === undefined || this.#ended) return;
    this.#detach();
    this.attach(client);
  }

  fail(error: TapelineError): void {
    if (this.#ended) return;
    this.close();
    this.#reader.failed(error);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#detach();
    this.#onEnd();
  }

  #detach(): void {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription === undefined || this.#client === undefined) return;
    subscription.unsubscribe();
    this.#client.removeSubscription(subscription);
  }
}
