import * as v from "valibot";
import { wholeNumber } from "./parameters.ts";
import { fieldFault } from "./problem.ts";
import { type Parsed, parseParameters, type RawQuery } from "./queries.ts";

/** Longest wait that a request may ask for, seconds. */
export const WAIT_SECONDS_MAX = 60;
const WAIT_EXPECTED = `a whole number of seconds from 1 to ${WAIT_SECONDS_MAX}`;
const SINCE_EXPECTED = "a job's version, as its `version` tells it";

const wait = v.optional(
  wholeNumber(
    { min: 1, max: WAIT_SECONDS_MAX, expected: WAIT_EXPECTED },
    "seconds that the answer may be held back until the backfill has ended",
  ),
);
const since = v.optional(
  wholeNumber(
    { min: 0, max: Number.MAX_SAFE_INTEGER, expected: SINCE_EXPECTED },
    "beside `wait`: any version of the job after this one is waited for, not only its end",
  ),
);

export const JobWaitParameters = v.strictObject({ wait, since });
export const StartupWaitParameters = v.strictObject({ wait });

/** How long an answer may be held back. */
export interface WaitQuery {
  readonly waitMs: number;
}

/** What a request for a job's status waits for: its end or, with `since`, any version after that one. */
export interface JobWaitQuery extends WaitQuery {
  readonly since: number | undefined;
}

/** Parameters of a job's status: `wait` and `since`; undefined when the answer is wanted at once. */
export function parseJobWaitQuery(raw: RawQuery): Parsed<JobWaitQuery | undefined> {
  const parsed = parseParameters(JobWaitParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { wait: seconds, since: version } = parsed.value;
  if (seconds !== undefined) return { kind: "ok", value: { waitMs: seconds * 1_000, since: version } };
  if (version === undefined) return { kind: "ok", value: undefined };
  return { kind: "refused", errors: [fieldFault("query.since", "`wait` beside it", version)] };
}

/** Parameters of the start-up backfill's status: `wait`; undefined when the answer is wanted at once. */
export function parseStartupWaitQuery(raw: RawQuery): Parsed<WaitQuery | undefined> {
  const parsed = parseParameters(StartupWaitParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { wait: seconds } = parsed.value;
  return { kind: "ok", value: seconds === undefined ? undefined : { waitMs: seconds * 1_000 } };
}
