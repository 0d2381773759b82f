/** Full-jitter exponential backoff, as in "Exponential Backoff And Jitter" (M. Brooker, AWS Architecture Blog, 2015). */
export interface BackoffOptions {
  /** Upper bound of the first wait. Default 500. */
  readonly baseMs?: number;
  /** Upper bound of every wait. Default 60,000. */
  readonly maxMs?: number;
}

/**
 * The wait before attempt `attempt + 1`, in ms: uniform in [0, min(maxMs, baseMs × 2^(attempt−1))], and never shorter
 * than the `retryAfterMs` that the other side asked for. `random` answers [0, 1).
 */
export function backoffMs(
  attempt: number,
  random: () => number,
  retryAfterMs = 0,
  { baseMs = 500, maxMs = 60_000 }: BackoffOptions = {},
): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 1));
  return Math.max(retryAfterMs, Math.floor(random() * ceiling));
}
