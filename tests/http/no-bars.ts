import type { BarReads, HttpDeps } from "../../src/http/mod.ts";

const NOT_HERE = { kind: "unavailable", detail: "no bars here", retryAfterSeconds: 1 } as const;

/** For apps whose tests are not about bars. */
export const NO_BARS: BarReads = { bars: () => NOT_HERE };
export const NO_SYMBOLS: HttpDeps["symbols"] = { symbols: () => [] };
