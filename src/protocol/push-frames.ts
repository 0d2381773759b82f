import * as v from "valibot";
import { CHANNEL_CHARS_MAX } from "./channels.ts";
import { type PushError, pushError } from "./push-errors.ts";

/**
 * Commands of a client in the JSON form of the Centrifugo client protocol v2: one JSON object a line, one or many lines a
 * message. Unknown fields are tolerated here (they are refused over HTTP): the protocol grows by adding fields, and the official
 * clients of tomorrow must be able to send theirs to a server of today.
 */

/** Commands in one message: the official client subscribes to all its channels with one. */
export const COMMANDS_PER_MESSAGE_MAX = 200;
/** Characters of a token. */
const TOKEN_CHARS_MAX = 8_192;
const EPOCH_CHARS_MAX = 128;
const ID_MAX = 4_294_967_295;

const Text = (chars: number) => v.pipe(v.string(), v.maxLength(chars));
const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const ChannelName = v.pipe(v.string(), v.minLength(1), v.maxLength(CHANNEL_CHARS_MAX));

export const CommandId = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(ID_MAX));

export const ConnectRequest = v.object({
  token: v.optional(Text(TOKEN_CHARS_MAX), ""),
  name: v.optional(Text(256), ""),
  version: v.optional(Text(256), ""),
  data: v.optional(v.unknown()),
});
export type ConnectRequest = v.InferOutput<typeof ConnectRequest>;

export const SubscribeRequest = v.object({
  channel: ChannelName,
  token: v.optional(Text(TOKEN_CHARS_MAX), ""),
  /** Resume after `offset` of `epoch`; an empty epoch takes whatever epoch the channel has. */
  recover: v.optional(v.boolean(), false),
  offset: v.optional(Whole, 0),
  epoch: v.optional(Text(EPOCH_CHARS_MAX), ""),
  /** Kind of subscription; 0 is the plain one, the others (maps, shared polls) are not offered. */
  type: v.optional(Whole, 0),
  /** Filter by tags: not offered, and silence would deliver what was not asked for. */
  tf: v.optional(v.unknown()),
});
export type SubscribeRequest = v.InferOutput<typeof SubscribeRequest>;

export const UnsubscribeRequest = v.object({ channel: ChannelName });
export type UnsubscribeRequest = v.InferOutput<typeof UnsubscribeRequest>;

export const HistoryRequest = v.object({
  channel: ChannelName,
  /** Publications wanted; 0 asks for the position only. */
  limit: v.optional(v.pipe(v.number(), v.safeInteger()), 0),
  since: v.optional(v.object({ offset: v.optional(Whole, 0), epoch: v.optional(Text(EPOCH_CHARS_MAX), "") })),
  reverse: v.optional(v.boolean(), false),
});
export type HistoryRequest = v.InferOutput<typeof HistoryRequest>;

/** Methods of the protocol that this server does not offer. */
const NOT_OFFERED = ["refresh", "sub_refresh", "publish", "presence", "presence_stats"] as const;

export type ClientCommand =
  /** An empty object: the answer to a ping. */
  | { readonly kind: "pong" }
  | { readonly kind: "connect"; readonly id: number; readonly request: ConnectRequest }
  | { readonly kind: "subscribe"; readonly id: number; readonly request: SubscribeRequest }
  | { readonly kind: "unsubscribe"; readonly id: number; readonly request: UnsubscribeRequest }
  | { readonly kind: "history"; readonly id: number; readonly request: HistoryRequest }
  /** A command that can only be answered with an error. */
  | { readonly kind: "refused"; readonly id: number; readonly error: PushError }
  /** `send` wants no answer, and nobody listens to it here. */
  | { readonly kind: "ignored" };

export type ParsedCommands =
  | { readonly kind: "commands"; readonly commands: readonly ClientCommand[] }
  /** Not the protocol at all: the connection is closed with 3501. `reason` is ASCII and quotes nothing of the client's. */
  | { readonly kind: "malformed"; readonly reason: string };

/** The commands of one message, in order. */
export function parseCommands(message: string): ParsedCommands {
  const commands: ClientCommand[] = [];
  for (const line of message.split("\n")) {
    if (line.trim() === "") continue;
    if (commands.length === COMMANDS_PER_MESSAGE_MAX)
      return { kind: "malformed", reason: `more than ${COMMANDS_PER_MESSAGE_MAX} commands in a message` };
    const json = parseJson(line);
    if (typeof json !== "object" || json === null || Array.isArray(json))
      return { kind: "malformed", reason: `line ${commands.length + 1} is no JSON object` };
    const command = parseCommand(new Map<string, unknown>(Object.entries(json)));
    if (command === undefined)
      return { kind: "malformed", reason: `command ${commands.length + 1} has no id from 1 to ${ID_MAX}` };
    commands.push(command);
  }
  if (commands.length === 0) return { kind: "malformed", reason: "an empty message" };
  return { kind: "commands", commands };
}

function parseCommand(fields: ReadonlyMap<string, unknown>): ClientCommand | undefined {
  if (fields.size === 0) return { kind: "pong" };
  const id = v.safeParse(CommandId, fields.get("id"));
  if (!id.success) return fields.has("send") ? { kind: "ignored" } : undefined;
  return parseMethod(id.output, fields);
}

function parseMethod(id: number, fields: ReadonlyMap<string, unknown>): ClientCommand {
  if (fields.has("connect")) {
    const request = v.safeParse(ConnectRequest, fields.get("connect"));
    return request.success
      ? { kind: "connect", id, request: request.output }
      : badRequest(id, "connect", request.issues);
  }
  if (fields.has("subscribe")) {
    const request = v.safeParse(SubscribeRequest, fields.get("subscribe"));
    return request.success
      ? { kind: "subscribe", id, request: request.output }
      : badRequest(id, "subscribe", request.issues);
  }
  if (fields.has("unsubscribe")) {
    const request = v.safeParse(UnsubscribeRequest, fields.get("unsubscribe"));
    return request.success
      ? { kind: "unsubscribe", id, request: request.output }
      : badRequest(id, "unsubscribe", request.issues);
  }
  if (fields.has("history")) {
    const request = v.safeParse(HistoryRequest, fields.get("history"));
    return request.success
      ? { kind: "history", id, request: request.output }
      : badRequest(id, "history", request.issues);
  }
  const known = NOT_OFFERED.find((method) => fields.has(method));
  if (known !== undefined)
    return { kind: "refused", id, error: pushError("not_available", `${known} is not offered here`) };
  return { kind: "refused", id, error: pushError("method_not_found") };
}

function badRequest(id: number, method: string, issues: readonly v.BaseIssue<unknown>[]): ClientCommand {
  const faults = issues.slice(0, 3).map((issue) => `${method}.${v.getDotPath(issue) ?? ""} ${issue.message}`);
  return { kind: "refused", id, error: pushError("bad_request", faults.join("; ")) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
