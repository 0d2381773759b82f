import {
  type ConnectRequest,
  type ConnectResult,
  type ConnectSubscription,
  connectFrame,
  connectReply,
  connectResult,
  type PushError,
  pushError,
} from "../protocol/mod.ts";
import type { Admission } from "./admission.ts";
import type { Outbox } from "./outbox.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Channels of a connect command that are joined at a time. */
const JOINED_AT_ONCE = 8;

export interface GreetingOptions {
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  readonly admission: Admission;
  /** Whether the client only listens. */
  readonly oneWay: boolean;
  /** What every reply to a connect command tells. */
  readonly about: Pick<ConnectResult, "client" | "version" | "ping">;
  /** Characters of subscriptions that one reply carries. */
  readonly charsMax: number;
  /** The client may come in; false when it has gone meanwhile. */
  readonly onAdmitted: () => boolean;
  /** A subscription that the connect command asked for is none. */
  readonly refuseSubscription: (channel: string, error: PushError) => void;
}

interface Opened {
  readonly channel: string;
  /** JSON text of what a subscribe would have answered, or why there is no subscription. */
  readonly result: string | PushError;
}

/** The answer to a connect command: who the client is, what it subscribed to with it, and then what has come since. */
export class Greeting {
  readonly #options: GreetingOptions;

  constructor(options: GreetingOptions) {
    this.#options = options;
  }

  /** Answers an error, or has replied itself. Rejects when the authorizer fails or is late. */
  async greet(id: number, request: ConnectRequest): Promise<PushError | undefined> {
    const { admission, outbox, onAdmitted, refuseSubscription } = this.#options;
    const error = await admission.connect(request);
    if (error !== undefined) return error;
    if (!onAdmitted()) return undefined;
    const wanted = Object.entries(request.subs);
    if (wanted.length === 0) {
      outbox.send(this.#reply(id));
      return undefined;
    }
    // Publications may come as soon as the first channel is joined, and must not overtake the reply that tells of it.
    outbox.hold();
    const opened = await this.#open(wanted);
    const joined = opened.flatMap(({ channel, result }): [string, string][] =>
      typeof result === "string" ? [[channel, result]] : [],
    );
    outbox.release(this.#reply(id, joined));
    for (const { channel, result } of opened)
      if (typeof result !== "string") refuseSubscription(channel, result);
    return undefined;
  }

  /** A few at a time, and only as many as one reply has room for: what is missed can be large. */
  async #open(wanted: readonly (readonly [string, ConnectSubscription])[]): Promise<Opened[]> {
    const { subscriptions, charsMax } = this.#options;
    const done: Opened[] = [];
    let chars = 0;
    for (let from = 0; from < wanted.length; from += JOINED_AT_ONCE) {
      const group = wanted.slice(from, from + JOINED_AT_ONCE).map(async ([channel, asked]) => ({
        channel,
        result: chars < charsMax ? await subscriptions.open(channel, asked) : NO_ROOM,
      }));
      for (const { channel, result } of await Promise.all(group)) {
        const size = typeof result === "string" ? result.length : 0;
        const fits = chars === 0 || chars + size <= charsMax;
        if (fits) chars += size;
        else subscriptions.end(channel);
        done.push({ channel, result: fits ? result : NO_ROOM });
      }
    }
    return done;
  }

  #reply(id: number, subs?: readonly (readonly [channel: string, result: string])[]): string {
    const { about, admission, oneWay } = this.#options;
    if (oneWay) return connectFrame(connectResult({ ...about, ...admission.lifetime }, subs ?? []));
    return connectReply(id, connectResult({ ...about, pong: true, ...admission.lifetime }, subs));
  }
}

const NO_ROOM = pushError("limit_exceeded", "one reply does not carry so much; subscribe to it by itself");
