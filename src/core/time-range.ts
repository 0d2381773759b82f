/** Time in two grains: microseconds since the epoch for trades, whole minutes since the epoch for everything folded. */

export const US_PER_MS = 1_000;
export const MS_PER_MINUTE = 60_000;
export const US_PER_MINUTE = 60_000_000;
export const MINUTES_PER_DAY = 1_440;
export const MS_PER_DAY = 86_400_000;

/** Half-open range of minutes since the epoch, `[lo, hi)`. */
export interface MinuteRange {
  readonly lo: number;
  readonly hi: number;
}

/** The minute that holds a time in microseconds. */
export function minuteOfUs(timeUs: number): number {
  return Math.floor(timeUs / US_PER_MINUTE);
}

/** The minute that holds a time in milliseconds. */
export function minuteOfMs(timeMs: number): number {
  return Math.floor(timeMs / MS_PER_MINUTE);
}

/** First millisecond of a minute. */
export function msOfMinute(minute: number): number {
  return minute * MS_PER_MINUTE;
}

/** The UTC day (days since the epoch) of a minute. */
export function dayOfMinute(minute: number): number {
  return Math.floor(minute / MINUTES_PER_DAY);
}

/** The 1,440 minutes of a UTC day. */
export function dayRange(day: number): MinuteRange {
  return { lo: day * MINUTES_PER_DAY, hi: (day + 1) * MINUTES_PER_DAY };
}

/** `2026-01-02` of a UTC day. */
export function formatDay(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/** RFC 3339 UTC text of a time in milliseconds. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** RFC 3339 UTC text of the start of a minute. */
export function formatMinute(minute: number): string {
  return formatTime(msOfMinute(minute));
}

/** The UTC day of `YYYY-MM-DD`, or undefined when it is no calendar date. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00.000Z`);
  if (Number.isNaN(ms)) return undefined;
  const day = ms / MS_PER_DAY;
  return formatDay(day) === text ? day : undefined;
}

/** Number of minutes; 0 when empty. */
export function rangeLength(range: MinuteRange): number {
  return Math.max(0, range.hi - range.lo);
}

/** The common minutes of two ranges, or undefined when there are none. */
export function intersectRanges(a: MinuteRange, b: MinuteRange): MinuteRange | undefined {
  const lo = Math.max(a.lo, b.lo);
  const hi = Math.min(a.hi, b.hi);
  return lo < hi ? { lo, hi } : undefined;
}
