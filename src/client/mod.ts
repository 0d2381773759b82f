/** Typed client for browsers, bots, scripts and tests. Runs wherever `fetch` exists. */
export * from "./backfill-wait-error.ts";
export type { FetchApp, ServerTarget } from "./server-target.ts";
export * from "./wait-for-backfill.ts";
