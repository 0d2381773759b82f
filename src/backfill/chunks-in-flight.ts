import { intersectRanges, OperationFailure } from "../core/mod.ts";
import type { ClaimedChunk, JobProgress } from "./store/types.ts";

interface InFlight {
  readonly chunk: ClaimedChunk;
  readonly done: Promise<unknown>;
  /** Ends its work; it is given back without spending the attempt. */
  readonly letGo: AbortController;
}

/** The chunks that a process has under way: one that shares minutes with another waits for it, and then finds them covered. */
export class ChunksInFlight {
  readonly #inFlight = new Set<InFlight>();

  /**
   * Runs a chunk after those that it overlaps. `run` gets a signal that aborts with any of `signals`, or when its job is not to run any
   * more; it is called then, too, so that it can give the chunk back.
   */
  async run(
    chunk: ClaimedChunk,
    signals: readonly AbortSignal[],
    run: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const letGo = new AbortController();
    const signal = AbortSignal.any([...signals, letGo.signal]);
    const work = this.#afterOverlapping(chunk, signal).then(() => run(signal));
    const entry = { chunk, letGo, done: work.catch(() => undefined) };
    this.#inFlight.add(entry);
    try {
      await work;
    } finally {
      this.#inFlight.delete(entry);
    }
  }

  /** A job moved: chunks of one that is not to run any more are let go at once. */
  heed({ id, intent }: Pick<JobProgress, "id" | "intent">): void {
    if (intent === "run") return;
    for (const { chunk, letGo } of this.#inFlight)
      if (chunk.job.id === id)
        letGo.abort(new OperationFailure("aborted", `the intent of job ${id} is ${intent}`));
  }

  /** A chunk that is to be let go does not wait for the others: its lease is not kept any more. */
  async #afterOverlapping({ series, timeframe, range }: ClaimedChunk, signal: AbortSignal): Promise<void> {
    const overlapping = [...this.#inFlight].filter(
      ({ chunk }) =>
        chunk.series.id === series.id &&
        chunk.timeframe === timeframe &&
        intersectRanges(chunk.range, range) !== undefined,
    );
    if (overlapping.length === 0 || signal.aborted) return;
    const { promise: letGo, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    signal.addEventListener("abort", wake);
    await Promise.race([letGo, Promise.all(overlapping.map(({ done }) => done))]);
    // A composed signal that somebody listens to is kept for ever.
    signal.removeEventListener("abort", wake);
  }
}
