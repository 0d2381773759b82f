import {
  type Channel,
  type CloseCode,
  type ConnectSubscription,
  EVERYTHING,
  type Grant,
  type HistoryRequest,
  historyReply,
  mayReadChannel,
  type PushError,
  parseChannel,
  pushError,
  type SubRefreshRequest,
  type SubscribeRequest,
  subRefreshReply,
  subscribeReply,
  UNSUBSCRIBE_CODES,
  unsubscribeReply,
} from "../protocol/mod.ts";
import { type Authorizer, errorOf } from "./authorize.ts";
import type { ChannelTable } from "./channel-table.ts";
import { Expiry } from "./expiry.ts";
import type { Outbox } from "./outbox.ts";
import type { PushLimits } from "./push-limits.ts";
import { type RecoveryMarks, Subscription } from "./subscription.ts";
import { type PushTimers, withinTime } from "./timers.ts";

export interface SubscriptionsOptions {
  readonly table: ChannelTable;
  readonly outbox: Outbox;
  readonly authorizer: Authorizer;
  readonly defaultVenue: string;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  readonly nowMs: () => number;
  /** The server ended a subscription: the client is to be told why. */
  readonly onDropped: (channel: string, reason: CloseCode) => void;
  /** Failures that no client can act on. */
  readonly onError: (error: unknown, doing: string) => void;
}

const UNRECOVERABLE = pushError("unrecoverable_position").code;
const LOST: RecoveryMarks = { was_recovering: true, recovered: false };

/** What may be read, and until when where a token of its own says so. */
type Allowed =
  | { readonly kind: "allowed"; readonly endMs?: number | undefined; readonly own: boolean }
  | { readonly kind: "refused"; readonly error: PushError };

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

  /** What the client may read from now on. Subscriptions that it does not cover, and that have no token of their own, end. */
  restrict(grant: Grant): void {
    this.#grant = grant;
    for (const subscription of [...this.#byName.values()]) {
      if (subscription.expiry !== undefined) continue;
      const parsed = parseChannel(subscription.name, this.#options.defaultVenue);
      if (parsed.kind === "channel" && mayReadChannel(grant, parsed.channel)) continue;
      const why = `the new token does not cover ${subscription.name}`;
      subscription.revoke(UNSUBSCRIBE_CODES.permission_denied, pushError("permission_denied", why));
    }
  }

  async subscribe(id: number, request: SubscribeRequest): Promise<PushError | undefined> {
    return this.#establish(request, (result) => this.#options.outbox.send(subscribeReply(id, result)));
  }

  /**
   * A subscription that came with the connect command: the JSON text of its result, or why there is none. What cannot be recovered
   * is subscribed all the same, without what was missed, and the result says so.
   */
  async open(channel: string, asked: ConnectSubscription): Promise<string | PushError> {
    let result = "";
    const take = (text: string) => {
      result = text;
    };
    const request = { ...asked, channel, type: 0, tf: undefined };
    try {
      let error = await this.#establish(request, take);
      if (error?.code === UNRECOVERABLE)
        error = await this.#establish({ ...request, recover: false }, take, LOST);
      return error ?? (result === "" ? pushError("not_available", "the connection is closed") : result);
    } catch (error) {
      this.#options.onError(error, `subscribing to ${channel}`);
      return pushError("internal");
    }
  }

  /** Ends a subscription without a word. */
  end(name: string): void {
    this.#byName.get(name)?.end();
  }

  /** A channel that is not subscribed is unsubscribed all the same, as the protocol has it. */
  unsubscribe(id: number, name: string): undefined {
    this.end(name);
    this.#options.outbox.send(unsubscribeReply(id));
  }

  /** A new token for a subscription that has one. */
  async refresh(id: number, { channel: name, token }: SubRefreshRequest): Promise<PushError | undefined> {
    const held = this.#byName.get(name);
    if (held === undefined) return pushError("permission_denied", `${name} is not subscribed`);
    if (held.expiry === undefined)
      return pushError("bad_request", `${name} was subscribed without a token of its own`);
    const found = this.#channelOf(name);
    if ("code" in found) return found;
    const allowed = await this.#ask(token, found);
    if (allowed.kind === "refused") {
      const late = allowed.error.code === pushError("stale_token").code;
      return late ? { ...allowed.error, temporary: true } : allowed.error;
    }
    if (held.cancelled) return undefined;
    held.expiry.set(allowed.endMs);
    this.#options.outbox.send(subRefreshReply(id, held.expiry.lifetime));
    return undefined;
  }

  async history(id: number, request: HistoryRequest): Promise<PushError | undefined> {
    const { table, outbox, limits } = this.#options;
    const found = this.#channelOf(request.channel);
    if ("code" in found) return found;
    const own = this.#byName.get(request.channel)?.expiry;
    if (own?.expired) return pushError("token_expired");
    if (own === undefined && !mayReadChannel(this.#grant, found))
      return pushError("permission_denied", request.channel);
    const acquired = await table.acquire(found);
    if (acquired.kind !== "channel") return notThere(acquired);
    try {
      if (acquired.channel.kind === "conflated")
        return pushError("not_available", `${request.channel} has no history, only its latest state`);
      const limit = request.limit < 0 ? limits.recoverEventsMax : request.limit;
      const read = await acquired.channel.read(request.since, limit, request.reverse);
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
    for (const subscription of [...this.#byName.values()]) subscription.end();
  }

  async #establish(
    request: SubscribeRequest,
    reply: (result: string) => void,
    marks: RecoveryMarks = {},
  ): Promise<PushError | undefined> {
    const { table } = this.#options;
    const { channel: name } = request;
    if (request.type !== 0) return pushError("not_available", `subscriptions of type ${request.type}`);
    if (request.tf !== undefined && request.tf !== null) return pushError("not_available", "filters by tags");
    if (this.#byName.has(name)) return pushError("already_subscribed", name);
    const found = this.#channelOf(name);
    if ("code" in found) return found;
    if (this.#full) return this.#tooMany();
    // Without a token there is no wait between the decision and the subscription, so no other grant can come between.
    const allowed = request.token === "" ? this.#granted(name, found) : await this.#ask(request.token, found);
    if (allowed.kind === "refused") return allowed.error;
    if (this.#closed) return undefined;
    if (this.#full) return this.#tooMany();
    const subscription = this.#create(name, allowed);
    try {
      const acquired = await table.acquire(found);
      if (acquired.kind !== "channel") return notThere(acquired);
      subscription.hold(acquired.channel, acquired.release);
      return await subscription.attach(request, reply, marks);
    } finally {
      if (!subscription.attached) subscription.end();
    }
  }

  #create(name: string, { own, endMs }: { readonly own: boolean; readonly endMs?: number | undefined }) {
    const { outbox, timers, nowMs, limits, onDropped } = this.#options;
    const lapse = () =>
      subscription.revoke(UNSUBSCRIBE_CODES.expired, pushError("token_expired", `the token of ${name}`));
    const expiry = own
      ? new Expiry({ timers, nowMs, graceMs: limits.expiredGraceMs, onLapsed: lapse })
      : undefined;
    const subscription = new Subscription({
      ...{ name, outbox, expiry },
      onEnd: () => this.#byName.delete(name),
      onDropped: (reason) => onDropped(name, reason),
    });
    this.#byName.set(name, subscription);
    expiry?.set(endMs);
    return subscription;
  }

  get #full(): boolean {
    return this.#byName.size >= this.#options.limits.subscriptionsMax;
  }

  #tooMany(): PushError {
    const { subscriptionsMax } = this.#options.limits;
    return pushError("limit_exceeded", `at most ${subscriptionsMax} subscriptions on a connection`);
  }

  /** By the connection's grant. */
  #granted(name: string, channel: Channel): Allowed {
    return mayReadChannel(this.#grant, channel)
      ? { kind: "allowed", own: false }
      : { kind: "refused", error: pushError("permission_denied", name) };
  }

  /** By a subscription's own token. */
  async #ask(token: string, channel: Channel): Promise<Allowed> {
    const { authorizer, timers, limits } = this.#options;
    const answer = await withinTime(timers, limits.sourceMs, "authorizing a subscription", () =>
      authorizer.subscription(token, channel, this.#grant),
    );
    return answer.kind === "rejected"
      ? { kind: "refused", error: errorOf(answer) }
      : { kind: "allowed", endMs: answer.expiresAtMs, own: true };
  }

  #channelOf(name: string): Channel | PushError {
    if (this.#closed) return pushError("not_available", "the connection is closed");
    const parsed = parseChannel(name, this.#options.defaultVenue);
    return parsed.kind === "unknown" ? pushError("unknown_channel", parsed.message) : parsed.channel;
  }
}

function notThere({ kind, message }: { kind: "unknown" | "later"; message: string }): PushError {
  return pushError(kind === "later" ? "not_yet_available" : "unknown_channel", message);
}
