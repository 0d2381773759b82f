import * as v from "valibot";
import { CHANNEL_CHARS_MAX } from "./channels.ts";

/**
 * What a client asks, in the JSON form of the Centrifugo client protocol v2. Unknown fields are tolerated here (they are refused over
 * HTTP): the protocol grows by adding fields, and the official clients of tomorrow must be able to send theirs to a server of today.
 */

/** Characters of a token. */
const TOKEN_CHARS_MAX = 8_192;
const EPOCH_CHARS_MAX = 128;
const METHOD_CHARS_MAX = 64;

const Text = (chars: number) => v.pipe(v.string(), v.maxLength(chars));
const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const ChannelName = v.pipe(v.string(), v.minLength(1), v.maxLength(CHANNEL_CHARS_MAX));
const Token = v.optional(Text(TOKEN_CHARS_MAX), "");

/** How a channel is subscribed. */
const SubscribeFields = {
  /** Of this channel alone, beyond what the connection's own token allows. */
  token: Token,
  /** Resume after `offset` of `epoch`; an empty epoch takes whatever epoch the channel has. */
  recover: v.optional(v.boolean(), false),
  offset: v.optional(Whole, 0),
  epoch: v.optional(Text(EPOCH_CHARS_MAX), ""),
};

/** A subscription that is asked for with the connect command. */
export const ConnectSubscription = v.object(SubscribeFields);
export type ConnectSubscription = v.InferOutput<typeof ConnectSubscription>;

export const ConnectRequest = v.object({
  token: Token,
  name: v.optional(Text(256), ""),
  version: v.optional(Text(256), ""),
  data: v.optional(v.unknown()),
  /** Channels to subscribe to at once; the reply tells what became of them. */
  subs: v.optional(v.record(ChannelName, ConnectSubscription), {}),
});
export type ConnectRequest = v.InferOutput<typeof ConnectRequest>;

export const SubscribeRequest = v.object({
  channel: ChannelName,
  ...SubscribeFields,
  /** Kind of subscription; 0 is the plain one, the others (maps, shared polls) are not offered. */
  type: v.optional(Whole, 0),
  /** Filter by tags: not offered, and silence would deliver what was not asked for. */
  tf: v.optional(v.unknown()),
});
export type SubscribeRequest = v.InferOutput<typeof SubscribeRequest>;

export const UnsubscribeRequest = v.object({ channel: ChannelName });
export type UnsubscribeRequest = v.InferOutput<typeof UnsubscribeRequest>;

/** A new token before the old one is worth nothing. */
export const RefreshRequest = v.object({ token: Token });
export type RefreshRequest = v.InferOutput<typeof RefreshRequest>;

/** The same for a channel that was subscribed with a token of its own. */
export const SubRefreshRequest = v.object({ channel: ChannelName, token: Token });
export type SubRefreshRequest = v.InferOutput<typeof SubRefreshRequest>;

export const HistoryRequest = v.object({
  channel: ChannelName,
  /** Publications wanted; 0 asks for the position only, a negative number for as many as one reply carries. */
  limit: v.optional(v.pipe(v.number(), v.safeInteger()), 0),
  /** Those after this position, or, in reverse, those before it. */
  since: v.optional(v.object({ offset: v.optional(Whole, 0), epoch: v.optional(Text(EPOCH_CHARS_MAX), "") })),
  /** Newest first. */
  reverse: v.optional(v.boolean(), false),
});
export type HistoryRequest = v.InferOutput<typeof HistoryRequest>;

/** A call; the methods and their data are those of rpc.ts. */
export const RpcRequest = v.object({
  method: v.optional(Text(METHOD_CHARS_MAX), ""),
  data: v.optional(v.unknown()),
});
export type RpcRequest = v.InferOutput<typeof RpcRequest>;

export const PingRequest = v.object({});
