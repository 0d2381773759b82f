import type { MiddlewareHandler } from "hono";
import { EVERYTHING, type Grant, problem, type Scope } from "../protocol/mod.ts";
import { bearerGrant } from "./bearer.ts";
import type { HttpDeps } from "./deps.ts";
import { ProblemError } from "./problem-response.ts";
import type { AppContext, AppEnv } from "./route.ts";

/** Addresses that anybody may read, beside files: whether the server lives, and what it offers. */
export const OPEN_PATHS: readonly string[] = ["/", "/health"];
/** What is known of the reader of an open address: nobody is asked there. */
const NOBODY: Grant = { ...EVERYTHING, scopes: new Set() };

/**
 * Decides for every request what its sender may do, before any route sees it: the grant stands in the context afterwards. One rule for
 * all addresses that are not `open`: to read takes `read`, to change anything takes `backfill`.
 */
export function access(
  deps: Pick<HttpDeps, "tokens" | "log">,
  { open }: { readonly open: ReadonlySet<string> },
): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const scope = scopeOf(c.req.method, c.req.path, open);
    if (scope === undefined) c.set("grant", NOBODY);
    else {
      const grant = await grantOf(c, deps);
      demand(grant, scope);
      c.set("grant", grant);
    }
    await next();
  };
}

/** Nothing that comes over the network fills the bindings; a caller inside the process hands over what it has verified. */
async function grantOf(c: AppContext, { tokens, log }: Pick<HttpDeps, "tokens" | "log">): Promise<Grant> {
  const verified = c.env?.grant;
  if (verified !== undefined) return verified;
  if (tokens === undefined) return EVERYTHING;
  return bearerGrant(c.req.header("authorization"), tokens, (reason) =>
    log.error({ requestId: c.get("requestId"), reason }, "a token cannot be verified"),
  );
}

/** The scope that a request takes; undefined: none, its address is open. */
export function scopeOf(method: string, path: string, open: ReadonlySet<string>): Scope | undefined {
  if (open.has(path)) return undefined;
  return ["GET", "HEAD", "OPTIONS"].includes(method) ? "read" : "backfill";
}

function demand({ scopes }: Grant, scope: Scope): void {
  if (scopes.has(scope)) return;
  const had = scopes.size === 0 ? "no scope" : [...scopes].join(" ");
  throw new ProblemError(
    problem("insufficient-scope", `This takes the scope ${scope}; the token has ${had}.`),
    { "www-authenticate": `Bearer realm="tapeline", error="insufficient_scope", scope="${scope}"` },
  );
}
