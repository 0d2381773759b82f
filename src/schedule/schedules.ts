import type { ScheduleBody, ScheduleChange, ScheduleFacts } from "../protocol/mod.ts";
import { type ReadCron, readCron } from "./cron-times.ts";
import type { NewSchedule, ScheduleStore } from "./schedule-store.ts";

/** Schedules of one database. */
export const SCHEDULES_MAX = 1_000;

export type BadTimes = Exclude<ReadCron, { kind: "times" }>;
export type ScheduleCreated =
  | { readonly kind: "created"; readonly schedule: ScheduleFacts }
  | { readonly kind: "exists" }
  | { readonly kind: "too_many"; readonly max: number }
  | BadTimes;
export type ScheduleChanged =
  | { readonly kind: "updated"; readonly schedule: ScheduleFacts }
  | { readonly kind: "unknown" }
  | { readonly kind: "exists" }
  | BadTimes;

export interface SchedulesDeps {
  readonly store: ScheduleStore;
  readonly nowMs: () => number;
  /** The next due time may have changed. */
  readonly changed: () => void;
}

/** Makes, changes and removes schedules; their expressions and zones are checked here. */
export class Schedules {
  readonly #deps: SchedulesDeps;

  constructor(deps: SchedulesDeps) {
    this.#deps = deps;
  }

  /** By name. */
  list(): Promise<ScheduleFacts[]> {
    return this.#deps.store.list();
  }

  find(id: string): Promise<ScheduleFacts | undefined> {
    return this.#deps.store.find(id);
  }

  async create(body: ScheduleBody): Promise<ScheduleCreated> {
    const { store, nowMs, changed } = this.#deps;
    const read = readCron(body.cron, body.zone, nowMs());
    if (read.kind !== "times") return read;
    if ((await store.list()).length >= SCHEDULES_MAX) return { kind: "too_many", max: SCHEDULES_MAX };
    const schedule = await store.insert({ ...body, nextRunAtMs: read.times.next(nowMs()) ?? null });
    if (schedule === undefined) return { kind: "exists" };
    changed();
    return { kind: "created", schedule };
  }

  /** Another expression or zone, or switching it on, begins its times anew: what was missed before is not caught up. */
  async change(id: string, change: ScheduleChange): Promise<ScheduleChanged> {
    const { store, nowMs, changed } = this.#deps;
    const former = await store.find(id);
    if (former === undefined) return { kind: "unknown" };
    const checked = readCron(change.cron ?? former.cron, change.zone ?? former.zone, nowMs());
    if (checked.kind !== "times" && (change.cron ?? change.zone ?? change.enabled) !== undefined)
      return checked;
    const outcome = await store.update(id, (locked) => {
      const to: NewSchedule = { ...withoutTimes(locked), ...change, nextRunAtMs: locked.nextRunAtMs };
      const anew = to.cron !== locked.cron || to.zone !== locked.zone || (to.enabled && !locked.enabled);
      if (!anew) return { to, anew };
      const read = readCron(to.cron, to.zone, nowMs());
      // Another change may have come between: then the pattern that stands was checked by that one.
      return {
        to: { ...to, nextRunAtMs: read.kind === "times" ? (read.times.next(nowMs()) ?? null) : null },
        anew,
      };
    });
    changed();
    return outcome;
  }

  async remove(id: string): Promise<boolean> {
    return this.#deps.store.remove(id);
  }
}

function withoutTimes({
  name,
  cron,
  zone,
  request,
  enabled,
}: ScheduleFacts): Omit<NewSchedule, "nextRunAtMs"> {
  return { name, cron, zone, request, enabled };
}
