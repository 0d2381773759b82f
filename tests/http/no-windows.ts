import type { WindowReads } from "../../src/http/mod.ts";

const NOT_HERE = { kind: "unavailable", detail: "no windows here", retryAfterSeconds: 1 } as const;

/** For apps whose tests are not about windows. */
export const NO_WINDOWS: WindowReads = {
  periods: () => NOT_HERE,
  compare: () => NOT_HERE,
  nakedPocs: () => NOT_HERE,
  composite: () => NOT_HERE,
};
