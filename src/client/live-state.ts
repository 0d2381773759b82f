import type { Merge } from "./merge.ts";
import type { ChannelReader, PushConnection, Subscribed } from "./push-connection.ts";
import { SharedChannel } from "./shared-channel.ts";
import { TapelineError } from "./tapeline-error.ts";
import type { TopicBook } from "./topic-book.ts";
import {
  FIRST_TIMEOUT_MS,
  type Follower,
  type FollowOptions,
  type ListenOptions,
  listen,
  type Topic,
  throwUncaught,
  topicInbox,
} from "./topic-inbox.ts";
import { withinTime } from "./waits.ts";

/** A conflated channel that any number of followers share: subscribed while there is one. */
export class LiveTopic<T> implements ChannelReader, Topic<T> {
  readonly name: string;
  readonly #newMerge: () => Merge<T>;
  readonly #channel: SharedChannel<T>;
  #merge: Merge<T>;
  #state: T | undefined;

  /** `forget` is called when nobody follows any more. */
  constructor(name: string, connection: PushConnection, newMerge: () => Merge<T>, forget: () => void) {
    this.name = name;
    this.#newMerge = newMerge;
    this.#merge = newMerge();
    this.#channel = new SharedChannel(connection, this, () => {
      this.#state = undefined;
      forget();
    });
  }

  /** The newest state; undefined until the first has come, and when nobody follows. */
  get state(): T | undefined {
    return this.#state;
  }

  follow(follower: Follower<T>): () => void {
    return this.#channel.follow(follower, this.#state);
  }

  subscribed({ data }: Subscribed): void {
    this.#merge = this.#newMerge();
    this.#take(() => this.#merge.whole(data));
  }

  publication(data: unknown): void {
    this.#take(() => {
      const state = this.#merge.changed(data);
      if (state === undefined) this.#channel.restart();
      return state;
    });
  }

  failed(error: TapelineError): void {
    this.#channel.fail(error);
  }

  #take(read: () => T | undefined): void {
    const state = this.#channel.understood(read);
    if (state === undefined) return;
    this.#state = state;
    this.#channel.tell(state);
  }
}

/**
 * The merged state of a channel, live: never a change alone. Loop over it, listen to it, or look at `state`. A slow loop gets the
 * newest state and misses those between. When the client is closed, loops end.
 */
export class LiveState<T> implements AsyncIterable<T> {
  readonly #name: string;
  readonly #topics: TopicBook<LiveTopic<T>>;
  readonly #options: FollowOptions;

  constructor(name: string, topics: TopicBook<LiveTopic<T>>, options: FollowOptions) {
    this.#name = name;
    this.#topics = topics;
    this.#options = options;
  }

  /** The newest state, while somebody follows it; undefined before the first. */
  get state(): T | undefined {
    return this.#topics.find(this.#name)?.state;
  }

  /** Calls `listener` with the state as it is and then with each newer one, until the answered function is called. */
  on(listener: (state: T) => void, { onError = throwUncaught }: ListenOptions = {}): () => void {
    return listen(() => this.#topics.of(this.#name), listener, onError, this.#options.signal);
  }

  /** The state as it is, or the first that comes. */
  first(): Promise<T> {
    return this.#wait("the first state", this.#options.timeoutMs ?? FIRST_TIMEOUT_MS, () => true);
  }

  /** The first state from now on of which `holds` is true. */
  until(holds: (state: T) => boolean, { timeoutMs }: { readonly timeoutMs: number }): Promise<T> {
    return this.#wait("the state that was waited for", timeoutMs, holds);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return topicInbox(this.#topics.of(this.#name), placeLatest<T>, this.#options);
  }

  #wait(what: string, timeoutMs: number, holds: (state: T) => boolean): Promise<T> {
    const { signal } = this.#options;
    return withinTime(`${what} of ${this.#name}`, timeoutMs, signal, async (either) => {
      const states = topicInbox(this.#topics.of(this.#name), placeLatest<T>, { signal: either, timeoutMs });
      for await (const state of states) if (holds(state)) return state;
      throw new TapelineError("closed", "the client was closed");
    });
  }
}

function placeLatest<T>(waiting: T[], state: T): void {
  waiting[0] = state;
}
