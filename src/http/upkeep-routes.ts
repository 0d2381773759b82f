import { gapsToWire, parseGapsQuery, parseSessionReportQuery, sessionReportToWire } from "../protocol/mod.ts";
import type { HttpDeps } from "./deps.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, type Route, refusal, timed, valid } from "./route.ts";
import { GAPS, SESSION_REPORT } from "./upkeep-contracts.ts";

/** The quality of a session, and what is missing or contradicts the venue. */
export function upkeepRoutes(deps: HttpDeps): Route[] {
  const context = (c: AppContext) => ({
    symbol: c.req.param("symbol"),
    defaultVenue: deps.defaultVenue,
    nowMs: deps.nowMs(),
  });
  return [
    {
      method: "GET",
      path: "/api/v1/session/:symbol",
      about:
        "session metrics: bar quality, minutes, counts, last trade, live connection (session=YYYY-MM-DD)",
      contract: SESSION_REPORT,
      handle: async (c) => {
        const query = valid(parseSessionReportQuery(queryParameters(c), context(c)));
        const outcome = await timed(c, deps, (options) => deps.upkeep.session(query, options));
        if (outcome.kind !== "found") throw refusal(outcome, {});
        return c.json(sessionReportToWire(outcome.answer));
      },
    },
    {
      method: "GET",
      path: "/api/v1/gaps/:symbol",
      about:
        "missing minutes with their reason, and minutes that contradict the venue's candles (from=, to=)",
      contract: GAPS,
      handle: async (c) => {
        const query = valid(parseGapsQuery(queryParameters(c), context(c)));
        const outcome = await timed(c, deps, (options) => deps.upkeep.gaps(query, options));
        if (outcome.kind !== "found") throw refusal(outcome, {});
        return c.json(gapsToWire(outcome.answer));
      },
    },
  ];
}
