import type { JobStatus } from "../../db/mod.ts";
import {
  backoffMs,
  type Clock,
  failureOf,
  isEndedState,
  type MinuteRange,
  minuteOfMs,
  pause,
  symbolName,
} from "../core/mod.ts";
import type { JobStore } from "./job-store.ts";
import type { SymbolRef } from "./request.ts";
import { type BackfillService, SymbolRefused } from "./service.ts";
import { JobTooLarge } from "./store/errors.ts";
import type { JobProgress, Settled } from "./store/types.ts";
import { readWrittenRequest } from "./written-request.ts";

/** Finished jobs looked through for unfinished start-up jobs of a former process. */
const FORMER_JOBS = 50;
/** Priority of the start-up jobs: before what somebody asked for, after repairs. */
const STARTUP_PRIORITY = 5;

export interface StartupOptions {
  readonly symbols: readonly SymbolRef[];
  /** What is to be there up to a minute: the running session and those before it, newest first. A job each. */
  readonly ranges: (nowMinute: number) => readonly MinuteRange[];
  readonly enabled: boolean;
  /** Seconds from the start until it ends in error, whatever it has reached. Default: it takes as long as it takes. */
  readonly timeoutSeconds?: number | undefined;
}

export interface StartupDeps {
  readonly jobs: Pick<JobStore, "recentJobs">;
  readonly service: Pick<BackfillService, "submit" | "control">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly warn: (message: string) => void;
  /** What should be there before trades are fetched; waits a few seconds at most and never rejects. */
  readonly prepare?: (
    symbols: readonly SymbolRef[],
    range: MinuteRange,
    signal: AbortSignal,
  ) => Promise<void>;
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
 * The backfill that every start begins with: the running session and those before it. It runs beside everything else; a failure
 * leaves the process serving. Its state is read from memory, at any moment.
 */
export class StartupBackfill {
  readonly #options: StartupOptions;
  readonly #deps: StartupDeps;
  readonly #jobs = new Map<string, JobProgress>();
  readonly #errors = new Map<string, string>();
  #phase: "idle" | "planning" | "planned" = "idle";
  #trouble: string | null = null;
  /** Why there will be no plan. */
  #expired: string | null = null;
  #stopped = false;
  #firstChunk: { readonly atMs: number; readonly done: number } | undefined;

  constructor(options: StartupOptions, deps: StartupDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Plans the work, trying again until the venue answers, the time is up, or `signal` ends it. The signal is the process's own:
   * what is not done when it aborts is left to the next start.
   */
  async begin(signal: AbortSignal): Promise<void> {
    const { enabled, timeoutSeconds } = this.#options;
    if (!enabled) return;
    this.#phase = "planning";
    const stop = () => this.#stop();
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    if (timeoutSeconds === undefined) {
      await this.#plan(signal, undefined);
      return;
    }
    const { clock } = this.#deps;
    const until = clock.now() + timeoutSeconds * 1_000;
    const expiry = new AbortController();
    const cancel = clock.after(timeoutSeconds * 1_000, () => expiry.abort());
    const planned = await this.#plan(AbortSignal.any([signal, expiry.signal]), until);
    cancel();
    if (planned || signal.aborted) return;
    this.#expired = `the start-up backfill could not be planned within ${timeoutSeconds} s: ${this.#trouble ?? "the venue did not answer"}`;
    this.#deps.warn(this.#expired);
    this.#trouble = null;
    this.#phase = "planned";
  }

  /** False when `signal` was quicker. Never rejects. */
  async #plan(signal: AbortSignal, until: number | undefined): Promise<boolean> {
    let symbols = [...this.#options.symbols];
    for (let attempt = 1; symbols.length > 0; attempt++) {
      try {
        await this.#adoptFormer(until);
        for (const range of this.#options.ranges(minuteOfMs(this.#deps.clock.nowMs()))) {
          if (attempt === 1) await this.#deps.prepare?.(symbols, range, signal);
          await this.#submit(symbols, range, signal, until);
        }
        break;
      } catch (thrown) {
        if (signal.aborted) return false;
        const failure = failureOf(thrown);
        if (thrown instanceof SymbolRefused && thrown.failure.kind === "permanent") {
          this.#errors.set(thrown.symbol, thrown.message);
          this.#deps.warn(`start-up backfill leaves out ${thrown.symbol}: ${thrown.message}`);
          symbols = symbols.filter((ref) => symbolName(ref) !== thrown.symbol);
          continue;
        }
        this.#trouble = failure.message;
        const waitMs = backoffMs(attempt, this.#deps.random, failure.retryAfterMs);
        this.#deps.warn(
          `start-up backfill could not be planned, trying again in ${waitMs} ms: ${failure.message}`,
        );
        await pause(this.#deps.clock, waitMs, signal);
        if (signal.aborted) return false;
      }
    }
    this.#trouble = null;
    this.#phase = "planned";
    return true;
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
      error: this.#error(),
    };
  }

  /** What ended a job comes before what is in the way or left out. */
  #error(): string | null {
    const jobs = [...this.#jobs.values()];
    return (
      jobs.find((job) => job.status === "error")?.error ??
      this.#expired ??
      this.#trouble ??
      [...this.#errors.values()][0] ??
      jobs.find((job) => job.error !== undefined)?.error ??
      null
    );
  }

  #stop(): void {
    const { status, chunksDone, chunksTotal, percentage } = this.status();
    if (isEndedState(status)) return;
    this.#stopped = true;
    this.#deps.warn(
      `start-up backfill cancelled by the shutdown at ${percentage.toFixed(1)} %, ${chunksDone} of ${chunksTotal} chunks; the next start goes on`,
    );
  }

  #status(): JobStatus {
    if (!this.#options.enabled) return "disabled";
    if (this.#phase === "idle") return "idle";
    if (this.#stopped) return "cancelled";
    const jobs = [...this.#jobs.values()];
    const running = jobs.filter((job) => job.finishedAt === undefined);
    if (running.some((job) => job.status === "in_progress")) return "in_progress";
    if (this.#phase === "planning") return "pending";
    if (running.length > 0) return running.every((job) => job.status === "paused") ? "paused" : "pending";
    if (this.#expired !== null) return "error";
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

  /** Jobs that a former process began and did not end go on, with the time that this start gives; they are part of it. */
  async #adoptFormer(until: number | undefined): Promise<void> {
    for (const job of await this.#deps.jobs.recentJobs(FORMER_JOBS)) {
      if (job.finishedAt !== undefined || readWrittenRequest(job.request).reason !== "startup") continue;
      const known = this.#jobs.get(job.id);
      if ((known?.version ?? -1) < job.version) this.#jobs.set(job.id, job);
      if (known !== undefined || (until === undefined && job.deadlineAt === undefined)) continue;
      const deadlineSeconds = until === undefined ? null : this.#secondsLeft(until);
      const renewed = await this.#deps.service.control(job.id, { kind: "adjust", deadlineSeconds });
      if (renewed.kind === "moved") this.observe(renewed);
    }
  }

  /** Whole seconds, at least one: a job whose time is up would not say what it has reached. */
  #secondsLeft(until: number): number {
    return Math.max(1, Math.ceil((until - this.#deps.clock.now()) / 1_000));
  }

  /** One job for all symbols, or several where one would be too large. */
  async #submit(
    symbols: readonly SymbolRef[],
    range: MinuteRange,
    signal: AbortSignal,
    until: number | undefined,
  ): Promise<void> {
    try {
      const { job } = await this.#deps.service.submit(
        {
          symbols,
          range,
          order: "certify",
          priority: STARTUP_PRIORITY,
          force: false,
          reason: "startup",
          ...(until === undefined ? {} : { deadlineSeconds: this.#secondsLeft(until) }),
        },
        signal,
      );
      this.#jobs.set(job.id, job);
    } catch (thrown) {
      if (!(thrown instanceof JobTooLarge) || symbols.length === 1) throw thrown;
      const half = Math.ceil(symbols.length / 2);
      await this.#submit(symbols.slice(0, half), range, signal, until);
      await this.#submit(symbols.slice(half), range, signal, until);
    }
  }
}
