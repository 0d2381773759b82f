import { TapeError } from "./tape-error.ts";

/** Lets a bounded number of holders in at once, first come first served, with a bounded queue before it. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  readonly #holdersMax: number;
  readonly #waitersMax: number;
  #holders = 0;

  constructor(holdersMax: number, waitersMax: number) {
    this.#holdersMax = holdersMax;
    this.#waitersMax = waitersMax;
  }

  /**
   * Waits for a place and answers the function that gives it back (once, however often it is called).
   * Throws {@link TapeError}: `busy` when the queue is full, `timeout` after `timeoutMs`, `aborted` on the signal.
   */
  async enter(timeoutMs: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw aborted(signal);
    if (this.#holders < this.#holdersMax) this.#holders++;
    else await this.#wait(timeoutMs, signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      // The place passes to the next in line without being free in between.
      if (next === undefined) this.#holders--;
      else next();
    };
  }

  #wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#waitersMax)
      throw new TapeError("busy", `the tape is busy: ${this.#waiting.length} calls wait already`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const enter = (): void => {
      settle();
      resolve();
    };
    const leave = (error: TapeError): void => {
      settle();
      this.#waiting.splice(this.#waiting.indexOf(enter), 1);
      reject(error);
    };
    const onAbort = (): void => leave(aborted(signal));
    const timer = setTimeout(
      () => leave(new TapeError("timeout", `waited ${timeoutMs} ms for a turn at the tape`)),
      timeoutMs,
    );
    signal.addEventListener("abort", onAbort);
    this.#waiting.push(enter);
    return promise;
  }
}

/** The error of a call that its caller, or the closing tape, has ended. */
export function aborted(signal: AbortSignal): TapeError {
  if (signal.reason instanceof TapeError) return signal.reason;
  return new TapeError("aborted", "the call to the tape was aborted", { cause: signal.reason });
}
