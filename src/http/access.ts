import type { MiddlewareHandler } from "hono";
import { EVERYTHING, type Grant, problem, type Scope } from "../protocol/mod.ts";
import { ProblemError } from "./problem-response.ts";
import type { AppEnv } from "./route.ts";

/** Addresses that anybody may read: whether the server lives, what it offers, and the contracts that say how. */
const OPEN_PATHS: readonly string[] = [
  "/",
  "/health",
  "/openapi.json",
  "/asyncapi.json",
  "/docs",
  "/client.js",
];

/**
 * Decides for every request what its sender may do, before any route sees it: the grant stands in the context afterwards. One rule for
 * all addresses that are not open: to read takes `read`, to change anything takes `backfill`. `open`: further open addresses, such as
 * the files that pages are made of.
 */
export function access({ open }: { readonly open: readonly string[] }): MiddlewareHandler<AppEnv> {
  const openPaths = new Set([...OPEN_PATHS, ...open]);
  return async (c, next) => {
    // Nothing that comes over the network fills these bindings; a caller inside the process hands over what it has verified.
    const grant = c.env?.grant ?? EVERYTHING;
    c.set("grant", grant);
    if (!openPaths.has(c.req.path)) demand(grant, scopeFor(c.req.method));
    await next();
  };
}

function scopeFor(method: string): Scope {
  return ["GET", "HEAD", "OPTIONS"].includes(method) ? "read" : "backfill";
}

function demand({ scopes }: Grant, scope: Scope): void {
  if (scopes.has(scope)) return;
  const had = scopes.size === 0 ? "no scope" : [...scopes].join(" ");
  throw new ProblemError(
    problem("insufficient-scope", `This takes the scope ${scope}; the token has ${had}.`),
    {
      "www-authenticate": `Bearer realm="tapeline", error="insufficient_scope", scope="${scope}"`,
    },
  );
}
