import { levelSetToWire, parseLevelsQuery, parseProfileQuery, viewProfile } from "../protocol/mod.ts";
import type { HttpDeps } from "./deps.ts";
import { LEVELS, PROFILE, SESSION_LEVELS } from "./level-contracts.ts";
import { profileAnswer } from "./profile-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, type Route, refusal, timed, valid } from "./route.ts";

/** Level sets and profiles. */
export function levelRoutes(deps: HttpDeps): Route[] {
  const levels = async (c: AppContext) => {
    const query = valid(parseLevelsQuery(queryParameters(c), context(c, deps)));
    const outcome = await timed(c, deps, (options) => deps.levels.levelSet(query, options));
    if (outcome.kind !== "found") throw refusal(outcome, { binSize: c.req.query("bin_size") });
    return c.json(levelSetToWire(outcome.set, outcome.backfill));
  };
  return [
    {
      method: "GET",
      path: "/levels",
      about:
        "the level set of a symbol (symbol=, session=, value_area=, bin_size=); the first of SYMBOLS if none is named",
      subject: "asked_symbol",
      contract: LEVELS,
      handle: levels,
    },
    {
      method: "GET",
      path: "/api/v1/levels/:symbol",
      about: "the level set of a session (session=YYYY-MM-DD, value_area=, bin_size=)",
      contract: SESSION_LEVELS,
      handle: levels,
    },
    {
      method: "GET",
      path: "/api/v1/profile/:symbol",
      about:
        "every level of any minutes and their volume by price (from=, to=, value_area=, bin_size=, bins=false)",
      contract: PROFILE,
      handle: async (c) => {
        const query = valid(parseProfileQuery(queryParameters(c), context(c, deps)));
        const outcome = await timed(c, deps, (options) => deps.levels.profile(query, options));
        if (outcome.kind !== "found") throw refusal(outcome, { binSize: c.req.query("bin_size") });
        return profileAnswer(c, viewProfile(outcome.profile), query);
      },
    },
  ];
}

function context(c: AppContext, deps: HttpDeps) {
  return { symbol: c.req.param("symbol"), defaultVenue: deps.defaultVenue, nowMs: deps.nowMs() };
}
