/** Recurring backfills: cron expressions in time zones, kept in the database, run once. */

export { ScheduleStore } from "./schedule-store.ts";
export { type RunOutcome, Scheduler, type SchedulerDeps } from "./scheduler.ts";
export { type ScheduleChanged, type ScheduleCreated, Schedules, type SchedulesDeps } from "./schedules.ts";
