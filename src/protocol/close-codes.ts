/** WebSocket close codes of the Centrifugo client protocol v2. 3000–3499: the client comes back by itself; 3500–3999: it must not. */
export interface CloseCode {
  readonly code: number;
  /** Never empty: the official JavaScript client reads "do not come back" from the code only when a reason stands beside it. */
  readonly reason: string;
}

/** Codes from here on close the connection; lower ones are those of an error reply. */
export const CLOSE_CODE_MIN = 3_000;

export const CLOSE_CODES = {
  shutdown: { code: 3001, reason: "shutdown" },
  server_error: { code: 3004, reason: "internal server error" },
  expired: { code: 3005, reason: "connection expired" },
  slow: { code: 3008, reason: "slow" },
  insufficient_state: { code: 3010, reason: "insufficient state" },
  no_pong: { code: 3012, reason: "no pong" },
  too_many_requests: { code: 3013, reason: "too many requests" },
  invalid_token: { code: 3500, reason: "invalid token" },
  bad_request: { code: 3501, reason: "bad request" },
  stale: { code: 3502, reason: "stale" },
  inappropriate_protocol: { code: 3506, reason: "inappropriate protocol" },
  permission_denied: { code: 3507, reason: "permission denied" },
} as const satisfies Record<string, CloseCode>;

export type CloseName = keyof typeof CLOSE_CODES;

/** Codes of an `unsubscribe` push. From 2500 on the client subscribes again by itself. */
export const UNSUBSCRIBE_CODES = {
  /** A new token does not cover the channel any more. */
  permission_denied: { code: 2000, reason: "permission denied" },
  /** A subscription of the connect command cannot be made; the reason says why. */
  refused: { code: 2000, reason: "refused" },
  /** The same, but it may work a moment later. */
  later: { code: 2500, reason: "come again" },
  /** The channel lost its thread (a hole in its events): come again and recover. */
  insufficient_state: { code: 2500, reason: "insufficient state" },
  /** The subscription's own token was not refreshed in time. */
  expired: { code: 2501, reason: "subscription expired" },
} as const satisfies Record<string, CloseCode>;

/** Whether a client whose subscription was ended with `code` subscribes again by itself. */
export function resubscribes(code: number): boolean {
  return code >= UNSUBSCRIBE_CODES.insufficient_state.code;
}

/** A close frame carries at most 123 bytes of reason (RFC 6455, 5.5). */
const REASON_CHARS_MAX = 120;

/** The close code of a name; `detail` is added to the reason as far as a close frame has room. Keep it ASCII. */
export function closeCode(name: CloseName, detail?: string): CloseCode {
  const { code, reason } = CLOSE_CODES[name];
  return { code, reason: detail === undefined ? reason : fittingReason(`${reason}: ${detail}`) };
}

/** A reason cut to what a close frame has room for. */
export function fittingReason(text: string): string {
  return text.slice(0, REASON_CHARS_MAX);
}

/** Whether a client that was closed with `code` comes back by itself. */
export function reconnects(code: number): boolean {
  return !((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000));
}
