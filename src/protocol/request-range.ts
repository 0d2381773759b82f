import {
  formatMinute,
  formatTime,
  MINUTES_PER_DAY,
  type MinuteRange,
  MS_PER_DAY,
  MS_PER_MINUTE,
  minuteOfMs,
  parseDay,
} from "../core/mod.ts";
import { type FieldFault, fieldFault } from "./problem.ts";

/** A start or end as a request writes it, with the path that names it in a fault. */
export interface RequestTime {
  readonly path: string;
  readonly text: string;
}

export interface RangeRequest {
  readonly start: RequestTime;
  readonly end: RequestTime;
  readonly nowMs: number;
  /** Days a range may span. */
  readonly daysMax: number;
}

export type RequestedRange =
  | { readonly kind: "range"; readonly range: MinuteRange }
  | { readonly kind: "refused"; readonly errors: readonly FieldFault[] };

export const EXPECTED_TIME =
  'a date such as "2026-01-02" or a time with its zone such as "2026-01-02T03:04:05Z", from 1970 on';
const TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The closed minutes that a request's start and end mean. A date (`YYYY-MM-DD`) is a UTC day, inclusive as an end; a time (RFC 3339)
 * is exclusive as an end. Times inside a minute widen the range to whole minutes, and an end that has not come yet is cut to
 * the running minute. Refused: what is no date or time, an end that is not after its start, a range that has not begun or
 * spans more than `daysMax` days.
 */
export function requestedRange({ start, end, nowMs, daysMax }: RangeRequest): RequestedRange {
  const startMs = parseRequestTime(start.text, "start");
  const endMs = parseRequestTime(end.text, "end");
  if (startMs === undefined || endMs === undefined) {
    const errors: FieldFault[] = [];
    if (startMs === undefined) errors.push(fieldFault(start.path, EXPECTED_TIME, start.text));
    if (endMs === undefined) errors.push(fieldFault(end.path, EXPECTED_TIME, end.text));
    return { kind: "refused", errors };
  }
  if (endMs <= startMs) return refused(end, `an end after the start (${formatTime(startMs)})`);
  const nowMinute = minuteOfMs(nowMs);
  const lo = minuteOfMs(startMs);
  if (lo >= nowMinute)
    return refused(start, `a start before the running minute (${formatMinute(nowMinute)})`);
  const hi = Math.min(Math.ceil(endMs / MS_PER_MINUTE), nowMinute);
  if (hi - lo > daysMax * MINUTES_PER_DAY)
    return refused(end, `an end at most ${daysMax} days after the start`);
  return { kind: "range", range: { lo, hi } };
}

/** Milliseconds of a date or an RFC 3339 time; as an end a date means the end of its day. Undefined when it is neither. */
export function parseRequestTime(text: string, side: "start" | "end"): number | undefined {
  const day = parseDay(text);
  if (day !== undefined) return day < 0 ? undefined : (side === "end" ? day + 1 : day) * MS_PER_DAY;
  const match = TIME.exec(text);
  // Engines disagree about the 30th of February inside a time, so the date is checked by itself.
  if (match === null || parseDay(match[1]!) === undefined) return undefined;
  const ms = Date.parse(text.toUpperCase());
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

function refused(at: RequestTime, expected: string): RequestedRange {
  return { kind: "refused", errors: [fieldFault(at.path, expected, at.text)] };
}
