/** Time as push is given it: a monotonic clock and one-shot timers. src/runtime has the real ones, tests have their own. */
export interface PushTimers {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls `run` once after at least `delayMs`; the returned function calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** An injected operation did not answer in time. */
export class PushTimeoutError extends Error {
  override readonly name = "PushTimeoutError";
  readonly operation: string;
  readonly limitMs: number;

  constructor(operation: string, limitMs: number) {
    super(`${operation} did not answer within ${limitMs} ms`);
    this.operation = operation;
    this.limitMs = limitMs;
  }
}

/** What `work` gives, or {@link PushTimeoutError} after `limitMs`; the work itself cannot be called back. */
export async function withinTime<T>(
  timers: PushTimers,
  limitMs: number,
  operation: string,
  work: () => Promise<T> | T,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = timers.after(limitMs, () => late.reject(new PushTimeoutError(operation, limitMs)));
  try {
    return await Promise.race([work(), late.promise]);
  } finally {
    cancel();
  }
}
