import * as v from "valibot";
import { formatTime } from "../core/mod.ts";
import { donePercentage, JobStatus } from "./job-status.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Percentage = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

/** How far one symbol of a job is. */
export const JobDetail = v.object({
  symbol: v.string(),
  /** Null for a trade job. */
  timeframe: v.nullable(v.string()),
  status: JobStatus,
  progress_pct: Percentage,
  records_fetched: Count,
  records_inserted: Count,
  error: v.nullable(v.string()),
});
export type JobDetail = v.InferOutput<typeof JobDetail>;

/** A job as `/api/v1/backfill/status/{job_id}` answers it. Times are RFC 3339. */
export const JobAnswer = v.object({
  job_id: v.string(),
  status: JobStatus,
  /** Share of the chunks that have ended, failed ones included. */
  progress_pct: Percentage,
  chunks_total: Count,
  chunks_done: Count,
  chunks_failed: Count,
  symbols_completed: Count,
  symbols_total: Count,
  current_symbol: v.nullable(v.string()),
  current_timeframe: v.nullable(v.string()),
  total_records_fetched: Count,
  total_records_inserted: Count,
  /** The minutes asked for, half-open. */
  date_range: v.object({ start: v.string(), end: v.string() }),
  created_at: v.string(),
  started_at: v.nullable(v.string()),
  completed_at: v.nullable(v.string()),
  eta_seconds: v.nullable(v.number()),
  error: v.nullable(v.string()),
  details: v.array(JobDetail),
});
export type JobAnswer = v.InferOutput<typeof JobAnswer>;

/** `/api/v1/backfill/recent`: newest first. */
export const RecentJobs = v.object({ jobs: v.array(JobAnswer), timestamp: v.string() });
export type RecentJobs = v.InferOutput<typeof RecentJobs>;

/** One transition, as the channels `backfill` and `backfill:{job_id}` carry it; `from` and `to` are states. */
export const JobTransition = v.object({
  job_id: v.string(),
  symbol: v.nullish(v.string()),
  from: JobStatus,
  to: JobStatus,
  status: JobStatus,
  progress_pct: Percentage,
  at: v.string(),
  error: v.nullish(v.string()),
});
export type JobTransition = v.InferOutput<typeof JobTransition>;

/** What a server knows of one symbol of a job. */
export interface SymbolFacts {
  readonly symbol: string;
  readonly status: JobStatus;
  readonly chunksTotal: number;
  /** Chunks that have ended well. */
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly recordsFetched: number;
  readonly recordsInserted: number;
  readonly error: string | null;
}

/** What a server knows of a job; times are milliseconds since the epoch. */
export interface JobFacts {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly chunksTotal: number;
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly recordsFetched: number;
  readonly recordsInserted: number;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
  readonly etaSeconds: number | null;
  readonly error: string | null;
  readonly symbols: readonly SymbolFacts[];
}

/** A job as it crosses the wire. The current symbol is the first that is in progress. */
export function jobToWire(job: JobFacts): JobAnswer {
  return {
    job_id: job.jobId,
    status: job.status,
    progress_pct: progress(job),
    chunks_total: job.chunksTotal,
    chunks_done: job.chunksDone,
    chunks_failed: job.chunksFailed,
    symbols_completed: job.symbols.filter((of) => of.status === "complete").length,
    symbols_total: job.symbols.length,
    current_symbol: job.symbols.find((of) => of.status === "in_progress")?.symbol ?? null,
    current_timeframe: null,
    total_records_fetched: job.recordsFetched,
    total_records_inserted: job.recordsInserted,
    date_range: { start: formatTime(job.startMs), end: formatTime(job.endMs) },
    created_at: formatTime(job.createdAtMs),
    started_at: job.startedAtMs === null ? null : formatTime(job.startedAtMs),
    completed_at: job.completedAtMs === null ? null : formatTime(job.completedAtMs),
    eta_seconds: job.etaSeconds,
    error: job.error,
    details: job.symbols.map((of) => ({
      symbol: of.symbol,
      timeframe: null,
      status: of.status,
      progress_pct: progress(of),
      records_fetched: of.recordsFetched,
      records_inserted: of.recordsInserted,
      error: of.error,
    })),
  };
}

/** A job without chunks had nothing to fetch: it is at 100 once it is complete. */
function progress(of: Pick<SymbolFacts, "status" | "chunksTotal" | "chunksDone" | "chunksFailed">): number {
  if (of.chunksTotal === 0) return of.status === "complete" ? 100 : 0;
  return donePercentage(of.chunksDone + of.chunksFailed, of.chunksTotal);
}
