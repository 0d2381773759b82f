import { Cron } from "croner";

/** Fields of an expression: a backfill by the second is of no use. */
const FIELDS = 5;
const MS_PER_SECOND = 1_000;

/**
 * The times that a cron expression names in a time zone. Where a clock change skips a named time, that run comes at the first moment
 * after the gap; where one repeats it, expressions of plain hours run once and those of steps and wildcards (`*`, `/`) by the
 * time that has passed.
 */
export interface CronTimes {
  /** The first time after `afterMs`; undefined when there is none any more. */
  next(afterMs: number): number | undefined;
  /** Up to `count` times at or before `atMs`, the newest first. */
  before(atMs: number, count: number): number[];
}

export type ReadCron =
  | { readonly kind: "times"; readonly times: CronTimes }
  | { readonly kind: "bad_cron" | "bad_zone"; readonly reason: string; readonly received: string };

/** Understands an expression of five fields in an IANA zone; one that names no time after `nowMs` is refused. */
export function readCron(cron: string, zone: string, nowMs: number): ReadCron {
  if (!isZone(zone)) return { kind: "bad_zone", reason: "there is no such zone", received: zone };
  const refused = (reason: string): ReadCron => ({ kind: "bad_cron", reason, received: cron });
  const fields = cron.split(/\s+/).length;
  if (fields !== FIELDS) return refused(`it has ${fields} ${fields === 1 ? "field" : "fields"}`);
  let made: Cron;
  try {
    made = new Cron(cron, { timezone: zone, mode: "5-part", fixedTimeRule: "no-wildcard", paused: true });
  } catch (thrown) {
    return refused(thrown instanceof Error ? thrown.message.replace(/^CronPattern: /, "") : String(thrown));
  }
  const times = timesOf(made);
  return times.next(nowMs) === undefined ? refused("it names no time to come") : { kind: "times", times };
}

function timesOf(cron: Cron): CronTimes {
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
    before(atMs, count) {
      // Looks before the second that follows, so that a time at `atMs` itself counts.
      const reference = (Math.floor(atMs / MS_PER_SECOND) + 1) * MS_PER_SECOND;
      return cron.previousRuns(count, new Date(reference)).map((time) => time.getTime());
    },
  };
}

function isZone(zone: string): boolean {
  // Offsets such as +02:00 are understood by the runtime, but know no clock changes.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
