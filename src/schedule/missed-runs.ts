import { MINUTES_PER_DAY, type MinuteRange } from "../core/mod.ts";
import { type RelativeRange, scheduledRange } from "../protocol/mod.ts";
import type { CronTimes } from "./cron-times.ts";

/** Minutes that one run may catch up: a month, so that 100 symbols still fit into one job. */
export const CAUGHT_UP_MINUTES_MAX = 31 * MINUTES_PER_DAY;
/** Missed runs that are looked at. */
const MISSED_MAX = 2_000;
/** Times computed in one turn of the event loop: each takes about 0.1 ms. */
const TIMES_PER_TURN = 40;

/**
 * The minutes of the run due at `due`, when `since` is the first due time that was missed (`due` itself when none was): its own, and
 * before them those of the missed runs as far as they adjoin, so that an outage leaves no hole in what the schedule covers.
 */
export async function minutesOfRun(
  run: { readonly since: number; readonly due: number; readonly range: RelativeRange },
  times: CronTimes,
  yieldTurn: () => Promise<void>,
): Promise<MinuteRange> {
  const own = scheduledRange(run.range, run.due);
  let { lo } = own;
  let earliest = run.due;
  for (let seen = 0; seen < MISSED_MAX && earliest > run.since; seen += TIMES_PER_TURN) {
    const missed = times.before(earliest - 1, TIMES_PER_TURN).filter((time) => time >= run.since);
    if (missed.length === 0) break;
    for (const time of missed) {
      const range = scheduledRange(run.range, time);
      if (range.hi < lo || own.hi - range.lo > CAUGHT_UP_MINUTES_MAX) return { lo, hi: own.hi };
      lo = Math.min(lo, range.lo);
      earliest = time;
    }
    await yieldTurn();
  }
  return { lo, hi: own.hi };
}
