import { formatDay, MINUTES_PER_DAY, type MinuteRange } from "./time-range.ts";

/** The window that levels belong to, with the windows inside and before it. All ranges are minutes since the epoch. */
export interface Session {
  /** `2026-01-02`. */
  readonly name: string;
  readonly range: MinuteRange;
  readonly previous: MinuteRange;
  readonly openingRange: MinuteRange;
  readonly initialBalance: MinuteRange;
}

export interface SessionRules {
  /** Opening range as minutes of the day, half-open. Default [480, 490): 08:00–08:10 UTC. */
  readonly openingRange?: MinuteRange;
  /** Length of the initial balance in minutes. Default 60. */
  readonly initialBalanceMinutes?: number;
}

export const DEFAULT_OPENING_RANGE: MinuteRange = { lo: 480, hi: 490 };
export const INITIAL_BALANCE_MINUTES = 60;

/** The session of a UTC day (days since the epoch). */
export function utcSession(
  day: number,
  {
    openingRange = DEFAULT_OPENING_RANGE,
    initialBalanceMinutes = INITIAL_BALANCE_MINUTES,
  }: SessionRules = {},
): Session {
  const lo = day * MINUTES_PER_DAY;
  return {
    name: formatDay(day),
    range: { lo, hi: lo + MINUTES_PER_DAY },
    previous: { lo: lo - MINUTES_PER_DAY, hi: lo },
    openingRange: { lo: lo + openingRange.lo, hi: lo + openingRange.hi },
    initialBalance: { lo, hi: lo + initialBalanceMinutes },
  };
}
