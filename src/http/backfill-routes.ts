import { formatMinute, formatTime, symbolName } from "../core/mod.ts";
import {
  type BackfillAccepted,
  fieldFault,
  invalidRequest,
  jobSummaryToWire,
  jobToWire,
  type ParsedBackfillRequest,
  parseBackfillRequest,
  parseJobId,
  parseJobWaitQuery,
  parseNoQuery,
  parseRecentQuery,
  type RecentJobs,
} from "../protocol/mod.ts";
import { JOB_STATUS, RECENT_JOBS, START_BACKFILL } from "./backfill-contracts.ts";
import { demandSymbols } from "./covered.ts";
import type { HttpDeps, SubmitOutcome } from "./deps.ts";
import { readJsonBody } from "./json-body.ts";
import { failWith, ProblemError } from "./problem-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { held, type Route, timed, unavailable, valid } from "./route.ts";

/** Backfill jobs: ask for one, look at one, list the newest. */
export function backfillRoutes(deps: HttpDeps): Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/backfill",
      about:
        "starts a backfill {symbols, start_date, end_date, timeframes?, order?, priority?, deadline_seconds?, force?} of trades, or of candles of the timeframes; answers 202 with its job_id",
      subject: "body",
      contract: START_BACKFILL,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        const body = await timed(c, deps, () => readJsonBody(c.req.raw));
        const parsed = parseBackfillRequest(body, { defaultVenue: deps.defaultVenue, nowMs: deps.nowMs() });
        if (parsed.kind === "refused") throw new ProblemError(parsed.problem);
        demandSymbols(c.get("grant"), parsed.request.symbols);
        const outcome = await timed(c, deps, (options) => deps.backfill.submit(parsed.request, options));
        const answer = accepted(parsed, outcome, deps);
        return c.json(answer, 202, { location: `/api/v1/backfill/status/${answer.job_id}` });
      },
    },
    {
      method: "GET",
      path: "/api/v1/backfill/status/:job_id",
      about:
        "one job: progress, symbols, records, errors (wait=1..60 holds the answer back until it has ended, seconds; with since=VERSION until it has changed)",
      contract: JOB_STATUS,
      handle: async (c) => {
        const wait = valid(parseJobWaitQuery(queryParameters(c)));
        const id = valid(parseJobId(c.req.param("job_id") ?? ""));
        if (wait !== undefined)
          await held(c, deps, wait.waitMs, (options) => deps.waits.job(id, wait, options));
        // Who has waited for a change wants to see it.
        const fresh = wait !== undefined;
        const job = await timed(c, deps, (options) => deps.backfill.job(id, { ...options, fresh }));
        if (job === undefined)
          throw failWith(
            "job-not-found",
            `There is no job ${id}; GET /api/v1/backfill/recent lists the newest.`,
          );
        return c.json(jobToWire(job));
      },
    },
    {
      method: "GET",
      path: "/api/v1/backfill/recent",
      about: "the newest jobs without their details (limit=1..100, 20 by default)",
      contract: RECENT_JOBS,
      handle: async (c) => {
        const { limit } = valid(parseRecentQuery(queryParameters(c)));
        const jobs = await timed(c, deps, (options) => deps.backfill.recent(limit, options));
        const answer: RecentJobs = { jobs: jobs.map(jobSummaryToWire), timestamp: formatTime(deps.nowMs()) };
        return c.json(answer);
      },
    },
  ];
}

type Understood = Extract<ParsedBackfillRequest, { kind: "request" }>;

function accepted({ request }: Understood, outcome: SubmitOutcome, deps: HttpDeps): BackfillAccepted {
  switch (outcome.kind) {
    case "accepted":
      return {
        job_id: outcome.jobId,
        status: outcome.status,
        symbols_count: request.symbols.length,
        symbols: request.symbols.map(symbolName),
        date_range: { start: formatMinute(request.range.lo), end: formatMinute(request.range.hi) },
        timeframes: [...request.timeframes],
        timestamp: formatTime(deps.nowMs()),
      };
    case "unknown_venue":
      throw new ProblemError(
        invalidRequest(
          outcome.symbols.map((symbol) =>
            fieldFault(
              "$.symbols",
              `a venue that this server speaks to (${outcome.known.join(", ")})`,
              symbolName(symbol),
            ),
          ),
        ),
      );
    case "too_large":
      throw failWith("job-too-large", outcome.detail);
    case "unavailable":
      throw unavailable(outcome);
  }
}
