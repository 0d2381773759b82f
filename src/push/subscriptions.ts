import {
  type Channel,
  type CloseCode,
  EVERYTHING,
  type Grant,
  type HistoryRequest,
  historyReply,
  mayReadChannel,
  type PushError,
  parseChannel,
  pushError,
  type SubscribeRequest,
  subscribeReply,
  unsubscribeFrame,
  unsubscribeReply,
} from "../protocol/mod.ts";
import type { ChannelTable, OpenChannel } from "./channel-table.ts";
import type { Attached } from "./lossless-channel.ts";
import type { Outbox } from "./outbox.ts";
import type { Subscriber } from "./subscriber.ts";

export interface SubscriptionsOptions {
  readonly table: ChannelTable;
  readonly outbox: Outbox;
  readonly defaultVenue: string;
  readonly subscriptionsMax: number;
  readonly eventsMax: number;
}

/** The subscriptions of one connection, by the names its client uses. A method answers an error, or has replied itself. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #byName = new Map<string, Subscription>();
  #grant: Grant = EVERYTHING;
  #closed = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byName.size;
  }

  restrict(grant: Grant): void {
    this.#grant = grant;
  }

  async subscribe(id: number, request: SubscribeRequest): Promise<PushError | undefined> {
    const { table, outbox, subscriptionsMax } = this.#options;
    if (request.type !== 0) return pushError("not_available", `subscriptions of type ${request.type}`);
    if (request.tf !== undefined && request.tf !== null) return pushError("not_available", "filters by tags");
    if (this.#byName.has(request.channel)) return pushError("already_subscribed", request.channel);
    if (this.#byName.size >= subscriptionsMax)
      return pushError("limit_exceeded", `at most ${subscriptionsMax} subscriptions on a connection`);
    const found = this.#channelOf(request.channel);
    if ("code" in found) return found;
    const subscription = new Subscription(request.channel, outbox, () =>
      this.#byName.delete(request.channel),
    );
    this.#byName.set(request.channel, subscription);
    try {
      const acquired = await table.acquire(found);
      if (acquired.kind !== "channel") return notThere(acquired);
      subscription.hold(acquired.channel, acquired.release);
      return await attach(id, request, subscription, acquired.channel);
    } finally {
      if (!subscription.attached) subscription.end();
    }
  }

  /** A channel that is not subscribed is unsubscribed all the same, as the protocol has it. */
  unsubscribe(id: number, name: string): undefined {
    this.#byName.get(name)?.end();
    this.#options.outbox.send(unsubscribeReply(id));
  }

  async history(id: number, request: HistoryRequest): Promise<PushError | undefined> {
    const { table, outbox, eventsMax } = this.#options;
    if (request.reverse) return pushError("not_available", "history in reverse");
    const found = this.#channelOf(request.channel);
    if ("code" in found) return found;
    const acquired = await table.acquire(found);
    if (acquired.kind !== "channel") return notThere(acquired);
    try {
      if (acquired.channel.kind === "conflated")
        return pushError("not_available", `${request.channel} has no history, only its latest state`);
      const limit = request.limit < 0 ? eventsMax : request.limit;
      const read = await acquired.channel.read(request.since, limit);
      if (read.kind === "unrecoverable") return pushError("unrecoverable_position", read.message);
      outbox.send(historyReply(id, read.position, read.publications));
      return undefined;
    } finally {
      acquired.release();
    }
  }

  /** The reader has caught up: the channels may offer what they have merged. */
  ready(): void {
    for (const subscription of this.#byName.values()) subscription.channel?.touch();
  }

  close(): void {
    this.#closed = true;
    for (const subscription of this.#byName.values()) subscription.end();
  }

  #channelOf(name: string): Channel | PushError {
    if (this.#closed) return pushError("not_available", "the connection is closed");
    const parsed = parseChannel(name, this.#options.defaultVenue);
    if (parsed.kind === "unknown") return pushError("unknown_channel", parsed.message);
    return mayReadChannel(this.#grant, parsed.channel)
      ? parsed.channel
      : pushError("permission_denied", name);
  }
}

class Subscription implements Subscriber {
  readonly name: string;
  readonly outbox: Outbox;
  readonly #onEnd: () => void;
  channel: OpenChannel | undefined;
  #release: (() => void) | undefined;
  attached = false;
  cancelled = false;

  constructor(name: string, outbox: Outbox, onEnd: () => void) {
    this.name = name;
    this.outbox = outbox;
    this.#onEnd = onEnd;
  }

  hold(channel: OpenChannel, release: () => void): void {
    this.channel = channel;
    this.#release = release;
  }

  dropped(reason: CloseCode): void {
    this.end();
    this.outbox.send(unsubscribeFrame(this.name, reason));
  }

  end(): void {
    if (this.cancelled && this.#release === undefined) return;
    if (!this.cancelled) this.#onEnd();
    this.cancelled = true;
    this.channel?.detach(this);
    this.#release?.();
    this.#release = undefined;
  }
}

async function attach(
  id: number,
  request: SubscribeRequest,
  subscription: Subscription,
  channel: OpenChannel,
): Promise<PushError | undefined> {
  if (channel.kind === "conflated") {
    await channel.attach(subscription, (data) => {
      subscription.attached = true;
      subscription.outbox.send(subscribeReply(id, request.recover ? { was_recovering: true } : {}, { data }));
    });
    return undefined;
  }
  const recover = request.recover ? { offset: request.offset, epoch: request.epoch } : undefined;
  const outcome = await channel.attach(subscription, recover, (attached) => {
    subscription.attached = true;
    subscription.outbox.send(losslessReply(id, attached));
  });
  if (outcome.kind === "unrecoverable") return pushError("unrecoverable_position", outcome.message);
  return outcome.kind === "broken" ? pushError("internal") : undefined;
}

function notThere({ kind, message }: { kind: "unknown" | "later"; message: string }): PushError {
  return pushError(kind === "later" ? "not_yet_available" : "unknown_channel", message);
}

function losslessReply(id: number, { position, recovered, data }: Attached): string {
  const asked = recovered === undefined ? {} : { was_recovering: true, recovered: true };
  return subscribeReply(
    id,
    { recoverable: true, positioned: true, epoch: position.epoch, offset: position.offset, ...asked },
    {
      ...(recovered === undefined ? {} : { publications: recovered }),
      ...(data === undefined ? {} : { data }),
    },
  );
}
