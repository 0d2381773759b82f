import type { JobStore } from "../backfill/mod.ts";
import { failureOf, type Timers } from "../core/mod.ts";
import type { Tape } from "../tape/mod.ts";

/** How often the tape is looked through for leftovers. */
const SWEEP_INTERVAL_MS = 3_600_000;
/** The first look, after the start's own work. */
const FIRST_SWEEP_MS = 60_000;
/**
 * Files that no committed segment lists stay this long: those of chunks that still run in another process are minutes old at
 * most, and a reader in another process may be at a segment that was replaced meanwhile.
 */
const GRACE_MS = 86_400_000;

export interface TapeSweepDeps {
  readonly jobs: Pick<JobStore, "listedFiles">;
  readonly tape: Pick<Tape, "sweep">;
  readonly timers: Timers;
  readonly warn: (message: string) => void;
}

/** Removes what crashed workers and lost commits have left in a tape that several processes share, by its age. */
export class TapeSweep {
  readonly #deps: TapeSweepDeps;
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: TapeSweepDeps) {
    this.#deps = deps;
  }

  start(delayMs = FIRST_SWEEP_MS): void {
    this.#cancel = this.#deps.timers.after(delayMs, () => {
      this.#running = this.sweepOnce().then(() => {
        if (!this.#stopped) this.start(SWEEP_INTERVAL_MS);
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  /** Never rejects: what was not removed is found again next time. */
  async sweepOnce(): Promise<void> {
    const { jobs, tape, warn } = this.#deps;
    try {
      await tape.sweep({ listed: await jobs.listedFiles(GRACE_MS), graceMs: GRACE_MS });
    } catch (thrown) {
      if (!this.#stopped) warn(`sweeping the tape failed: ${failureOf(thrown).message}`);
    }
  }
}
