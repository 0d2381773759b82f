/** The Hono app: routes and problem responses. Runs wherever `fetch` exists. */
export * from "./app.ts";
export type { Asset, AssetContent } from "./asset.ts";
export * from "./automation-deps.ts";
export type { BarReads, BarsOutcome } from "./bar-deps.ts";
export type { CacheFace } from "./cache-deps.ts";
export * from "./deps.ts";
export * from "./upkeep-deps.ts";
export * from "./window-deps.ts";
