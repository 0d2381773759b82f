import * as v from "valibot";
import { type PushError, pushError } from "./push-errors.ts";
import {
  ConnectRequest,
  HistoryRequest,
  PingRequest,
  RefreshRequest,
  RpcRequest,
  SubRefreshRequest,
  SubscribeRequest,
  UnsubscribeRequest,
} from "./push-requests.ts";
import { parseStrictJson } from "./strict-json.ts";

/** Commands of a client: one JSON object a line, one or many lines a message. */

const ID_MAX = 4_294_967_295;
/** Faults of a request that its error names. */
const FAULTS_MAX = 3;
/** Fields of a command that we do not know, as an error shows them. */
const SHOWN_FIELDS_MAX = 3;
const SHOWN_CHARS_MAX = 32;

export const CommandId = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(ID_MAX));

interface Command<Kind extends string, Request> {
  readonly kind: Kind;
  readonly id: number;
  readonly request: Request;
}

export type ClientCommand =
  | Command<"connect", ConnectRequest>
  | Command<"subscribe", SubscribeRequest>
  | Command<"unsubscribe", UnsubscribeRequest>
  | Command<"refresh", RefreshRequest>
  | Command<"sub_refresh", SubRefreshRequest>
  | Command<"history", HistoryRequest>
  | Command<"rpc", RpcRequest>
  | Command<"ping", object>
  /** A command that can only be answered with an error. */
  | { readonly kind: "refused"; readonly id: number; readonly error: PushError }
  /** An empty object: the answer to a ping. */
  | { readonly kind: "pong" }
  /** `send` wants no answer, and nobody listens to it here. */
  | { readonly kind: "ignored" };

export type ParsedCommands =
  | { readonly kind: "commands"; readonly commands: readonly ClientCommand[] }
  /** Not the protocol at all: the connection is closed with 3501. `reason` is ASCII and quotes nothing of the client's. */
  | { readonly kind: "malformed"; readonly reason: string };

export type ParsedConnect =
  | { readonly kind: "connect"; readonly request: ConnectRequest }
  /** `reason` is ASCII. */
  | { readonly kind: "malformed"; readonly reason: string };

type Reader = (id: number, value: unknown) => ClientCommand;

/** Methods of the protocol that this server answers. */
const METHODS: ReadonlyMap<string, Reader> = new Map([
  reader("connect", ConnectRequest, (id, request) => ({ kind: "connect", id, request })),
  reader("subscribe", SubscribeRequest, (id, request) => ({ kind: "subscribe", id, request })),
  reader("unsubscribe", UnsubscribeRequest, (id, request) => ({ kind: "unsubscribe", id, request })),
  reader("refresh", RefreshRequest, (id, request) => ({ kind: "refresh", id, request })),
  reader("sub_refresh", SubRefreshRequest, (id, request) => ({ kind: "sub_refresh", id, request })),
  reader("history", HistoryRequest, (id, request) => ({ kind: "history", id, request })),
  reader("rpc", RpcRequest, (id, request) => ({ kind: "rpc", id, request })),
  reader("ping", PingRequest, (id, request) => ({ kind: "ping", id, request })),
]);

/** Methods of the protocol that it does not offer. */
const NOT_OFFERED = ["publish", "presence", "presence_stats"] as const;

/** The commands of one message, in order; more than `commandsMax` are malformed. */
export function parseCommands(message: string, commandsMax: number): ParsedCommands {
  const commands: ClientCommand[] = [];
  for (const line of message.split("\n")) {
    if (line.trim() === "") continue;
    if (commands.length === commandsMax)
      return { kind: "malformed", reason: `more than ${commandsMax} commands in a message` };
    const place = `line ${commands.length + 1}`;
    const parsed = parseStrictJson(line);
    if (parsed.kind === "malformed") return { kind: "malformed", reason: `${place} ${parsed.finding}` };
    const json = parsed.value;
    if (typeof json !== "object" || json === null || Array.isArray(json))
      return { kind: "malformed", reason: `${place} is ${kindOf(json)}, expected a JSON object` };
    const command = parseCommand(new Map<string, unknown>(Object.entries(json)));
    if (command === undefined)
      return { kind: "malformed", reason: `command ${commands.length + 1} has no id from 1 to ${ID_MAX}` };
    commands.push(command);
  }
  if (commands.length === 0) return { kind: "malformed", reason: "an empty message" };
  return { kind: "commands", commands };
}

/** The connect request of a one-way client: a JSON object by itself, without an id. */
export function parseConnectRequest(text: string): ParsedConnect {
  const parsed = parseStrictJson(text);
  const json = parsed.kind === "json" ? parsed.value : undefined;
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    const finding = parsed.kind === "json" ? `is ${kindOf(json)}` : parsed.finding;
    return {
      kind: "malformed",
      reason: `the connect request ${finding}, expected such as {"subs":{"backfill":{}}}`,
    };
  }
  const request = v.safeParse(ConnectRequest, json);
  return request.success
    ? { kind: "connect", request: request.output }
    : { kind: "malformed", reason: ascii(faultsOf("connect", request.issues)) };
}

function parseCommand(fields: ReadonlyMap<string, unknown>): ClientCommand | undefined {
  if (fields.size === 0) return { kind: "pong" };
  if (fields.has("send")) return { kind: "ignored" };
  const id = v.safeParse(CommandId, fields.get("id"));
  if (!id.success) return undefined;
  for (const [method, read] of METHODS) if (fields.has(method)) return read(id.output, fields.get(method));
  return { kind: "refused", id: id.output, error: unknownMethod(fields) };
}

function reader<Request>(
  method: string,
  schema: v.GenericSchema<unknown, Request>,
  make: (id: number, request: Request) => ClientCommand,
): [string, Reader] {
  const read: Reader = (id, value) => {
    const request = v.safeParse(schema, value);
    if (request.success) return make(id, request.output);
    return { kind: "refused", id, error: pushError("bad_request", faultsOf(method, request.issues)) };
  };
  return [method, read];
}

function faultsOf(method: string, issues: readonly v.BaseIssue<unknown>[]): string {
  const faults = issues.slice(0, FAULTS_MAX).map((issue) => {
    const path = v.getDotPath(issue);
    return `${path === null ? method : `${method}.${path}`} ${issue.message}`;
  });
  return faults.join("; ");
}

/** A close frame's reason counts bytes. */
function ascii(text: string): string {
  return text.replace(/[^ -~]/g, "?");
}

function unknownMethod(fields: ReadonlyMap<string, unknown>): PushError {
  const known = NOT_OFFERED.find((method) => fields.has(method));
  if (known !== undefined) return pushError("not_available", `${known} is not offered here`);
  const names = [...fields.keys()].filter((name) => name !== "id");
  const came = names.slice(0, SHOWN_FIELDS_MAX).map((name) => JSON.stringify(name.slice(0, SHOWN_CHARS_MAX)));
  const found = came.length === 0 ? "nothing beside the id" : came.join(", ");
  return pushError("method_not_found", `expected one of ${[...METHODS.keys()].join(", ")}, got ${found}`);
}

function kindOf(json: unknown): string {
  if (json === null) return "null";
  return Array.isArray(json) ? "an array" : `a ${typeof json}`;
}
