import { type FailureKind, OperationFailure } from "../core/mod.ts";

/**
 * What went wrong with the tape:
 * `read` files could not be read: verify them · `format` they are whole and hold another schema version or kind of
 * trades than expected · `write` a file could not be made · `full` the disk has no room for it ·
 * `refused` a path outside the tape, or SQL that is no single SELECT · `timeout`, `aborted` the call was ended ·
 * `busy` too many calls wait already · `closed` the tape is closed · `open` the directory cannot be used.
 */
export type TapeErrorCode =
  | "read"
  | "format"
  | "write"
  | "full"
  | "refused"
  | "timeout"
  | "aborted"
  | "busy"
  | "closed"
  | "open";

const KIND: Record<TapeErrorCode, FailureKind> = {
  read: "transient",
  format: "permanent",
  write: "transient",
  full: "transient",
  refused: "permanent",
  timeout: "transient",
  aborted: "aborted",
  busy: "transient",
  closed: "aborted",
  open: "permanent",
};

/** A failed operation on the tape; `paths` are the files it was about, relative to the tape's directory. */
export class TapeError extends OperationFailure {
  override readonly name = "TapeError";
  readonly code: TapeErrorCode;
  readonly paths: readonly string[];

  constructor(
    code: TapeErrorCode,
    message: string,
    options: { readonly paths?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(KIND[code], message, { cause: options.cause });
    this.code = code;
    this.paths = options.paths ?? [];
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether a disk without room, or a quota that is used up, is behind a failure. DuckDB tells it in words alone. */
export function isDiskFull(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT")) return true;
    if (/no space left on device|disk quota exceeded/i.test(error.message)) return true;
  }
  return false;
}
