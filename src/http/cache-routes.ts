import { cacheToWire, parseCacheVerifyQuery, parseNoQuery } from "../protocol/mod.ts";
import { CACHE, CACHE_CLEAN, CACHE_VERIFY } from "./cache-contracts.ts";
import type { HttpDeps } from "./deps.ts";
import { queryParameters } from "./query-parameters.ts";
import { available, type Route, timed, valid } from "./route.ts";

/** What is kept on the disk: told, proven and cleaned. */
export function cacheRoutes(deps: HttpDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/cache",
      about: "what is kept on the disk: the tape, and profiles of finished sessions",
      contract: CACHE,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        const facts = available(await timed(c, deps, (options) => deps.cache.stats(options)));
        return c.json(cacheToWire(facts, deps.nowMs()));
      },
    },
    {
      method: "POST",
      path: "/api/v1/cache/verify",
      about:
        "proves files by their sha256, some seconds of work at a time (after=, the former answer's next)",
      contract: CACHE_VERIFY,
      handle: async (c) => {
        const after = valid(parseCacheVerifyQuery(queryParameters(c)));
        return c.json(available(await timed(c, deps, (options) => deps.cache.verify(after, options))));
      },
    },
    {
      method: "POST",
      path: "/api/v1/cache/clean",
      about: "removes profiles, which are made anew, and files that no segment lists",
      contract: CACHE_CLEAN,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        return c.json(available(await timed(c, deps, (options) => deps.cache.clean(options))));
      },
    },
  ];
}
