import type { JobStatus } from "../protocol/mod.ts";

/** How far a backfill was when it was last heard of. */
export interface BackfillReached {
  readonly status: JobStatus;
  /** Share of the chunks that have ended, 0–100. */
  readonly percentage: number;
  readonly chunksDone: number;
  readonly chunksTotal: number;
  /** What the server says went wrong. */
  readonly error: string | undefined;
}

export type BackfillWaitFailure =
  /** The time ran out. */
  | "timeout"
  /** It has ended, but not as it should: `error` or `cancelled`. */
  | "ended"
  /** The server answers that there is no such job, or is no server of this kind. */
  | "refused";

/** A backfill that was waited for and is not complete. */
export class BackfillWaitError extends Error {
  override readonly name = "BackfillWaitError";
  readonly kind: BackfillWaitFailure;
  /** Undefined when the server never said. */
  readonly reached: BackfillReached | undefined;

  constructor(
    kind: BackfillWaitFailure,
    message: string,
    about: { readonly reached?: BackfillReached | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.kind = kind;
    this.reached = about.reached;
  }
}

/** `in_progress at 41.6 %, 60 of 144 chunks`, with what went wrong. */
export function reachedText({ status, percentage, chunksDone, chunksTotal, error }: BackfillReached): string {
  const why = error === undefined ? "" : `: ${error}`;
  return `${status} at ${percentage.toFixed(1)} %, ${chunksDone} of ${chunksTotal} chunks${why}`;
}
