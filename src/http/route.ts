import type { Context } from "hono";
import { fieldFault, type Parsed, problem } from "../protocol/mod.ts";
import { DEADLINE_MS, withDeadline } from "./deadline.ts";
import type { BadBin, CallOptions, HttpDeps, Unavailable, UnknownSymbol } from "./deps.ts";
import { badAddress, failWith, ProblemError } from "./problem-response.ts";

export interface AppEnv {
  Variables: { requestId: string };
}

export type AppContext = Context<AppEnv>;

/** One method of one address, and what it is for. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly about: string;
  readonly handle: (c: AppContext) => Response | Promise<Response>;
}

/** What the index at `/` tells of a route. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly about: string;
}

/** What this server offers beside the routes of the app. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/connection/websocket",
    about: "push: the Centrifugo client protocol v2 in JSON (also at /ws)",
  },
];

export function listRoutes(routes: readonly Route[]): Endpoint[] {
  return routes.map(({ method, path, about }) => ({ method, path, about }));
}

/** Runs a dependency under the deadline of its request. */
export function timed<T>(
  c: AppContext,
  deps: HttpDeps,
  work: (options: CallOptions) => T | Promise<T>,
): Promise<T> {
  return withDeadline(work, { client: c.req.raw.signal, deadlineMs: deps.deadlineMs ?? DEADLINE_MS });
}

/** The value of a parsed address; its faults end the request. */
export function valid<T>(parsed: Parsed<T>): T {
  if (parsed.kind === "refused") throw badAddress(parsed.errors);
  return parsed.value;
}

/** The problem of an outcome that is no answer. */
export function refusal(
  outcome: UnknownSymbol | BadBin | Unavailable,
  asked: { readonly binSize?: string | undefined },
): ProblemError {
  switch (outcome.kind) {
    case "unknown_symbol":
      return failWith(
        "symbol-not-found",
        `${outcome.symbol} is neither among SYMBOLS nor was it ever backfilled; POST /api/v1/backfill fetches it.`,
      );
    case "bad_bin":
      return badAddress([
        fieldFault("query.bin_size", `a multiple of this series' bin size ${outcome.binSize}`, asked.binSize),
      ]);
    case "unavailable":
      return unavailable(outcome);
  }
}

export function unavailable({ detail, retryAfterSeconds }: Unavailable): ProblemError {
  return new ProblemError(problem("unavailable", detail), { "retry-after": String(retryAfterSeconds) });
}
