import {
  comparisonToWire,
  nakedPocsToWire,
  type Parsed,
  parseCompareQuery,
  parseCompositeQuery,
  parseNakedPocsQuery,
  parsePeriodsQuery,
  periodsToWire,
  type QueryContext,
  type RawQuery,
  viewProfile,
} from "../protocol/mod.ts";
import type { CallOptions } from "./calls.ts";
import type { HttpDeps } from "./deps.ts";
import { profileAnswer } from "./profile-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, type Route, refusal, timed, valid } from "./route.ts";
import { COMPARE, COMPOSITE, NAKED_POCS, PERIODS } from "./window-contracts.ts";
import type { WindowOutcome } from "./window-deps.ts";

/** Period profiles, comparisons, naked POCs and composites. */
export function windowRoutes(deps: HttpDeps): Route[] {
  const answer = async <Query, Answer>(
    c: AppContext,
    parse: (raw: RawQuery, context: QueryContext) => Parsed<Query>,
    read: (query: Query, options: CallOptions) => WindowOutcome<Answer> | Promise<WindowOutcome<Answer>>,
  ): Promise<{ query: Query; answer: Answer }> => {
    const { defaultVenue } = deps;
    const context = { symbol: c.req.param("symbol"), defaultVenue, nowMs: deps.nowMs() };
    const query = valid(parse(queryParameters(c), context));
    const outcome = await timed(c, deps, (options) => read(query, options));
    if (outcome.kind !== "found") throw refusal(outcome, { binSize: c.req.query("bin_size") });
    return { query, answer: outcome.answer };
  };
  const { windows } = deps;
  return [
    {
      method: "GET",
      path: "/api/v1/profiles/:symbol",
      about: "the levels of every hour, 4 hours, day or week of a range (period=1h|4h|1d|1w, from=, to=)",
      contract: PERIODS,
      handle: async (c) => {
        const found = await answer(c, parsePeriodsQuery, (query, options) => windows.periods(query, options));
        return c.json(periodsToWire(found.answer));
      },
    },
    {
      method: "GET",
      path: "/api/v1/compare/:symbol",
      about:
        "two sessions (a=, b=) or windows (a_from=, a_to=, b_from=, b_to=): overlap, POC shift, value area",
      contract: COMPARE,
      handle: async (c) => {
        const found = await answer(c, parseCompareQuery, (query, options) => windows.compare(query, options));
        return c.json(comparisonToWire(found.answer));
      },
    },
    {
      method: "GET",
      path: "/api/v1/naked-pocs/:symbol",
      about: "POCs of the last sessions that no later trade has touched (sessions=20)",
      contract: NAKED_POCS,
      handle: async (c) => {
        const found = await answer(c, parseNakedPocsQuery, (query, options) =>
          windows.nakedPocs(query, options),
        );
        return c.json(nakedPocsToWire(found.answer));
      },
    },
    {
      method: "GET",
      path: "/api/v1/composite/:symbol",
      about: "one profile of several sessions (sessions=D,D or last=N, bins=false)",
      contract: COMPOSITE,
      handle: async (c) => {
        const { query, answer: profile } = await answer(c, parseCompositeQuery, (asked, options) =>
          windows.composite(asked, options),
        );
        return profileAnswer(c, viewProfile(profile), query);
      },
    },
  ];
}
