/** Ends the work for an answer that nobody waits for any more: the client has gone, or the deadline has passed. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** Something that the answer needs cannot be reached now (the database, a shutdown under way). */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly detail: string;
  readonly retryAfterSeconds: number;
}
