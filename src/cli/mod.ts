/** Commands that talk to a running server over HTTP and WebSocket. */
export * from "./backfill-command.ts";
export { cacheCommand } from "./cache-command.ts";
export * from "./context.ts";
export * from "./json-lines.ts";
export * from "./levels-command.ts";
export * from "./schedule-command.ts";
export { type TokenCommandOptions, tokenCommand } from "./token-command.ts";
