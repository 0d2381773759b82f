/** Error codes of a reply, as the Centrifugo client protocol v2 numbers them. `temporary` tells a client to try again. */
export interface PushError {
  readonly code: number;
  readonly message: string;
  readonly temporary?: true;
}

export const PUSH_ERRORS = {
  internal: { code: 100, message: "internal server error", temporary: true },
  unauthorized: { code: 101, message: "unauthorized" },
  unknown_channel: { code: 102, message: "unknown channel" },
  permission_denied: { code: 103, message: "permission denied" },
  method_not_found: { code: 104, message: "method not found" },
  already_subscribed: { code: 105, message: "already subscribed" },
  limit_exceeded: { code: 106, message: "limit exceeded" },
  bad_request: { code: 107, message: "bad request" },
  not_available: { code: 108, message: "not available" },
  not_yet_available: { code: 108, message: "not available yet", temporary: true },
  token_expired: { code: 109, message: "token expired" },
  /** Of a refresh: the official client would give up for good, where a token that is fetched a moment later may do. */
  stale_token: { code: 109, message: "token expired", temporary: true },
  unrecoverable_position: { code: 112, message: "unrecoverable position" },
} as const satisfies Record<string, PushError>;

export type PushErrorName = keyof typeof PUSH_ERRORS;

/** The error of a name; `detail` says what was asked and what was found, for the person who reads the log. */
export function pushError(name: PushErrorName, detail?: string): PushError {
  const error: PushError = PUSH_ERRORS[name];
  return detail === undefined ? error : { ...error, message: `${error.message}: ${detail}` };
}
