import * as v from "valibot";
import { EventPosition } from "./event-position.ts";
import type { ChannelReader, PushConnection, Subscribed } from "./push-connection.ts";
import { frozen, type ReadOnly } from "./read-only.ts";
import { SharedChannel } from "./shared-channel.ts";
import { TapelineError } from "./tapeline-error.ts";
import type { TopicBook } from "./topic-book.ts";
import {
  type Follower,
  type FollowOptions,
  type ListenOptions,
  listen,
  type Topic,
  throwUncaught,
  topicInbox,
} from "./topic-inbox.ts";
import { withinTime } from "./waits.ts";

/** Updates that may wait for one reader: twice what a server recovers at once, which all comes in one piece. */
export const EVENTS_WAITING_MAX = 20_000;

/** What a loop over events gets. */
export type StreamUpdate<T> =
  /**
   * From here on no event is missed: what is read over HTTP now and the events that follow leave nothing out. `startedOver`: events
   * before it were missed and cannot be had any more.
   */
  | { readonly kind: "start"; readonly startedOver: boolean }
  /** Each is told once, in order. */
  | { readonly kind: "event"; readonly event: ReadOnly<T> };

/** A lossless channel of events that any number of followers share: subscribed while there is one. */
export class EventTopic<T> implements ChannelReader, Topic<StreamUpdate<T>> {
  readonly name: string;
  readonly #schema: v.GenericSchema<unknown, T>;
  readonly #channel: SharedChannel<StreamUpdate<T>>;
  readonly #position = new EventPosition();
  #started = false;

  /** `schema`: of one event; `forget` is called when nobody follows any more. */
  constructor(
    name: string,
    connection: PushConnection,
    schema: v.GenericSchema<unknown, T>,
    forget: () => void,
  ) {
    this.name = name;
    this.#schema = schema;
    this.#channel = new SharedChannel(connection, this, () => {
      this.#started = false;
      this.#position.offset = undefined;
      forget();
    });
  }

  follow(follower: Follower<StreamUpdate<T>>): () => void {
    return this.#channel.follow(follower, this.#started ? { kind: "start", startedOver: false } : undefined);
  }

  subscribed({ offset, recovered }: Subscribed): void {
    if (recovered && this.#started) return;
    const startedOver = this.#started;
    this.#started = true;
    this.#position.offset = offset;
    this.#channel.tell({ kind: "start", startedOver });
  }

  publication(data: unknown, offset: number | undefined): void {
    const place = this.#position.take(offset);
    if (place === "hole") this.#channel.restart();
    if (place !== "next") return;
    const update = this.#channel.understood(() => ({
      kind: "event",
      event: frozen(v.parse(this.#schema, data)),
    }));
    if (update !== undefined) this.#channel.tell(update);
  }

  failed(error: TapelineError): void {
    this.#channel.fail(error);
  }
}

/**
 * The events of a channel, from now on, each exactly once and in order. Those missed while the connection was away are recovered;
 * where they cannot be, a `start` with `startedOver` says so. A slow loop has them wait. When the client is closed, loops end.
 */
export class EventStream<T> implements AsyncIterable<StreamUpdate<T>> {
  readonly #name: string;
  readonly #topics: TopicBook<EventTopic<T>>;
  readonly #options: FollowOptions;

  constructor(name: string, topics: TopicBook<EventTopic<T>>, options: FollowOptions) {
    this.#name = name;
    this.#topics = topics;
    this.#options = options;
  }

  /** Calls `listener` with each update, until the answered function is called. */
  on(
    listener: (update: StreamUpdate<T>) => void,
    { onError = throwUncaught }: ListenOptions = {},
  ): () => void {
    return listen(() => this.#topics.of(this.#name), listener, onError, this.#options.signal);
  }

  /** The first event from now on of which `holds` is true. */
  until(
    holds: (event: ReadOnly<T>) => boolean,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<ReadOnly<T>> {
    const what = `the event that was waited for of ${this.#name}`;
    return withinTime(what, timeoutMs, this.#options.signal, async (either) => {
      const updates = topicInbox(this.#topics.of(this.#name), placeEvent<T>, { signal: either, timeoutMs });
      for await (const update of updates)
        if (update.kind === "event" && holds(update.event)) return update.event;
      throw new TapelineError("closed", "the client was closed");
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<StreamUpdate<T>, undefined> {
    return topicInbox(this.#topics.of(this.#name), placeEvent<T>, this.#options);
  }
}

export function placeEvent<T>(waiting: StreamUpdate<T>[], update: StreamUpdate<T>): void {
  if (waiting.length >= EVENTS_WAITING_MAX)
    throw new TapelineError("overflow", `${waiting.length} events wait to be read`);
  waiting.push(update);
}
