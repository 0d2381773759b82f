/** Why an operation outside of our own code failed, and what may be done about it. */
export type FailureKind =
  /** Try again: time-outs, resets, 5xx, malformed bodies. */
  | "transient"
  /** The venue asks us to wait: 429. */
  | "throttled"
  /** The venue has shut us out until a time it names: 418. Nothing may be sent before. */
  | "banned"
  /** Trying again cannot help: unknown symbol, bad request, forbidden region. */
  | "permanent"
  /** We stopped it ourselves: shutdown, lease lost, deadline. */
  | "aborted";

/** A failed operation with its kind; `retryAfterMs` when the other side named a wait. */
export class OperationFailure extends Error {
  override readonly name: string = "OperationFailure";
  readonly kind: FailureKind;
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options?: { retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** The failure in anything thrown; what we do not know is transient and keeps its message. */
export function failureOf(thrown: unknown): OperationFailure {
  if (thrown instanceof OperationFailure) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError")
    return new OperationFailure("aborted", "aborted", { cause: thrown });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new OperationFailure("transient", message, { cause: thrown });
}
