import { TapelineError } from "./tapeline-error.ts";

/** Runs `work` for at most `timeoutMs`; then the signal that it was given aborts, and the wait ends in an error of kind `timeout`. */
export async function withinTime<T>(
  what: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const late = new TapelineError("timeout", `${what}: waited ${timeoutMs} ms`);
  const timer = setTimeout(() => limit.abort(late), timeoutMs);
  const both = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
  try {
    return await Promise.race([work(both), aborted(both)]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits `ms`; rejects with the signal's reason once it aborts. */
export async function pauseMs(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([over, aborted(signal)]);
  } finally {
    clearTimeout(timer);
  }
}

/** Never resolves; rejects with the signal's reason once it aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  const never = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Whoever has its answer by then does not look any more.
  never.catch(() => undefined);
  return never;
}
