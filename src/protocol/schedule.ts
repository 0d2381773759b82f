import * as v from "valibot";
import {
  dayOfMinute,
  formatMinute,
  formatTime,
  MINUTES_PER_DAY,
  type MinuteRange,
  minuteOfMs,
} from "../core/mod.ts";
import { JOB_DAYS_MAX, parseBackfillRequest } from "./backfill-request.ts";
import { idText } from "./parameters.ts";
import {
  type FieldFault,
  faultsFromIssues,
  fieldFault,
  invalidRequest,
  type Problem,
  problem,
} from "./problem.ts";
import { type Parsed, parsePathPart } from "./queries.ts";

/** Characters of a schedule's name, of its cron expression and of its zone. */
export const SCHEDULE_NAME_CHARS_MAX = 80;
const CRON_CHARS_MAX = 200;
const ZONE_CHARS_MAX = 64;

export const CRON_EXPECTED = 'a cron expression of five fields such as "30 2 * * *"';
export const ZONE_EXPECTED = 'an IANA time zone such as "Europe/Berlin" or "UTC"';
const NAME_EXPECTED = `a name of 1 to ${SCHEDULE_NAME_CHARS_MAX} characters`;
const REQUEST_EXPECTED = "a backfill request with a range in place of its dates";
const RANGE_EXPECTED = '{"days_back": 1} or {"minutes_back": 60}';
const DAYS_EXPECTED = `a whole number from 1 to ${JOB_DAYS_MAX}`;
const MINUTES_EXPECTED = `a whole number from 1 to ${JOB_DAYS_MAX * MINUTES_PER_DAY}`;

const whole = (max: number, expected: string) =>
  v.pipe(v.number(expected), v.safeInteger(expected), v.minValue(1, expected), v.maxValue(max, expected));

/**
 * Which minutes a run fetches. `days_back`: that many whole UTC days before the day of the due time. `minutes_back`: that many minutes
 * before the minute of the due time.
 */
export const RelativeRange = v.union(
  [
    v.strictObject({ days_back: whole(JOB_DAYS_MAX, DAYS_EXPECTED) }),
    v.strictObject({ minutes_back: whole(JOB_DAYS_MAX * MINUTES_PER_DAY, MINUTES_EXPECTED) }),
  ],
  RANGE_EXPECTED,
);
export type RelativeRange = v.InferOutput<typeof RelativeRange>;

/** A backfill request with `range` in place of `start_date` and `end_date`; its other fields are those of `POST /api/v1/backfill`. */
export const RequestTemplate = v.looseObject({ range: RelativeRange }, REQUEST_EXPECTED);
export type RequestTemplate = v.InferOutput<typeof RequestTemplate>;

const Name = v.pipe(
  v.string(NAME_EXPECTED),
  v.trim(),
  v.minLength(1, NAME_EXPECTED),
  v.maxLength(SCHEDULE_NAME_CHARS_MAX, NAME_EXPECTED),
);
const Cron = v.pipe(v.string(CRON_EXPECTED), v.trim(), v.maxLength(CRON_CHARS_MAX, CRON_EXPECTED));
const Zone = v.pipe(v.string(ZONE_EXPECTED), v.maxLength(ZONE_CHARS_MAX, ZONE_EXPECTED));
const Enabled = v.boolean("true or false");

/** Body of `POST /api/v1/schedules`. */
export const ScheduleBody = v.strictObject({
  name: Name,
  cron: Cron,
  zone: v.optional(Zone, "UTC"),
  request: RequestTemplate,
  enabled: v.optional(Enabled, true),
});
export type ScheduleBody = v.InferOutput<typeof ScheduleBody>;

/** Body of `PATCH /api/v1/schedules/{id}`: what is to change. */
export const ScheduleChange = v.strictObject({
  name: v.exactOptional(Name),
  cron: v.exactOptional(Cron),
  zone: v.exactOptional(Zone),
  request: v.exactOptional(RequestTemplate),
  enabled: v.exactOptional(Enabled),
});
export type ScheduleChange = v.InferOutput<typeof ScheduleChange>;

/** A schedule as it crosses the wire. */
export const ScheduleAnswer = v.object({
  id: v.string(),
  name: v.string(),
  cron: v.string(),
  zone: v.string(),
  request: RequestTemplate,
  enabled: v.boolean(),
  /** Null when it is disabled, or when the expression names no time any more. */
  next_run_at: v.nullable(v.string()),
  /** Due time of the last run. */
  last_run_at: v.nullable(v.string()),
  last_job_id: v.nullable(v.string()),
  /** Why the last run has no job, or why the run under way waits. */
  last_error: v.nullable(v.string()),
  created_at: v.string(),
});
export type ScheduleAnswer = v.InferOutput<typeof ScheduleAnswer>;

export const ScheduleList = v.object({ schedules: v.array(ScheduleAnswer), timestamp: v.string() });
export type ScheduleList = v.InferOutput<typeof ScheduleList>;

/** What a server knows of a schedule; times are milliseconds since the epoch. */
export interface ScheduleFacts {
  readonly id: string;
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly request: RequestTemplate;
  readonly enabled: boolean;
  readonly nextRunAtMs: number | null;
  readonly lastRunAtMs: number | null;
  readonly lastJobId: string | null;
  readonly lastError: string | null;
  readonly createdAtMs: number;
}

export interface ScheduleContext {
  readonly defaultVenue: string;
  readonly nowMs: number;
}

export type ParsedBody<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "refused"; readonly problem: Problem };

/** The minutes that a run due at `dueMs` fetches. */
export function scheduledRange(range: RelativeRange, dueMs: number): MinuteRange {
  const due = minuteOfMs(dueMs);
  if ("minutes_back" in range) return { lo: due - range.minutes_back, hi: due };
  const today = dayOfMinute(due) * MINUTES_PER_DAY;
  return { lo: today - range.days_back * MINUTES_PER_DAY, hi: today };
}

/** The body of the backfill request that a template means for these minutes. */
export function requestOfTemplate({ range: _, ...body }: RequestTemplate, minutes: MinuteRange): unknown {
  return { ...body, start_date: formatMinute(minutes.lo), end_date: formatMinute(minutes.hi) };
}

/** Understands the body of a new schedule. Whether its cron expression and zone exist is for whoever computes times. */
export function parseScheduleBody(body: unknown, context: ScheduleContext): ParsedBody<ScheduleBody> {
  const parsed = parseShape(ScheduleBody, body);
  if (parsed.kind === "refused") return parsed;
  const wrong = templateProblem(parsed.value.request, context);
  return wrong === undefined ? parsed : { kind: "refused", problem: wrong };
}

/** Understands the body of a change; at least one field is named. */
export function parseScheduleChange(body: unknown, context: ScheduleContext): ParsedBody<ScheduleChange> {
  const parsed = parseShape(ScheduleChange, body);
  if (parsed.kind === "refused") return parsed;
  if (Object.keys(parsed.value).length === 0)
    return refused([fieldFault("$", "something to change: name, cron, zone, request or enabled", body)]);
  const { request } = parsed.value;
  const wrong = request === undefined ? undefined : templateProblem(request, context);
  return wrong === undefined ? parsed : { kind: "refused", problem: wrong };
}

export const ScheduleIdText = idText("a schedule id (a UUID)");

/** A schedule's id of a path, in the spelling it is stored under. */
export function parseScheduleId(text: string): Parsed<string> {
  return parsePathPart("id", ScheduleIdText, text);
}

export function scheduleToWire(schedule: ScheduleFacts): ScheduleAnswer {
  const time = (ms: number | null) => (ms === null ? null : formatTime(ms));
  return {
    id: schedule.id,
    name: schedule.name,
    cron: schedule.cron,
    zone: schedule.zone,
    request: schedule.request,
    enabled: schedule.enabled,
    next_run_at: schedule.enabled ? time(schedule.nextRunAtMs) : null,
    last_run_at: time(schedule.lastRunAtMs),
    last_job_id: schedule.lastJobId,
    last_error: schedule.lastError,
    created_at: formatTime(schedule.createdAtMs),
  };
}

/** A template is what its request is, were it due now. */
function templateProblem(template: RequestTemplate, context: ScheduleContext): Problem | undefined {
  const dated = ["start_date", "end_date"].filter((field) => Object.hasOwn(template, field));
  if (dated.length > 0)
    return invalidRequest(
      dated.map((field) =>
        fieldFault(`$.request.${field}`, `no date; range says it: ${RANGE_EXPECTED}`, undefined),
      ),
    );
  const minutes = scheduledRange(template.range, context.nowMs);
  const parsed = parseBackfillRequest(requestOfTemplate(template, minutes), context);
  if (parsed.kind !== "refused") return undefined;
  const { errors = [], ...document } = parsed.problem;
  const name = document.type.replace("/problems/", "");
  const faults = errors.map(({ path, expected, received }): FieldFault => {
    const at = /^\$\.(?:start|end)_date/.test(path) ? "$.request.range" : path.replace(/^\$/, "$.request");
    return { path: at, expected, received, message: `${at}: expected ${expected}, got ${received}` };
  });
  return name === "invalid-request" ? invalidRequest(faults) : { ...document, errors: faults };
}

function parseShape<T>(schema: v.GenericSchema<unknown, T>, body: unknown): ParsedBody<T> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return refused([fieldFault("$", "a JSON object", body)]);
  const parsed = v.safeParse(schema, body);
  return parsed.success ? { kind: "ok", value: parsed.output } : refused(faultsFromIssues(parsed.issues));
}

function refused(errors: readonly FieldFault[]): { readonly kind: "refused"; readonly problem: Problem } {
  return { kind: "refused", problem: invalidRequest(errors) };
}

/** The problem of a cron expression or a zone that names no times. */
export function scheduleTimesProblem(fault: {
  readonly kind: "bad_cron" | "bad_zone";
  readonly reason: string;
  readonly received: string;
}): Problem {
  const [path, expected] = fault.kind === "bad_cron" ? ["$.cron", CRON_EXPECTED] : ["$.zone", ZONE_EXPECTED];
  const of = fieldFault(path ?? "$", expected ?? "", fault.received);
  return problem("invalid-request", `${of.message}: ${fault.reason}`, [of]);
}
