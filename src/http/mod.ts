/** The Hono app: routes and problem responses. Runs wherever `fetch` exists. */
export * from "./app.ts";
export * from "./automation-deps.ts";
export * from "./deps.ts";
