import type { BackfillService, JobStore } from "../backfill/mod.ts";
import type { MinuteRange, SessionCalendar } from "../core/mod.ts";
import type { LiveIngest } from "../live/mod.ts";
import type { DayLoader, ProfileStore, SeriesStore } from "../store/mod.ts";
import { createGapStore, createMismatchStore, type GapEvent, GapWatch, Reconciler } from "../upkeep/mod.ts";
import type { EngineDeps } from "./engine-deps.ts";
import type { LevelService } from "./level-service.ts";
import { UpkeepReads } from "./upkeep-reads.ts";

/** Minutes that contradict the venue stand between a subscriber and right numbers: they go first, as repairs do. */
const RECONCILE_PRIORITY = 10;

export interface UpkeepDeps extends Pick<EngineDeps, "database" | "clock" | "log" | "config"> {
  readonly store: ProfileStore;
  readonly jobs: Pick<JobStore, "job" | "openRanges" | "calledOffRanges">;
  readonly loader: DayLoader;
  readonly calendar: SessionCalendar;
  readonly levels: Pick<LevelService, "expectedEnd" | "currentSession">;
  readonly live: () => LiveIngest;
  readonly service: () => Pick<BackfillService, "submit">;
  readonly followed: readonly string[];
  readonly onEvents: (events: readonly GapEvent[]) => void;
}

/** What looks after the minutes: compared with the venue's candles, fetched again where they differ, and gaps remembered. */
export class Upkeep {
  readonly reads: UpkeepReads;
  readonly #reconciler: Reconciler;
  readonly #gaps: GapWatch;
  readonly #stopping = new AbortController();

  constructor(deps: UpkeepDeps) {
    const { database, clock, log, store, jobs, live, levels } = deps;
    const warn = (message: string) => log.warn({}, message);
    const gaps = createGapStore(database);
    const mismatches = createMismatchStore(database);
    this.#reconciler = new Reconciler({
      ...{ store, mismatches, timers: clock, onEvents: deps.onEvents, warn },
      refetch: (series, range, key) => this.#refetch(deps, series, range, key),
      jobEnded: async (id) => {
        const job = await jobs.job(id);
        return job === undefined || job.finishedAt !== undefined;
      },
    });
    this.#gaps = new GapWatch({
      ...{ gaps, timers: clock, onEvents: deps.onEvents, warn },
      followed: () => live().series,
    });
    this.reads = new UpkeepReads({
      ...deps,
      ...{ gaps, mismatches },
      reconcile: () => this.#reconciler.lookOnce(),
      nowMs: () => clock.nowMs(),
      expectedEnd: () => levels.expectedEnd(),
      currentSession: () => levels.currentSession(),
    });
  }

  start(): void {
    this.#reconciler.start();
    this.#gaps.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException("the process is shutting down", "AbortError"));
    await this.#gaps.stop();
    await this.#reconciler.stop();
  }

  /** A job has ended. */
  jobEnded(jobId: string): void {
    this.#reconciler.jobEnded(jobId);
  }

  /** Minutes were left uncovered, and are being asked for. */
  gapFound(series: SeriesStore, range: MinuteRange, reason: "not_received" | "late"): void {
    this.#gaps.found(series, range, reason);
  }

  async #refetch({ service }: UpkeepDeps, series: SeriesStore, range: MinuteRange, key: string) {
    const { venue, symbol } = series.instrument;
    const { job } = await service().submit(
      {
        symbols: [{ venue, symbol }],
        range,
        order: "oldest",
        priority: RECONCILE_PRIORITY,
        force: true,
        reason: "reconcile",
        requestKey: key,
      },
      this.#stopping.signal,
    );
    return { jobId: job.id };
  }
}
