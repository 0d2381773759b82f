import type { KnownWindow, WindowFold } from "../../src/core/mod.ts";

/** A window all of whose minutes are covered. */
export function wholeWindow(fold: WindowFold): KnownWindow<WindowFold> {
  return { fold, coverage: { expectedMinutes: 1, coveredMinutes: 1, missing: [] }, whole: true };
}
