import type { PushTimers } from "../push/mod.ts";

/** Timers of the machine, on its monotonic clock. */
export function systemTimers(): PushTimers {
  return {
    now: () => performance.now(),
    after: (delayMs, run) => {
      // The shortest timeout is a millisecond.
      if (delayMs <= 0) {
        const next = setImmediate(run);
        return () => clearImmediate(next);
      }
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
