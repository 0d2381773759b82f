import { EXAMPLE_IDS, JOB_SEEN, type RouteContract } from "../contract/mod.ts";
import {
  AdjustBody,
  BackfillAccepted,
  BackfillBody,
  type CommandWord,
  JobAnswer,
  JobIdText,
  JobWaitParameters,
  NoFields,
  NoParameters,
  RecentJobs,
  RecentParameters,
  RetryBody,
} from "../protocol/mod.ts";
import { ASKING, EXAMPLE_DAY, EXAMPLE_DAY_BEFORE, EXAMPLE_SYMBOL } from "./contract-parts.ts";

const path = { job_id: EXAMPLE_IDS.job };

export const START_BACKFILL: RouteContract = {
  operation: "startBackfill",
  tag: "backfill",
  description:
    "With `timeframes` it fetches candles, else trades. Dates are inclusive as an end, times exclusive; an end to come is cut to the running minute. What is there already is not fetched again, unless `force` says so.",
  query: NoParameters,
  body: { schema: BackfillBody },
  answer: {
    status: 202,
    about: "It will be done: the job's id, and what it fetches.",
    schema: BackfillAccepted,
    location: true,
  },
  problems: [...ASKING, "job-too-large"],
  examples: {
    trades: {
      about: "Two days of trades.",
      body: { symbols: [EXAMPLE_SYMBOL], start_date: EXAMPLE_DAY_BEFORE, end_date: EXAMPLE_DAY },
      answer: {
        job_id: EXAMPLE_IDS.job,
        status: "pending",
        symbols_count: 1,
        symbols: [EXAMPLE_SYMBOL],
        date_range: { start: "2026-01-01T00:00:00.000Z", end: "2026-01-03T00:00:00.000Z" },
        timeframes: [],
        timestamp: "2026-01-03T12:34:56.789Z",
      },
    },
    candles: {
      about: "Candles of an hour, before other jobs.",
      body: {
        symbols: [EXAMPLE_SYMBOL],
        start_date: EXAMPLE_DAY,
        end_date: EXAMPLE_DAY,
        timeframes: ["1h"],
        priority: 10,
      },
    },
    no_symbols: {
      about: "Of nothing at all.",
      body: { symbols: [], start_date: EXAMPLE_DAY, end_date: EXAMPLE_DAY },
      problem: "invalid-request",
    },
  },
};

export const JOB_STATUS: RouteContract = {
  operation: "getJob",
  tag: "backfill",
  path: { job_id: JobIdText },
  query: JobWaitParameters,
  answer: { status: 200, about: "The job with its details.", schema: JobAnswer },
  problems: [...ASKING, "job-not-found"],
  examples: {
    at_once: { about: "As it is now.", path, answer: JOB_SEEN },
    waiting: { about: "As it is once it has ended, or after a second.", path, query: { wait: "1" } },
    unknown: {
      about: "One that there is not.",
      path: { job_id: "00000000-0000-7000-8000-000000000000" },
      problem: "job-not-found",
    },
  },
};

export const RECENT_JOBS: RouteContract = {
  operation: "listJobs",
  tag: "backfill",
  query: RecentParameters,
  answer: { status: 200, about: "The newest jobs, newest first.", schema: RecentJobs },
  problems: ASKING,
  examples: { newest: { about: "The two newest.", query: { limit: "2" } } },
};

const COMMANDS: Readonly<Record<CommandWord, Pick<RouteContract, "operation" | "body" | "examples">>> = {
  pause: {
    operation: "pauseJob",
    body: { schema: NoFields, optional: true },
    examples: { pause: { about: "One that runs.", path } },
  },
  resume: {
    operation: "resumeJob",
    body: { schema: NoFields, optional: true },
    examples: { resume: { about: "One that is paused.", path } },
  },
  cancel: {
    operation: "cancelJob",
    body: { schema: NoFields, optional: true },
    examples: { cancel: { about: "One that has not ended.", path } },
  },
  retry: {
    operation: "retryJob",
    body: { schema: RetryBody, optional: true },
    examples: {
      all: { about: "Whatever failed or was called off.", path },
      some: { about: "Of one of its symbols.", path, body: { symbols: [EXAMPLE_SYMBOL] } },
    },
  },
  priority: {
    operation: "adjustJob",
    body: { schema: AdjustBody },
    examples: {
      first: { about: "Before others, two chunks at a time.", path, body: { priority: 10, max_parallel: 2 } },
      nothing: { about: "Without a change.", path, body: {}, problem: "invalid-request" },
    },
  },
};

/** The contract of a command to a job. */
export function commandContract(word: CommandWord): RouteContract {
  return {
    ...COMMANDS[word],
    tag: "backfill",
    path: { job_id: JobIdText },
    query: NoParameters,
    answer: { status: 200, about: "The job after it.", schema: JobAnswer },
    problems: [...ASKING, "job-not-found", "job-state"],
  };
}
