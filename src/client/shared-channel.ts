import * as v from "valibot";
import type { ChannelReader, ChannelSubscription, PushConnection } from "./push-connection.ts";
import { TapelineError } from "./tapeline-error.ts";
import type { Follower } from "./topic-inbox.ts";

/** A channel that any number of followers share: it is subscribed for the first of them, and left when the last has gone. */
export class SharedChannel<T> {
  readonly #connection: PushConnection;
  readonly #reader: ChannelReader & { readonly name: string };
  readonly #onLeft: () => void;
  readonly #followers = new Set<Follower<T>>();
  #subscription: ChannelSubscription | undefined;

  /** `reader` takes the frames of the channel that it is named after; `onLeft` is called when nobody follows any more. */
  constructor(
    connection: PushConnection,
    reader: ChannelReader & { readonly name: string },
    onLeft: () => void,
  ) {
    this.#connection = connection;
    this.#reader = reader;
    this.#onLeft = onLeft;
  }

  /** `known` is told at once, where there is something. The answered function leaves. */
  follow(follower: Follower<T>, known: T | undefined): () => void {
    this.#followers.add(follower);
    if (known !== undefined) follower.put(known);
    this.#subscription ??= this.#connection.subscribe(this.#reader.name, this.#reader);
    return () => {
      if (this.#followers.delete(follower) && this.#followers.size === 0) this.#leave();
    };
  }

  /** What `read` makes of a frame; undefined where that is nothing, or where it throws: then the reader has failed. */
  understood(read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (thrown) {
      this.#reader.failed(foreignFrame(this.#reader.name, thrown));
      return undefined;
    }
  }

  tell(value: T): void {
    for (const follower of [...this.#followers]) follower.put(value);
  }

  /** Subscribes anew: the next answer is the channel's whole state. */
  restart(): void {
    this.#subscription?.restart();
  }

  /** Nothing more is to come, but followers are still to be told something. */
  unsubscribe(): void {
    this.#subscription?.close();
  }

  /** Lets all followers go, and answers who they were. */
  dismiss(): readonly Follower<T>[] {
    const followers = [...this.#followers];
    this.#followers.clear();
    this.#leave();
    return followers;
  }

  /** Lets all followers go with an error; that the client was closed is the end, and no failure. */
  fail(error: TapelineError): void {
    for (const follower of this.dismiss())
      if (error.kind === "closed") follower.end();
      else follower.fail(error);
  }

  #leave(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    this.#onLeft();
  }
}

/** What a frame is that this client does not understand. */
function foreignFrame(channel: string, thrown: unknown): TapelineError {
  const where = v.isValiError(thrown) ? `${v.getDotPath(thrown.issues[0]) ?? "the frame"}: ` : "";
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return new TapelineError("foreign", `${channel} carries what this client does not know: ${where}${what}`, {
    cause: thrown,
  });
}
