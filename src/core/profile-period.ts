import { MINUTES_PER_DAY, type MinuteRange } from "./time-range.ts";
import { type Timeframe, timeframeMinutes } from "./timeframe.ts";

/** Windows that profiles are made of beside sessions, aligned to UTC. */
export const PROFILE_PERIODS = ["1h", "4h", "1d", "1w"] as const satisfies readonly Timeframe[];
export type ProfilePeriod = (typeof PROFILE_PERIODS)[number];

/** The first Monday after the epoch, 1970-01-05, in minutes: weeks begin on Monday. */
const FIRST_MONDAY = 4 * MINUTES_PER_DAY;

/** The period that a minute (since the epoch) lies in: hours and days from 00:00 UTC, weeks from Monday 00:00 UTC. */
export function periodAt(period: ProfilePeriod, minute: number): MinuteRange {
  const length = timeframeMinutes(period);
  const origin = period === "1w" ? FIRST_MONDAY : 0;
  const lo = Math.floor((minute - origin) / length) * length + origin;
  return { lo, hi: lo + length };
}

/** The whole periods that have a minute in `range`, oldest first; made as they are asked for. */
export function* periodsWithin(
  period: ProfilePeriod,
  range: MinuteRange,
): Generator<MinuteRange, void, undefined> {
  let minute = range.lo;
  while (minute < range.hi) {
    const found = periodAt(period, minute);
    yield found;
    minute = found.hi;
  }
}
