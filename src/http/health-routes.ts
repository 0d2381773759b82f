import { formatMinute, formatTime } from "../core/mod.ts";
import { healthToWire, parseStartupWaitQuery, type ReadyAnswer, startupToWire } from "../protocol/mod.ts";
import type { HttpDeps } from "./deps.ts";
import { HEALTH, READY, STARTUP } from "./health-contracts.ts";
import { queryParameters } from "./query-parameters.ts";
import { held, type Route, valid } from "./route.ts";

/** Health, readiness and the start-up backfill: from memory, at once, whatever else runs. */
export function healthRoutes(deps: HttpDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/health",
      about: "ok once the start-up backfill is complete, skipped or disabled; degraded until then",
      contract: HEALTH,
      handle: (c) => c.json(healthToWire(deps.backfill.startup())),
    },
    {
      method: "GET",
      path: "/ready",
      about: "session, whether there are levels to trade on, progress, precision",
      subject: "first_symbol",
      contract: READY,
      handle: (c) => c.json(ready(deps)),
    },
    {
      method: "GET",
      path: "/backfill/status",
      about: "the start-up backfill (wait=1..60 holds the answer back until it has ended, seconds)",
      contract: STARTUP,
      handle: async (c) => {
        const wait = valid(parseStartupWaitQuery(queryParameters(c)));
        if (wait !== undefined)
          await held(c, deps, wait.waitMs, (options) => deps.waits.startup(wait, options));
        return c.json(startupToWire(deps.backfill.startup()));
      },
    },
  ];
}

function ready(deps: HttpDeps): ReadyAnswer {
  const session = deps.session();
  const { status, chunks_done, chunks_total, percentage, eta_seconds } = startupToWire(
    deps.backfill.startup(),
  );
  return {
    symbol: session.symbol,
    session: session.session,
    session_open: session.sessionOpen,
    session_from: formatMinute(session.sessionRange.lo),
    session_to: formatMinute(session.sessionRange.hi),
    trading_enabled: session.tradingEnabled,
    backfill: { status, chunks_done, chunks_total, percentage, eta_seconds },
    metrics_precision: session.precision,
    timestamp: formatTime(deps.nowMs()),
  };
}
