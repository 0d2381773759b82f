/** Time as our code is told it. The real one lives in src/runtime; tests have their own. */
export interface Timers {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls `run` once after at least `delayMs`; the answer calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** Timers with the time of day. */
export interface Clock extends Timers {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}

/** Waits `delayMs`, or until `signal` aborts; never rejects. */
export function pause(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = () => {
      cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = timers.after(delayMs, wake);
    signal?.addEventListener("abort", wake, { once: true });
  });
}
