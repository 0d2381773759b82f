import { type FailureKind, OperationFailure } from "../../core/mod.ts";

/** How much of an answer a message shows. */
const SHOWN_CHARACTERS = 200;

/** A request the venue refused or that got no answer. */
export class RequestFailure extends OperationFailure {
  override readonly name = "RequestFailure";
  readonly path: string;
  /** HTTP status, or undefined when no answer came. */
  readonly status: number | undefined;
  /** Binance's own error code, when the body carried one. */
  readonly code: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    fields: {
      path: string;
      status?: number | undefined;
      code?: number | undefined;
      retryAfterMs?: number | undefined;
      cause?: unknown;
    },
  ) {
    super(kind, message, { retryAfterMs: fields.retryAfterMs, cause: fields.cause });
    this.path = fields.path;
    this.status = fields.status;
    this.code = fields.code;
  }
}

/** An answer with status 200 that is not what the endpoint promises. Worth another try. */
export class MalformedAnswer extends OperationFailure {
  override readonly name = "MalformedAnswer";
  readonly path: string;
  readonly expected: string;
  readonly found: string;

  constructor(path: string, expected: string, body: string, cause?: unknown) {
    const found = excerpt(body);
    super("transient", `GET ${path}: expected ${expected}, found ${found}`, { cause });
    this.path = path;
    this.expected = expected;
    this.found = found;
  }
}

/** The first characters of a body, on one line. */
export function excerpt(body: string): string {
  const shown = body.slice(0, SHOWN_CHARACTERS).replace(/\s+/g, " ");
  return shown === "" ? "an empty body" : shown;
}
