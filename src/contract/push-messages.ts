import * as v from "valibot";
import { CommandId, Publication, ReplyError, SubscribeResult, Unsubscribed } from "../protocol/mod.ts";
import type { ChannelContract, DataContract } from "./channel-contracts.ts";
import { COMMANDS } from "./command-contracts.ts";

/** A message of the document: a frame, with its schema and examples. */
export interface Message {
  readonly about: string;
  readonly schema: v.GenericSchema;
  readonly examples: readonly {
    readonly name: string;
    readonly summary: string;
    readonly payload: unknown;
  }[];
}

export type Messages = Readonly<Record<string, Message>>;

/** Commands of a client, their replies, and what belongs to no channel. */
export function connectionMessages(): Messages {
  const messages: Record<string, Message> = {};
  for (const [method, { about, request, result, examples }] of Object.entries(COMMANDS)) {
    messages[`${titled(method)}Command`] = {
      about,
      schema: numberedFrame(method, request),
      examples: Object.entries(examples).map(([name, example], at) => ({
        name,
        summary: example.about,
        payload: { id: at + 1, [method]: example.request },
      })),
    };
    messages[`${titled(method)}Reply`] = {
      about: `The answer to ${method}.`,
      schema: numberedFrame(method, result),
      examples: [],
    };
  }
  return {
    ...messages,
    ErrorReply: {
      about: "A command that was not done; `temporary`: asked again later, it may be.",
      schema: v.object({ id: CommandId, error: ReplyError }),
      examples: [
        {
          name: "unknown_channel",
          summary: "A channel that there is not.",
          payload: {
            id: 3,
            error: { code: 102, message: "unknown channel: binance:NOPE is not followed here" },
          },
        },
      ],
    },
    SubscriptionEnded: {
      about: "The server ended a subscription; from code 2500 on, subscribe again and recover.",
      schema: v.object({ push: v.object({ channel: v.string(), unsubscribe: Unsubscribed }) }),
      examples: [
        {
          name: "insufficient_state",
          summary: "The channel lost its thread.",
          payload: {
            push: { channel: "backfill", unsubscribe: { code: 2500, reason: "insufficient state" } },
          },
        },
      ],
    },
    Ping: {
      about: "From the server every 25 s, to be answered with the same within 8 s.",
      schema: v.strictObject({}),
      examples: [{ name: "ping", summary: "A ping, and its answer.", payload: {} }],
    },
  };
}

/** What is said about one channel. */
export function channelMessages(channel: ChannelContract): Messages {
  const { name, state, publications, delivery } = channel;
  const subscribed = {
    ...(delivery === "lossless" ? { recoverable: true, positioned: true, epoch: "48597945", offset: 8 } : {}),
    ...(state === undefined ? {} : { data: state.example }),
  };
  const messages: Record<string, Message> = {
    [`${name}Subscribed`]: {
      about: `The reply to a subscribe. ${state?.about ?? "Where the history stands."}`,
      schema: subscribedFrame(channel),
      examples: [{ name: "seen", summary: "As one was seen.", payload: { id: 2, subscribe: subscribed } }],
    },
  };
  for (const [kind, data] of Object.entries(publications)) {
    const pub = { data: data.example, ...(data.event === true ? { offset: 9 } : {}) };
    messages[`${name}${kind}`] = {
      about: data.about,
      schema: publicationFrame(data),
      examples: [
        {
          name: "seen",
          summary: "As one was seen.",
          payload: { push: { channel: exampleName(channel), pub } },
        },
      ],
    };
  }
  return messages;
}

/** `{id, METHOD: request}`, and in the same form `{id, METHOD: result}`. */
function numberedFrame(method: string, content: v.GenericSchema): v.GenericSchema {
  return v.object({ id: CommandId, [method]: content });
}

function subscribedFrame({ state }: ChannelContract): v.GenericSchema {
  const { data, ...position } = SubscribeResult.entries;
  return numberedFrame("subscribe", v.object({ ...position, data: state?.schema ?? data }));
}

function publicationFrame({ schema, event }: DataContract): v.GenericSchema {
  const offset = v.unwrap(Publication.entries.offset);
  const pub = event === true ? v.object({ data: schema, offset }) : v.object({ data: schema });
  return v.object({ push: v.object({ channel: v.string(), pub }) });
}

/** A channel's address with its example parts. */
export function exampleName({ address, parts }: ChannelContract): string {
  return address.replaceAll(/\{(\w+)\}/g, (_, part: string) => parts[part]?.example ?? part);
}

/** `sub_refresh` as `SubRefresh`. */
export function titled(method: string): string {
  return method.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
