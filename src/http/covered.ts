import type { MiddlewareHandler } from "hono";
import { parseSymbolName, symbolName } from "../core/mod.ts";
import { coversChannel, coversSymbol, type Grant, type VenueSymbol } from "../protocol/mod.ts";
import type { HttpDeps } from "./deps.ts";
import { failWith, type ProblemError } from "./problem-response.ts";
import type { AppContext, AppEnv, Route } from "./route.ts";

type Asker = Pick<HttpDeps, "defaultVenue" | "session">;

/**
 * Keeps a grant that is restricted to channels to what they are about, for one route. A route that names a symbol takes a channel of that
 * symbol, one that names a job takes the channel of that job; a route that tells or changes something across all of them takes a grant
 * without a restriction. So a new route is closed to restricted grants until it says what it is about.
 */
export function covered(route: Route, deps: Asker): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const grant = c.get("grant");
    if (grant.channels !== undefined) demandSubject(c, route, deps, grant);
    await next();
  };
}

/** Ends a request whose grant does not cover all of these symbols. */
export function demandSymbols(grant: Grant, symbols: readonly VenueSymbol[]): void {
  const other = symbols.find((symbol) => !coversSymbol(grant, symbol));
  if (other !== undefined) throw notCovered(`no channel of ${symbolName(other)}`);
}

function demandSubject(c: AppContext, route: Route, deps: Asker, grant: Grant): void {
  const names = namedSymbols(c, route, deps);
  if (names !== undefined) demandNames(grant, names, deps);
  else if (route.path.includes(":job_id")) demandJob(grant, c.req.param("job_id") ?? "");
  // What the body names is known once it is read: the route asks with `demandSymbols`.
  else if (route.subject !== "body")
    throw failWith(
      "not-granted",
      "This is about all symbols and jobs; the token is restricted to some channels.",
    );
}

/** Undefined for a route that is not about symbols. */
function namedSymbols(c: AppContext, { path, subject }: Route, deps: Asker): readonly string[] | undefined {
  if (path.includes(":symbol")) return [c.req.param("symbol") ?? ""];
  if (subject === "asked_symbol") return c.req.queries("symbol") ?? [deps.session().symbol];
  return subject === "first_symbol" ? [deps.session().symbol] : undefined;
}

function demandJob(grant: Grant, id: string): void {
  const jobId = id.toLowerCase();
  if (!coversChannel(grant, { kind: "job", jobId })) throw notCovered(`no backfill:${jobId}`);
}

function demandNames(grant: Grant, names: readonly string[], { defaultVenue }: Asker): void {
  for (const name of names) {
    const symbol = parseSymbolName(name, defaultVenue);
    if (symbol === undefined) throw notCovered("no such symbol");
    demandSymbols(grant, [symbol]);
  }
}

function notCovered(what: string): ProblemError {
  return failWith("not-granted", `The channels of the token have ${what}.`);
}
