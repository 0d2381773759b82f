import type { Problem } from "../protocol/mod.ts";

export type TapelineErrorKind =
  /** There is no such symbol, session or job on this server. */
  | "unknown"
  /** No token, or one that is not valid (any more). */
  | "unauthorized"
  /** A valid token that does not allow this. */
  | "forbidden"
  /** The server does not do it; the message, and `problem` over HTTP, say why. */
  | "refused"
  /** The server cannot do it now. */
  | "unavailable"
  /** Nothing answered. */
  | "unreachable"
  /** Something answered that is not this API. */
  | "foreign"
  /** It did not come in time. */
  | "timeout"
  /** A reader of lossless updates left more of them waiting than are kept for it. */
  | "overflow"
  /** The client was closed meanwhile. */
  | "closed";

/** What went wrong between this client and its server. */
export class TapelineError extends Error {
  override readonly name = "TapelineError";
  readonly kind: TapelineErrorKind;
  /** Status of an HTTP answer. */
  readonly status: number | undefined;
  /** The problem document of an HTTP answer. */
  readonly problem: Problem | undefined;
  /** Error or close code of the push protocol. */
  readonly code: number | undefined;

  constructor(
    kind: TapelineErrorKind,
    message: string,
    about: {
      readonly status?: number;
      readonly problem?: Problem;
      readonly code?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.kind = kind;
    this.status = about.status;
    this.problem = about.problem;
    this.code = about.code;
  }
}

/** Codes of the push protocol, and those that the official client gives when a token cannot be had (1). */
const PUSH_KINDS: Readonly<Record<number, TapelineErrorKind>> = {
  1: "unauthorized",
  101: "unauthorized",
  102: "unknown",
  103: "forbidden",
  109: "unauthorized",
  3500: "unauthorized",
  3507: "forbidden",
};

/** The error of a code with which the server ended a connection or a subscription for good. */
export function pushFailure(what: string, code: number, reason: string): TapelineError {
  return new TapelineError(PUSH_KINDS[code] ?? "refused", `${what}: ${reason} (code ${code})`, { code });
}

/** The kind of a problem that HTTP answered with. */
export function kindOfStatus(status: number): TapelineErrorKind {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "unknown";
  return status >= 500 ? "unavailable" : "refused";
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
