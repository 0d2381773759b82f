import { backfillRoutes } from "./backfill-routes.ts";
import { barRoutes } from "./bar-routes.ts";
import { cacheRoutes } from "./cache-routes.ts";
import { controlRoutes } from "./control-routes.ts";
import type { HttpDeps } from "./deps.ts";
import { healthRoutes } from "./health-routes.ts";
import { levelRoutes } from "./level-routes.ts";
import type { Route } from "./route.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { upkeepRoutes } from "./upkeep-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";
import { windowRoutes } from "./window-routes.ts";

/** Every route, in the order in which `GET /` lists them. */
export function allRoutes(deps: HttpDeps): Route[] {
  return [
    ...healthRoutes(deps),
    ...levelRoutes(deps),
    ...windowRoutes(deps),
    ...barRoutes(deps),
    ...upkeepRoutes(deps),
    ...backfillRoutes(deps),
    ...controlRoutes(deps),
    ...cacheRoutes(deps),
    ...scheduleRoutes(deps),
    ...webhookRoutes(deps),
  ];
}
