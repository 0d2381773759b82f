import {
  type ClientCommand,
  type CloseCode,
  closeCode,
  parseCommands,
  parseConnectRequest,
} from "../protocol/mod.ts";

/** Characters in one message of a client. */
export const FRAME_CHARS_MAX = 65_536;

export type Inbound =
  | { readonly kind: "commands"; readonly commands: readonly ClientCommand[] }
  /** The connection is closed with this. */
  | { readonly kind: "fault"; readonly close: CloseCode };

/** What a message of a client holds; `undefined` is a binary one, which the JSON protocol does not have. */
export function readMessage(text: string | undefined): Inbound {
  const close = textFault(text);
  if (text === undefined || close !== undefined) return fault(close);
  const parsed = parseCommands(text);
  return parsed.kind === "malformed" ? fault(closeCode("bad_request", parsed.reason)) : parsed;
}

/** The first message of a one-way client: its connect request, without the envelope of a command. */
export function readConnectMessage(text: string | undefined): Inbound {
  const close = textFault(text);
  if (text === undefined || close !== undefined) return fault(close);
  const parsed = parseConnectRequest(text);
  return parsed.kind === "malformed"
    ? fault(closeCode("bad_request", parsed.reason))
    : { kind: "commands", commands: [{ kind: "connect", id: 1, request: parsed.request }] };
}

function textFault(text: string | undefined): CloseCode | undefined {
  if (text === undefined) return closeCode("inappropriate_protocol", "a binary message, expected JSON text");
  return text.length > FRAME_CHARS_MAX
    ? closeCode("bad_request", `a message of ${text.length} characters, at most ${FRAME_CHARS_MAX}`)
    : undefined;
}

function fault(close: CloseCode = closeCode("bad_request")): Inbound {
  return { kind: "fault", close };
}
