import { Coverage, type MinuteRange, type SessionCalendar } from "../core/mod.ts";

/**
 * The minutes of the session that runs at `nowMinute` (or of the last one that began) and of the sessions before it, `count` in all,
 * up to `nowMinute`: newest first, sessions that touch as one range.
 */
export function sessionRanges(
  calendar: Pick<SessionCalendar, "latest" | "before">,
  nowMinute: number,
  count: number,
): readonly MinuteRange[] {
  const ranges: MinuteRange[] = [];
  for (let session = calendar.latest(nowMinute); ranges.length < count; session = calendar.before(session))
    ranges.push(session.range);
  const ended = Coverage.of(ranges).within({ lo: ranges.at(-1)?.lo ?? nowMinute, hi: nowMinute });
  return ended.ranges.toReversed();
}
