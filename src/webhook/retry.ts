import { MS_PER_DAY } from "../core/mod.ts";

/** Waits before the second attempt, the third …: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h. After the last the delivery has failed. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000,
];
/** A wait is lengthened by up to this share, so that what failed together does not come back together. */
const JITTER_SHARE = 0.1;
/** Longest wait that a receiver may ask for. */
const RETRY_AFTER_MS_MAX = MS_PER_DAY;

export interface RetryOptions {
  readonly delaysMs: readonly number[];
  /** Answers [0, 1). */
  readonly random: () => number;
}

/** The wait after failed attempt `attempt` (1 for the first), never shorter than what the receiver asked for; undefined: no more. */
export function retryDelayMs(
  attempt: number,
  retryAfterMs: number,
  { delaysMs, random }: RetryOptions,
): number | undefined {
  const delay = delaysMs[attempt - 1];
  if (delay === undefined) return undefined;
  return Math.max(Math.round(delay * (1 + JITTER_SHARE * random())), retryAfterMs);
}

/** What a `Retry-After` header (seconds, or an HTTP date) asks for, in ms; 0 for none and for nonsense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const asked = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(0, asked), RETRY_AFTER_MS_MAX);
}
