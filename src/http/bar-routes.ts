import { barsToWire, parseBarsQuery, parseNoQuery, symbolsToWire } from "../protocol/mod.ts";
import { BARS, SYMBOLS } from "./bar-contracts.ts";
import type { HttpDeps } from "./deps.ts";
import { queryParameters } from "./query-parameters.ts";
import { available, type Route, refusal, timed, valid } from "./route.ts";

/** Bars, and the symbols that there are bars of. */
export function barRoutes(deps: HttpDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/bars/:symbol",
      about:
        "bars of trades (interval=1m|5m|15m|1h|4h|1d, from=, to=, limit=500); the newest if no start is named",
      contract: BARS,
      handle: async (c) => {
        const context = {
          symbol: c.req.param("symbol"),
          defaultVenue: deps.defaultVenue,
          nowMs: deps.nowMs(),
        };
        const query = valid(parseBarsQuery(queryParameters(c), context));
        const outcome = await timed(c, deps, (options) => deps.bars.bars(query, options));
        if (outcome.kind !== "found") throw refusal(outcome, {});
        return c.json(barsToWire(outcome.page));
      },
    },
    {
      method: "GET",
      path: "/api/v1/symbols",
      about:
        "the symbols that are followed or were backfilled: their scales, tick and bin, and what is covered",
      contract: SYMBOLS,
      handle: (c) => {
        valid(parseNoQuery(queryParameters(c)));
        return c.json(symbolsToWire(available(deps.symbols.symbols()), deps.nowMs()));
      },
    },
  ];
}
