import { type Clock, MS_PER_MINUTE, minuteOfMs } from "../core/mod.ts";

/** The clock may be set meanwhile: never sooner than this, ms. */
const WAIT_MIN_MS = 100;

/** Calls `run` `graceMs` after the end of every minute; the answer ends it. */
export function everyMinute(clock: Clock, graceMs: number, run: () => void): () => void {
  let cancel = () => {};
  const schedule = () => {
    const nowMs = clock.nowMs();
    const next = (minuteOfMs(nowMs - graceMs) + 1) * MS_PER_MINUTE + graceMs;
    cancel = clock.after(Math.max(WAIT_MIN_MS, next - nowMs), () => {
      schedule();
      run();
    });
  };
  schedule();
  return () => cancel();
}
