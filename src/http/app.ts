import { Hono } from "hono";
import { cors } from "hono/cors";
import { givenRequestId, problem, REQUEST_ID_HEADER } from "../protocol/mod.ts";
import { access, OPEN_PATHS } from "./access.ts";
import { assetResponse } from "./asset-response.ts";
import { covered } from "./covered.ts";
import type { HttpDeps } from "./deps.ts";
import { documentAssets } from "./documents.ts";
import { describedRoutes, endpointOf } from "./endpoints.ts";
import { ProblemError, problemResponse } from "./problem-response.ts";
import type { AppEnv, Route } from "./route.ts";
import { allRoutes } from "./routes.ts";

/**
 * The HTTP app: every route of this server, whatever it runs on (`app.fetch`). Problems answer as RFC 9457 documents; nothing but
 * assets is cached; every answer carries `x-request-id`, the client's own where it sent one.
 */
export function createHttpApp(deps: HttpDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    const requestId = givenRequestId(c.req.raw.headers) ?? deps.requestId();
    c.set("requestId", requestId);
    await next();
    c.res.headers.set(REQUEST_ID_HEADER, requestId);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
    c.res.headers.set("x-content-type-options", "nosniff");
  });
  const origins = deps.allowedOrigins ?? [];
  if (origins.length > 0)
    app.use(
      cors({
        origin: [...origins],
        allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allowHeaders: ["authorization", "content-type", REQUEST_ID_HEADER],
        exposeHeaders: ["www-authenticate", REQUEST_ID_HEADER],
      }),
    );

  const routes = allRoutes(deps);
  const open = new Set(OPEN_PATHS);
  const documents = documentAssets(() => described, { version: deps.version, open });
  const assets = [...documents, ...(deps.assets ?? [])];
  for (const { path } of assets) open.add(path);
  const described = describedRoutes(routes, assets);

  app.use(access(deps, { open }));
  for (const route of routes) app.on(route.method, route.path, covered(route, deps), route.handle);
  for (const asset of assets) app.get(asset.path, (c) => assetResponse(c, asset));
  app.get("/", (c) =>
    c.json({ name: "tapeline", version: deps.version, endpoints: described.map(endpointOf) }),
  );
  const files = [{ path: "/" }, ...assets].map(({ path }) => ({ method: "GET" as const, path }));
  refuseOtherMethods(app, [...routes, ...files]);

  app.notFound((c) =>
    problemResponse(
      problem("not-found", `There is no ${c.req.path} here; GET / lists what there is.`),
      c.get("requestId"),
    ),
  );
  app.onError((error, c) => {
    const requestId = c.get("requestId");
    if (error instanceof ProblemError) return problemResponse(error.problem, requestId, error.headers);
    deps.log.error({ requestId, method: c.req.method, path: c.req.path, err: error }, "a request failed");
    return problemResponse(
      problem(
        "internal-error",
        `The request failed inside the server; its log has the reason under ${requestId}.`,
      ),
      requestId,
    );
  });
  return app;
}

/** HEAD is answered wherever GET is. */
function refuseOtherMethods(app: Hono<AppEnv>, routes: readonly Pick<Route, "method" | "path">[]): void {
  const allowed = new Map<string, string[]>();
  for (const { method, path } of routes) {
    const methods = method === "GET" ? ["GET", "HEAD"] : [method];
    allowed.set(path, [...(allowed.get(path) ?? []), ...methods]);
  }
  for (const [path, methods] of allowed) {
    const allow = methods.join(", ");
    app.all(path, (c) =>
      problemResponse(
        problem("method-not-allowed", `${c.req.path} answers ${allow}, not ${c.req.method}.`),
        c.get("requestId"),
        { allow },
      ),
    );
  }
}
