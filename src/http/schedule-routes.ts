import { formatTime } from "../core/mod.ts";
import {
  fieldFault,
  parseNoQuery,
  parseScheduleBody,
  parseScheduleChange,
  parseScheduleId,
  type ScheduleList,
  scheduleTimesProblem,
  scheduleToWire,
} from "../protocol/mod.ts";
import type { ScheduleChanged, ScheduleCreated } from "./automation-deps.ts";
import type { HttpDeps } from "./deps.ts";
import { readJsonBody } from "./json-body.ts";
import { failWith, ProblemError } from "./problem-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, available, type Route, timed, unavailable, valid } from "./route.ts";
import {
  CHANGE_SCHEDULE,
  GET_SCHEDULE,
  LIST_SCHEDULES,
  MAKE_SCHEDULE,
  REMOVE_SCHEDULE,
} from "./schedule-contracts.ts";

const PATH = "/api/v1/schedules";

/** Recurring backfills: ask for one, look at them, change and remove them. */
export function scheduleRoutes(deps: HttpDeps): Route[] {
  const context = () => ({ defaultVenue: deps.defaultVenue, nowMs: deps.nowMs() });
  return [
    {
      method: "GET",
      path: PATH,
      about: "recurring backfills, by name",
      contract: LIST_SCHEDULES,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        const schedules = available(await timed(c, deps, (options) => deps.schedules.list(options)));
        const answer: ScheduleList = {
          schedules: schedules.map(scheduleToWire),
          timestamp: formatTime(deps.nowMs()),
        };
        return c.json(answer);
      },
    },
    {
      method: "POST",
      path: PATH,
      about: "makes a recurring backfill {name, cron, zone?, request: {symbols, range, …}, enabled?}",
      contract: MAKE_SCHEDULE,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        const body = await timed(c, deps, () => readJsonBody(c.req.raw));
        const parsed = parseScheduleBody(body, context());
        if (parsed.kind === "refused") throw new ProblemError(parsed.problem);
        const outcome = await timed(c, deps, (options) => deps.schedules.create(parsed.value, options));
        if (outcome.kind !== "created") throw refusal(outcome, parsed.value.name);
        return c.json(scheduleToWire(outcome.schedule), 201, { location: `${PATH}/${outcome.schedule.id}` });
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
      about: "one recurring backfill: when it runs next, what it ran last",
      contract: GET_SCHEDULE,
      handle: async (c) => {
        const id = idOf(c);
        const found = available(await timed(c, deps, (options) => deps.schedules.find(id, options)));
        if (found === undefined) throw unknown(id);
        return c.json(scheduleToWire(found));
      },
    },
    {
      method: "PATCH",
      path: `${PATH}/:id`,
      about: "changes a recurring backfill {name?, cron?, zone?, request?, enabled?}",
      contract: CHANGE_SCHEDULE,
      handle: async (c) => {
        const id = idOf(c);
        const body = await timed(c, deps, () => readJsonBody(c.req.raw));
        const parsed = parseScheduleChange(body, context());
        if (parsed.kind === "refused") throw new ProblemError(parsed.problem);
        const outcome = await timed(c, deps, (options) => deps.schedules.change(id, parsed.value, options));
        if (outcome.kind === "unknown") throw unknown(id);
        if (outcome.kind !== "updated") throw refusal(outcome, parsed.value.name);
        return c.json(scheduleToWire(outcome.schedule));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      about: "removes a recurring backfill; the jobs that it made stay",
      contract: REMOVE_SCHEDULE,
      handle: async (c) => {
        const id = idOf(c);
        if (!available(await timed(c, deps, (options) => deps.schedules.remove(id, options))))
          throw unknown(id);
        return c.body(null, 204);
      },
    },
  ];
}

function idOf(c: AppContext): string {
  valid(parseNoQuery(queryParameters(c)));
  return valid(parseScheduleId(c.req.param("id") ?? ""));
}

function unknown(id: string): ProblemError {
  return failWith("schedule-not-found", `There is no schedule ${id}; GET ${PATH} lists them.`);
}

type Refused = Exclude<ScheduleCreated | ScheduleChanged, { kind: "created" | "updated" | "unknown" }>;

function refusal(outcome: Refused, name: string | undefined): ProblemError {
  switch (outcome.kind) {
    case "exists":
      return failWith("schedule-exists", `There is a schedule named ${name} already.`, [
        fieldFault("$.name", "a name that no other schedule has", name),
      ]);
    case "too_many":
      return failWith(
        "too-many",
        `There are ${outcome.max} schedules, as many as there may be: remove one first.`,
      );
    case "bad_cron":
    case "bad_zone":
      return new ProblemError(scheduleTimesProblem({ ...outcome, kind: outcome.kind }));
    case "unavailable":
      return unavailable(outcome);
  }
}
