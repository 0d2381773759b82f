import { EXAMPLE_IDS, type RouteContract } from "../contract/mod.ts";
import {
  NoParameters,
  ScheduleAnswer,
  ScheduleBody,
  ScheduleChange,
  ScheduleIdText,
  ScheduleList,
} from "../protocol/mod.ts";
import { ASKING, EXAMPLE_SYMBOL, GONE } from "./contract-parts.ts";

const OF_SCHEDULE = { id: ScheduleIdText };
const path = { id: EXAMPLE_IDS.schedule };
const NOT_THERE = [...ASKING, "schedule-not-found"] as const;

export const LIST_SCHEDULES: RouteContract = {
  operation: "listSchedules",
  tag: "schedules",
  query: NoParameters,
  answer: { status: 200, about: "All of them, by name.", schema: ScheduleList },
  problems: ASKING,
  examples: { all: { about: "All of them." } },
};

export const MAKE_SCHEDULE: RouteContract = {
  operation: "makeSchedule",
  tag: "schedules",
  description:
    "`request` is a backfill request with `range` in place of its dates: `{days_back}` whole UTC days before the day of the due time, or `{minutes_back}` minutes before its minute.",
  query: NoParameters,
  body: { schema: ScheduleBody },
  answer: { status: 201, about: "The schedule.", schema: ScheduleAnswer, location: true },
  problems: [...ASKING, "schedule-exists", "too-many"],
  examples: {
    nightly: {
      about: "The day before, each night.",
      body: {
        name: "nightly",
        cron: "30 2 * * *",
        zone: "Europe/Berlin",
        request: { symbols: [EXAMPLE_SYMBOL], range: { days_back: 1 } },
      },
      answer: {
        id: EXAMPLE_IDS.schedule,
        name: "nightly",
        cron: "30 2 * * *",
        zone: "Europe/Berlin",
        request: { symbols: [EXAMPLE_SYMBOL], range: { days_back: 1 } },
        enabled: true,
        next_run_at: "2026-01-04T01:30:00.000Z",
        last_run_at: null,
        last_job_id: null,
        last_error: null,
        created_at: "2026-01-03T12:34:56.789Z",
      },
    },
    never: {
      about: "At a time that there is not.",
      body: {
        name: "never",
        cron: "61 * * * *",
        request: { symbols: [EXAMPLE_SYMBOL], range: { minutes_back: 60 } },
      },
      problem: "invalid-request",
    },
  },
};

export const GET_SCHEDULE: RouteContract = {
  operation: "getSchedule",
  tag: "schedules",
  path: OF_SCHEDULE,
  query: NoParameters,
  answer: { status: 200, about: "The schedule.", schema: ScheduleAnswer },
  problems: NOT_THERE,
  examples: { one: { about: "One of them.", path } },
};

export const CHANGE_SCHEDULE: RouteContract = {
  operation: "changeSchedule",
  tag: "schedules",
  path: OF_SCHEDULE,
  query: NoParameters,
  body: { schema: ScheduleChange },
  answer: { status: 200, about: "The schedule after it.", schema: ScheduleAnswer },
  problems: [...NOT_THERE, "schedule-exists"],
  examples: { stop: { about: "Runs no more for now.", path, body: { enabled: false } } },
};

export const REMOVE_SCHEDULE: RouteContract = {
  operation: "removeSchedule",
  tag: "schedules",
  path: OF_SCHEDULE,
  query: NoParameters,
  answer: GONE,
  problems: NOT_THERE,
  examples: { one: { about: "One of them.", path } },
};
