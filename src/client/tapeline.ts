import { type JobAnswer, JobTransition, type WireBarsState, WireGapChange } from "../protocol/mod.ts";
import { BackfillFollow, JobTopic } from "./backfill-follow.ts";
import { type Bars, BarsMerge } from "./bars-merge.ts";
import { EventStream, EventTopic } from "./event-stream.ts";
import { HttpCaller } from "./http-call.ts";
import { type LevelSet, LevelsMerge } from "./levels-merge.ts";
import { LiveState, LiveTopic } from "./live-state.ts";
import { type ConnectionStatus, PushConnection } from "./push-connection.ts";
import type { ReadOnly } from "./read-only.ts";
import { TapelineHttp } from "./tapeline-http.ts";
import { type TokenOption, Tokens } from "./tokens.ts";
import { TopicBook } from "./topic-book.ts";
import type { FollowOptions } from "./topic-inbox.ts";
import type { WebSocketClass } from "./web-socket-class.ts";

/** Longest wait for the last word on a job that has ended, ms; without it, what was pushed is what there is. */
const LAST_READ_TIMEOUT_MS = 5_000;

export type BarInterval = WireBarsState["interval"];

export interface TapelineOptions {
  /** A token, or a function that gets one; the function is asked again when the last one has run out. */
  readonly token?: TokenOption | undefined;
  /** What to connect with where the platform has no WebSocket of its own; default: its own, else the one of the package `ws`. */
  readonly WebSocket?: WebSocketClass | undefined;
}

/**
 * A client of one Tapeline server. One connection carries everything that is followed; it is opened when something is, comes back by
 * itself, and is closed when nothing is followed any more.
 */
export class Tapeline {
  readonly http: TapelineHttp;
  readonly #connection: PushConnection;
  readonly #levels: TopicBook<LiveTopic<LevelSet>>;
  readonly #bars: TopicBook<LiveTopic<Bars>>;
  readonly #jobs: TopicBook<JobTopic>;
  readonly #transitions: TopicBook<EventTopic<JobTransition>>;
  readonly #gaps: TopicBook<EventTopic<WireGapChange>>;
  #closed = false;

  /** `url`: the server's base URL (`http://127.0.0.1:8080`); default: where this page comes from. */
  constructor(url: string = pageOrigin(), { token, WebSocket }: TapelineOptions = {}) {
    const base = baseUrl(url);
    const tokens = new Tokens(token);
    this.http = new TapelineHttp(new HttpCaller(base, tokens));
    const connection = new PushConnection({ url: base, tokens, WebSocket });
    this.#connection = connection;
    this.#levels = new TopicBook(
      (name, forget) => new LiveTopic(name, connection, () => new LevelsMerge(), forget),
    );
    this.#bars = new TopicBook(
      (name, forget) => new LiveTopic(name, connection, () => new BarsMerge(), forget),
    );
    this.#jobs = new TopicBook(
      (name, forget) => new JobTopic(name, connection, () => this.#readJob(name), forget),
    );
    this.#transitions = new TopicBook(
      (name, forget) => new EventTopic(name, connection, JobTransition, forget),
    );
    this.#gaps = new TopicBook((name, forget) => new EventTopic(name, connection, WireGapChange, forget));
  }

  /** The level set of a symbol: of the running session, which rolls when the next one begins, or of the named one. */
  levels(symbol: string, options: FollowOptions & { readonly session?: string } = {}): LiveState<LevelSet> {
    this.#assertOpen();
    const { session, ...rest } = options;
    return new LiveState(`levels:${symbol}${session === undefined ? "" : `@${session}`}`, this.#levels, rest);
  }

  /** The newest 300 bars of a symbol, the running one at their end. */
  bars(symbol: string, interval: BarInterval, options: FollowOptions = {}): LiveState<Bars> {
    this.#assertOpen();
    return new LiveState(`bars:${symbol}:${interval}`, this.#bars, options);
  }

  /** One job, followed until it has ended. */
  backfill(jobId: string, options: FollowOptions = {}): BackfillFollow {
    this.#assertOpen();
    return new BackfillFollow(jobChannel(jobId), this.#jobs, options);
  }

  /** Every transition of every job from now on, those of the start-up backfill and of repairs among them. */
  jobs(options: FollowOptions = {}): EventStream<JobTransition> {
    this.#assertOpen();
    return new EventStream("backfill", this.#transitions, options);
  }

  /** Minutes of a symbol that are found missing or filled, or contradict the venue's candles or no longer do, from now on. */
  gaps(symbol: string, options: FollowOptions = {}): EventStream<WireGapChange> {
    this.#assertOpen();
    return new EventStream(`gaps:${symbol}`, this.#gaps, options);
  }

  /** Where the connection stands: `disconnected` while nothing is followed. */
  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  /** Calls `listener` with each change of the status, until the answered function is called. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    return this.#connection.onStatus(listener);
  }

  /** Ends everything: loops over states and events end, waits and loops over jobs end in an error of kind `closed`. */
  close(): void {
    this.#closed = true;
    this.#connection.close();
  }

  #readJob(channel: string): Promise<ReadOnly<JobAnswer>> {
    return this.http.job(channel.slice(JOB_PREFIX.length), { timeoutMs: LAST_READ_TIMEOUT_MS });
  }

  #assertOpen(): void {
    if (this.#closed) throw new TypeError("this client is closed; make another one");
  }
}

const JOB_PREFIX = "backfill:";

function jobChannel(jobId: string): string {
  return `${JOB_PREFIX}${jobId}`;
}

function pageOrigin(): string {
  const origin: unknown = globalThis.location?.origin;
  if (typeof origin === "string") return origin;
  throw new TypeError('there is no page here: name the server, new Tapeline("http://127.0.0.1:8080")');
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new TypeError(`expected the server's address such as "http://127.0.0.1:8080", got "${text}"`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
