import * as v from "valibot";
import type { CloseCode } from "./close-codes.ts";
import type { PushError } from "./push-errors.ts";
import { CommandId } from "./push-frames.ts";

/** What the server sends: replies to commands, and pushes; the JSON form of the Centrifugo client protocol v2. */

const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A ping of the server; the client answers with the same. */
export const PING_FRAME = "{}";
/** How the envelope of every push begins. */
const PUSH_HEAD = '{"push":';

/** How long a token is worth something; without fields it has no end. */
const LifetimeFields = {
  expires: v.optional(v.boolean()),
  /** Seconds from now; a client sends its next token then. */
  ttl: v.optional(Whole),
};
export const Lifetime = v.object(LifetimeFields);
export type Lifetime = v.InferOutput<typeof Lifetime>;

/** One event of a channel; without offset when it is a conflated one. */
export const Publication = v.object({ data: v.unknown(), offset: v.optional(Whole) });
export type Publication = v.InferOutput<typeof Publication>;

export const SubscribeResult = v.object({
  /** Of the subscription's own token. */
  ...LifetimeFields,
  recoverable: v.optional(v.boolean()),
  positioned: v.optional(v.boolean()),
  epoch: v.optional(v.string()),
  /** Where the stream stands; after a recovery the position recovered from, before the publications of this reply. */
  offset: v.optional(Whole),
  was_recovering: v.optional(v.boolean()),
  recovered: v.optional(v.boolean()),
  publications: v.optional(v.array(Publication)),
  /** Conflated channels: the full set. */
  data: v.optional(v.unknown()),
});
export type SubscribeResult = v.InferOutput<typeof SubscribeResult>;

export const ConnectResult = v.object({
  client: v.string(),
  version: v.string(),
  /** Seconds between pings of the server. */
  ping: Whole,
  /** Whether the server wants an answer to its pings; a one-way client gives none. */
  pong: v.optional(v.boolean()),
  /** Of the connection's token. */
  ...LifetimeFields,
  /** What became of the subscriptions that the connect command asked for. */
  subs: v.optional(v.record(v.string(), SubscribeResult)),
});
export type ConnectResult = v.InferOutput<typeof ConnectResult>;

export const HistoryResult = v.object({
  publications: v.array(Publication),
  epoch: v.string(),
  offset: Whole,
});

/** What a call was answered. */
export const RpcResult = v.object({ data: v.unknown() });

/** Why a command was not done; `temporary`: asked again later, it may be. */
export const ReplyError = v.object({
  code: Whole,
  message: v.string(),
  temporary: v.optional(v.boolean()),
});

/** A subscription that the server ended. */
export const Unsubscribed = v.object({ code: Whole, reason: v.string() });

/** Why a connection ends, where the transport has no close codes. */
export const Disconnected = v.object({ code: Whole, reason: v.string() });

/** What comes without having been asked. A one-way client gets it as it is, the others in the envelope `{"push":…}`. */
export const Push = v.object({
  channel: v.optional(v.string()),
  pub: v.optional(Publication),
  unsubscribe: v.optional(Unsubscribed),
  /** One-way clients alone: the first push, and the last one. */
  connect: v.optional(ConnectResult),
  disconnect: v.optional(Disconnected),
});
export type Push = v.InferOutput<typeof Push>;

/** One frame of the server. An empty object is a ping. */
export const ServerFrame = v.object({
  id: v.optional(CommandId),
  error: v.optional(ReplyError),
  connect: v.optional(ConnectResult),
  subscribe: v.optional(SubscribeResult),
  unsubscribe: v.optional(v.object({})),
  refresh: v.optional(Lifetime),
  sub_refresh: v.optional(Lifetime),
  history: v.optional(HistoryResult),
  rpc: v.optional(RpcResult),
  ping: v.optional(v.object({})),
  push: v.optional(Push),
});
export type ServerFrame = v.InferOutput<typeof ServerFrame>;

export function errorReply(id: number, error: PushError): string {
  return JSON.stringify({ id, error });
}

/** The result of a connect as JSON text; `subs` are channels with the texts of {@link subscribeResult}. */
export function connectResult(
  result: Omit<ConnectResult, "subs">,
  subs?: readonly (readonly [channel: string, result: string])[],
): string {
  const text = JSON.stringify(result);
  if (subs === undefined) return text;
  const entries = subs.map(([channel, subscribed]) => `${JSON.stringify(channel)}:${subscribed}`);
  return `${text.slice(0, -1)},"subs":{${entries.join(",")}}}`;
}

/** The reply to a connect; `result` is the text of {@link connectResult}. */
export function connectReply(id: number, result: string): string {
  return `{"id":${id},"connect":${result}}`;
}

/** The same as a push, for a client that has asked with no command. */
export function connectFrame(result: string): string {
  return `${PUSH_HEAD}{"connect":${result}}}`;
}

/** Why the server ends the connection, where the transport has no close codes. */
export function disconnectFrame({ code, reason }: CloseCode): string {
  return JSON.stringify({ push: { disconnect: { code, reason } } });
}

/** A push out of its envelope, as one-way clients get it; what is in none (a ping) stays as it is. */
export function withoutEnvelope(frame: string): string {
  return frame.startsWith(PUSH_HEAD) ? frame.slice(PUSH_HEAD.length, -1) : frame;
}

/**
 * The result of a subscribe as JSON text. `publications` and `data` are JSON texts already (see {@link publicationJson}), so that what
 * goes to many connections is encoded once.
 */
export function subscribeResult(
  result: Omit<SubscribeResult, "publications" | "data">,
  encoded: { readonly publications?: readonly string[]; readonly data?: string } = {},
): string {
  const parts = [JSON.stringify(result).slice(1, -1)];
  if (encoded.publications !== undefined) parts.push(`"publications":[${encoded.publications.join(",")}]`);
  if (encoded.data !== undefined) parts.push(`"data":${encoded.data}`);
  return `{${parts.filter((part) => part !== "").join(",")}}`;
}

/** The reply to a subscribe; `result` is the text of {@link subscribeResult}. */
export function subscribeReply(id: number, result: string): string {
  return `{"id":${id},"subscribe":${result}}`;
}

export function unsubscribeReply(id: number): string {
  return `{"id":${id},"unsubscribe":{}}`;
}

export function refreshReply(id: number, lifetime: Lifetime): string {
  return JSON.stringify({ id, refresh: lifetime });
}

export function subRefreshReply(id: number, lifetime: Lifetime): string {
  return JSON.stringify({ id, sub_refresh: lifetime });
}

export function pingReply(id: number): string {
  return `{"id":${id},"ping":{}}`;
}

/** `dataJson` is JSON already, on one line. */
export function rpcReply(id: number, dataJson: string): string {
  return `{"id":${id},"rpc":{"data":${dataJson}}}`;
}

export function historyReply(
  id: number,
  position: { readonly epoch: string; readonly offset: number },
  publications: readonly string[],
): string {
  return `{"id":${id},"history":{"publications":[${publications.join(",")}],"epoch":${JSON.stringify(position.epoch)},"offset":${position.offset}}}`;
}

/** One publication as JSON text; `dataJson` is JSON already. */
export function publicationJson(dataJson: string, offset?: number): string {
  return offset === undefined ? `{"data":${dataJson}}` : `{"data":${dataJson},"offset":${offset}}`;
}

/** The push that carries a publication (JSON text of {@link publicationJson}) under the name its subscriber used. */
export function publicationFrame(channelName: string, publication: string): string {
  return `${PUSH_HEAD}{"channel":${JSON.stringify(channelName)},"pub":${publication}}}`;
}

/** Tells a client that the server ended one of its subscriptions. */
export function unsubscribeFrame(channelName: string, { code, reason }: CloseCode): string {
  return JSON.stringify({ push: { channel: channelName, unsubscribe: { code, reason } } });
}
