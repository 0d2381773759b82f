import {
  type ClientCommand,
  type CloseCode,
  closeCode,
  parseCommands,
  parseConnectRequest,
} from "../protocol/mod.ts";
import type { PushLimits } from "./push-limits.ts";

export type Inbound =
  | { readonly kind: "commands"; readonly commands: readonly ClientCommand[] }
  /** The connection is closed with this. */
  | { readonly kind: "fault"; readonly close: CloseCode };

/** What a message of a client holds; `undefined` is a binary one, which the JSON protocol does not have. */
export function readMessage(text: string | undefined, limits: PushLimits): Inbound {
  const close = textFault(text, limits);
  if (text === undefined || close !== undefined) return fault(close);
  const parsed = parseCommands(text, limits.commandsPerMessageMax);
  return parsed.kind === "malformed" ? fault(closeCode("bad_request", parsed.reason)) : parsed;
}

/** The first message of a one-way client: its connect request, without the envelope of a command. */
export function readConnectMessage(text: string | undefined, limits: PushLimits): Inbound {
  const close = textFault(text, limits);
  if (text === undefined || close !== undefined) return fault(close);
  const parsed = parseConnectRequest(text);
  return parsed.kind === "malformed"
    ? fault(closeCode("bad_request", parsed.reason))
    : { kind: "commands", commands: [{ kind: "connect", id: 1, request: parsed.request }] };
}

function textFault(text: string | undefined, { frameCharsMax }: PushLimits): CloseCode | undefined {
  if (text === undefined) return closeCode("inappropriate_protocol", "a binary message, expected JSON text");
  return text.length > frameCharsMax
    ? closeCode("bad_request", `a message of ${text.length} characters, at most ${frameCharsMax}`)
    : undefined;
}

function fault(close: CloseCode = closeCode("bad_request")): Inbound {
  return { kind: "fault", close };
}
