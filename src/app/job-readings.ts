import type { JobProgress, JobReport, JobStore, PartSummary, Settled } from "../backfill/mod.ts";
import { isEndedState, type Timers } from "../core/mod.ts";
import { KeptReadings } from "./kept-readings.ts";
import { SharedReading } from "./shared-reading.ts";

/** Jobs whose details are kept; about 150 kB each for 100 symbols in four timeframes. */
const JOBS_MAX = 64;
/** Lists that are kept, one for each `limit` that was asked for. */
const LISTS_MAX = 8;

export interface RecentReading {
  readonly jobs: readonly JobProgress[];
  readonly parts: ReadonlyMap<string, PartSummary>;
}

interface Listed extends RecentReading {
  /** How much the process had heard when the read began. */
  readonly heard: number;
  readonly transitions: number;
}

export interface JobReadingsDeps {
  readonly jobs: Pick<JobStore, "jobReport" | "recentJobs" | "recentParts">;
  readonly timers: Timers;
  /** No other process moves jobs: what this one has not heard of has not happened. */
  readonly sole: boolean;
}

/**
 * What people ask of jobs, read once for all who ask: an answer is a second old at most and mostly waits for nothing,
 * however busy the database is. That a job was made, has ended or was brought back is always in it, once this process has
 * heard of it; a job's status and counters between them are the board's.
 */
export class JobReadings {
  readonly #deps: JobReadingsDeps;
  readonly #jobs: KeptReadings<string, JobReport | undefined, JobReading>;
  readonly #lists: KeptReadings<number, Listed, SharedReading<Listed>>;
  /** Counts what this process has heard of, and the transitions among it. */
  #heard = 0;
  #transitions = 0;

  constructor(deps: JobReadingsDeps) {
    this.#deps = deps;
    this.#jobs = new KeptReadings(deps.timers, JOBS_MAX);
    this.#lists = new KeptReadings(deps.timers, LISTS_MAX);
  }

  /** A job moved, here or elsewhere. */
  observe({ job, events }: Settled): void {
    const moved = events.some(({ data: { from, to } }) => isTurn(from) || isTurn(to));
    this.#heard++;
    if (moved) this.#transitions++;
    this.#jobs.find(job.id)?.observe(job.version, moved);
  }

  /** A job with its details; undefined for an id that no job has. `fresh`: read after this was called. */
  async job(id: string, asked: { readonly fresh?: boolean } = {}): Promise<JobReport | undefined> {
    const reading = this.#jobs.find(id) ?? new JobReading(id, this.#deps);
    this.#jobs.keep(id, reading);
    const report = await reading.get(asked);
    if (report === undefined) this.#jobs.forget(id);
    return report;
  }

  /** The newest jobs, newest first, with what a list shows of their parts. */
  recent(limit: number): Promise<RecentReading> {
    const reading = this.#lists.find(limit) ?? this.#listReading(limit);
    this.#lists.keep(limit, reading);
    return reading.get();
  }

  /** Reads nothing more in the background. */
  close(): void {
    this.#jobs.close();
    this.#lists.close();
  }

  #listReading(limit: number): SharedReading<Listed> {
    const { jobs, timers, sole } = this.#deps;
    return new SharedReading<Listed>({
      read: async () => {
        const [heard, transitions] = [this.#heard, this.#transitions];
        const [recent, parts] = await Promise.all([jobs.recentJobs(limit), jobs.recentParts(limit)]);
        return { jobs: recent, parts, heard, transitions };
      },
      holds: ({ transitions }) => transitions === this.#transitions,
      unmoved: ({ heard }) => sole && heard === this.#heard,
      timers,
    });
  }
}

/** Begun or ended: its details look different from then on. Between them only its status does, which the caller knows. */
function isTurn(status: JobProgress["status"]): boolean {
  return status === "idle" || isEndedState(status);
}

/** The details of one job. */
class JobReading extends SharedReading<JobReport | undefined> {
  /** The newest version that this process has heard of, and that of the newest transition. */
  readonly #heard: { version: number; moved: number };

  constructor(id: string, { jobs, timers, sole }: JobReadingsDeps) {
    const heard = { version: 0, moved: 0 };
    super({
      read: (former) => jobs.jobReport(id, former),
      holds: (report) => report !== undefined && report.job.version >= heard.moved,
      unmoved: (report) => sole && report !== undefined && report.job.version >= heard.version,
      timers,
    });
    this.#heard = heard;
  }

  observe(version: number, moved: boolean): void {
    this.#heard.version = Math.max(this.#heard.version, version);
    if (moved) this.#heard.moved = Math.max(this.#heard.moved, version);
  }
}
