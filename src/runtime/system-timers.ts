import type { PushTimers } from "../push/mod.ts";

/** Timers of the machine, on its monotonic clock. */
export function systemTimers(): PushTimers {
  return {
    now: () => performance.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
