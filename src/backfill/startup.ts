import type { JobStatus } from "../../db/mod.ts";
import {
  backoffMs,
  type Clock,
  failureOf,
  MINUTES_PER_DAY,
  MS_PER_DAY,
  minuteOfMs,
  pause,
} from "../core/mod.ts";
import type { JobStore } from "./job-store.ts";
import type { SymbolRef } from "./request.ts";
import { type BackfillService, SymbolRefused } from "./service.ts";
import type { JobProgress, Settled } from "./store/types.ts";
import { readWrittenRequest } from "./written-request.ts";

/** Finished jobs looked through for unfinished start-up jobs of a former process. */
const FORMER_JOBS = 50;
/** Priority of the start-up jobs: before what somebody asked for, after repairs. */
const STARTUP_PRIORITY = 5;

export interface StartupOptions {
  readonly symbols: readonly SymbolRef[];
  /** UTC days, today among them. */
  readonly days: number;
  readonly enabled: boolean;
}

export interface StartupDeps {
  readonly jobs: Pick<JobStore, "recentJobs">;
  readonly service: Pick<BackfillService, "submit">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly warn: (message: string) => void;
}

/** The start-up backfill in numbers; `etaSeconds` null while it cannot be told. */
export interface StartupStatus {
  readonly status: JobStatus;
  readonly running: boolean;
  readonly chunksDone: number;
  readonly chunksTotal: number;
  readonly percentage: number;
  readonly etaSeconds: number | null;
  readonly error: string | null;
}

/**
 * The backfill that every start begins with: today and the days before it. It runs beside everything else; a failure
 * leaves the process serving. Its state is read from memory, at any moment.
 */
export class StartupBackfill {
  readonly #options: StartupOptions;
  readonly #deps: StartupDeps;
  readonly #jobs = new Map<string, JobProgress>();
  readonly #errors = new Map<string, string>();
  #phase: "idle" | "planning" | "planned" = "idle";
  #trouble: string | null = null;
  #firstChunk: { readonly atMs: number; readonly done: number } | undefined;

  constructor(options: StartupOptions, deps: StartupDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Plans the work, trying again until the venue answers or `signal` ends it. */
  async begin(signal: AbortSignal): Promise<void> {
    if (!this.#options.enabled) return;
    this.#phase = "planning";
    let symbols = [...this.#options.symbols];
    for (let attempt = 1; symbols.length > 0 && !signal.aborted; attempt++) {
      try {
        await this.#adoptFormer();
        await this.#submit(symbols, signal);
        break;
      } catch (thrown) {
        if (signal.aborted) return;
        const failure = failureOf(thrown);
        if (thrown instanceof SymbolRefused && thrown.failure.kind === "permanent") {
          this.#errors.set(thrown.symbol, thrown.message);
          this.#deps.warn(`start-up backfill leaves out ${thrown.symbol}: ${thrown.message}`);
          symbols = symbols.filter((_, index) => index !== thrown.index);
          continue;
        }
        this.#trouble = failure.message;
        const waitMs = backoffMs(attempt, this.#deps.random, failure.retryAfterMs);
        this.#deps.warn(
          `start-up backfill could not be planned, trying again in ${waitMs} ms: ${failure.message}`,
        );
        await pause(this.#deps.clock, waitMs, signal);
      }
    }
    this.#trouble = null;
    this.#phase = "planned";
  }

  /** Follows the counters of its own jobs. */
  observe({ job }: Settled): void {
    const former = this.#jobs.get(job.id);
    if (former === undefined || former.version > job.version) return;
    this.#jobs.set(job.id, job);
    if (this.#firstChunk === undefined && job.chunksDone > former.chunksDone)
      this.#firstChunk = { atMs: this.#deps.clock.now(), done: this.#counts().done };
  }

  owns(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }

  status(): StartupStatus {
    const { done, failed, total } = this.#counts();
    const status = this.#status();
    const ended = done + failed;
    const percentage =
      status === "complete" ? 100 : total === 0 ? 0 : Math.floor((ended * 1_000) / total) / 10;
    return {
      status,
      running: status === "pending" || status === "in_progress",
      chunksDone: done,
      chunksTotal: total,
      percentage,
      etaSeconds: this.#eta(status, total - ended, done),
      error:
        this.#trouble ??
        [...this.#errors.values()][0] ??
        [...this.#jobs.values()].find((job) => job.error)?.error ??
        null,
    };
  }

  #status(): JobStatus {
    if (!this.#options.enabled) return "disabled";
    if (this.#phase === "idle") return "idle";
    const jobs = [...this.#jobs.values()];
    const running = jobs.filter((job) => job.finishedAt === undefined);
    if (running.some((job) => job.status === "in_progress")) return "in_progress";
    if (running.length > 0 || this.#phase === "planning") return "pending";
    if (jobs.some((job) => job.status === "cancelled")) return "cancelled";
    const failed = jobs.some((job) => job.status === "error") || (jobs.length === 0 && this.#errors.size > 0);
    return failed ? "error" : "complete";
  }

  #counts(): { readonly done: number; readonly failed: number; readonly total: number } {
    let done = 0;
    let failed = 0;
    let total = 0;
    for (const job of this.#jobs.values()) {
      done += job.chunksDone;
      failed += job.chunksFailed;
      total += job.chunksTotal;
    }
    return { done, failed, total };
  }

  #eta(status: JobStatus, left: number, done: number): number | null {
    if (status === "complete") return 0;
    if (status !== "in_progress" || this.#firstChunk === undefined) return null;
    const since = done - this.#firstChunk.done;
    const elapsedMs = this.#deps.clock.now() - this.#firstChunk.atMs;
    return since === 0 ? null : Math.ceil((elapsedMs / since / 1_000) * left);
  }

  /** Jobs that a former process began and did not end go on; they are part of this start. */
  async #adoptFormer(): Promise<void> {
    for (const job of await this.#deps.jobs.recentJobs(FORMER_JOBS))
      if (job.finishedAt === undefined && readWrittenRequest(job.request).reason === "startup")
        if ((this.#jobs.get(job.id)?.version ?? -1) < job.version) this.#jobs.set(job.id, job);
  }

  async #submit(symbols: readonly SymbolRef[], signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const today = Math.floor(nowMs / MS_PER_DAY);
    const submitted = await this.#deps.service.submit(
      {
        symbols,
        range: { lo: (today - this.#options.days + 1) * MINUTES_PER_DAY, hi: minuteOfMs(nowMs) },
        order: "recent",
        priority: STARTUP_PRIORITY,
        force: false,
        reason: "startup",
      },
      signal,
    );
    this.#jobs.set(submitted.job.id, submitted.job);
  }
}
