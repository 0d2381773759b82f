import * as v from "valibot";
import { formatTime } from "../core/mod.ts";
import { donePercentage, JobStatus } from "./job-status.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Percentage = v.pipe(v.number(), v.minValue(0), v.maxValue(100));

/** How far one symbol of a job is; in a candle job, one symbol and timeframe. */
export const JobDetail = v.object({
  symbol: v.string(),
  /** Null for a trade job. */
  timeframe: v.nullable(v.string()),
  status: JobStatus,
  progress_pct: Percentage,
  records_fetched: Count,
  records_inserted: Count,
  /** Candles that stood there with other values, and with the same; 0 for a trade job. */
  records_updated: Count,
  records_unchanged: Count,
  error: v.nullable(v.string()),
});
export type JobDetail = v.InferOutput<typeof JobDetail>;

/** What every answer says of a job. Times are RFC 3339. */
const JobFields = {
  job_id: v.string(),
  status: JobStatus,
  /** Grows with every change of the job; what `since` of a waiting request names. */
  version: Count,
  /** Share of the chunks that have ended, failed ones included. */
  progress_pct: Percentage,
  chunks_total: Count,
  chunks_done: Count,
  chunks_failed: Count,
  /** Called off by a cancel or a deadline; a retry brings them back. */
  chunks_cancelled: Count,
  symbols_completed: Count,
  symbols_total: Count,
  current_symbol: v.nullable(v.string()),
  current_timeframe: v.nullable(v.string()),
  total_records_fetched: Count,
  total_records_inserted: Count,
  total_records_updated: Count,
  total_records_unchanged: Count,
  priority: v.number(),
  /** Chunks of it that may run at the same time. */
  max_parallel: Count,
  /** The minutes asked for, half-open. */
  date_range: v.object({ start: v.string(), end: v.string() }),
  created_at: v.string(),
  started_at: v.nullable(v.string()),
  completed_at: v.nullable(v.string()),
  /** When it ends in error, whatever it has reached; null when it takes as long as it takes. */
  deadline_at: v.nullable(v.string()),
  eta_seconds: v.nullable(v.number()),
  error: v.nullable(v.string()),
};

/** A job as `/api/v1/backfill/status/{job_id}` answers it. */
export const JobAnswer = v.object({ ...JobFields, details: v.array(JobDetail) });
export type JobAnswer = v.InferOutput<typeof JobAnswer>;

/** A job in a list: 20 jobs of 100 symbols and 8 timeframes would have 16,000 details, so those are asked for job by job. */
export const JobSummary = v.object({
  ...JobFields,
  symbols: v.array(v.string()),
  /** Empty for a trade job. */
  timeframes: v.array(v.string()),
});
export type JobSummary = v.InferOutput<typeof JobSummary>;

/** `/api/v1/backfill/recent`: newest first. */
export const RecentJobs = v.object({ jobs: v.array(JobSummary), timestamp: v.string() });
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

/** Between two transitions, on `backfill:{job_id}` alone: absolute values, so that only the latest matters. */
export const JobProgress = v.object({
  job_id: v.string(),
  status: JobStatus,
  progress_pct: Percentage,
  chunks_total: Count,
  chunks_done: Count,
  chunks_failed: Count,
  total_records_fetched: Count,
  total_records_inserted: Count,
});
export type JobProgress = v.InferOutput<typeof JobProgress>;

/** How far a job is, or one symbol of it. */
interface WorkFacts {
  readonly status: JobStatus;
  readonly chunksTotal: number;
  /** Chunks that have ended well. */
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly recordsFetched: number;
  readonly recordsInserted: number;
  readonly recordsUpdated: number;
  readonly recordsUnchanged: number;
  readonly error: string | null;
}

/** What a server knows of one symbol of a job. */
export interface SymbolFacts extends WorkFacts {
  readonly symbol: string;
  /** Null for a trade job. */
  readonly timeframe: string | null;
}

/** What a server knows of a job without its details; times are milliseconds since the epoch. */
export interface JobSummaryFacts extends WorkFacts {
  readonly jobId: string;
  /** Grows with every change of the job. */
  readonly version: number;
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
  readonly etaSeconds: number | null;
  readonly deadlineAtMs: number | null;
  readonly priority: number;
  readonly maxParallel: number;
  readonly chunksCancelled: number;
  /** Each once, in the order of the request. */
  readonly symbolNames: readonly string[];
  /** Empty for a trade job. */
  readonly timeframes: readonly string[];
  /** Symbols that are complete in all of their timeframes. */
  readonly symbolsCompleted: number;
  /** The first symbol, and timeframe, that is in progress. */
  readonly current: { readonly symbol: string; readonly timeframe: string | null } | null;
}

/** The same with its details, from which the summary follows. */
export interface JobFacts
  extends Omit<JobSummaryFacts, "symbolNames" | "timeframes" | "symbolsCompleted" | "current"> {
  readonly symbols: readonly SymbolFacts[];
}

/** What a list says of a job whose details are at hand. */
export function summaryOf({ symbols, ...job }: JobFacts): JobSummaryFacts {
  const names = new Set(symbols.map((of) => of.symbol));
  const open = symbols.filter((of) => of.status !== "complete");
  return {
    ...job,
    symbolNames: [...names],
    timeframes: [...new Set(symbols.map((of) => of.timeframe))].filter((of) => of !== null),
    symbolsCompleted: names.size - new Set(open.map((of) => of.symbol)).size,
    current: open.find((of) => of.status === "in_progress") ?? null,
  };
}

/**
 * A job as it crosses the wire. The current symbol and timeframe are the first that are in progress; a symbol is completed when all
 * of its timeframes are.
 */
export function jobToWire(job: JobFacts): JobAnswer {
  return {
    ...fieldsToWire(summaryOf(job)),
    details: job.symbols.map((of) => ({
      symbol: of.symbol,
      timeframe: of.timeframe,
      status: of.status,
      progress_pct: progress(of),
      records_fetched: of.recordsFetched,
      records_inserted: of.recordsInserted,
      records_updated: of.recordsUpdated,
      records_unchanged: of.recordsUnchanged,
      error: of.error,
    })),
  };
}

/** A job of a list as it crosses the wire. */
export function jobSummaryToWire(job: JobSummaryFacts): JobSummary {
  return { ...fieldsToWire(job), symbols: [...job.symbolNames], timeframes: [...job.timeframes] };
}

function fieldsToWire(job: JobSummaryFacts): Omit<JobAnswer, "details"> {
  return {
    job_id: job.jobId,
    status: job.status,
    version: job.version,
    progress_pct: progress(job),
    chunks_total: job.chunksTotal,
    chunks_done: job.chunksDone,
    chunks_failed: job.chunksFailed,
    chunks_cancelled: job.chunksCancelled,
    symbols_completed: job.symbolsCompleted,
    symbols_total: job.symbolNames.length,
    current_symbol: job.current?.symbol ?? null,
    current_timeframe: job.current?.timeframe ?? null,
    total_records_fetched: job.recordsFetched,
    total_records_inserted: job.recordsInserted,
    total_records_updated: job.recordsUpdated,
    total_records_unchanged: job.recordsUnchanged,
    priority: job.priority,
    max_parallel: job.maxParallel,
    date_range: { start: formatTime(job.startMs), end: formatTime(job.endMs) },
    created_at: formatTime(job.createdAtMs),
    started_at: job.startedAtMs === null ? null : formatTime(job.startedAtMs),
    completed_at: job.completedAtMs === null ? null : formatTime(job.completedAtMs),
    deadline_at: job.deadlineAtMs === null ? null : formatTime(job.deadlineAtMs),
    eta_seconds: job.etaSeconds,
    error: job.error,
  };
}

/** A job without chunks had nothing to fetch: it is at 100 once it is complete. */
function progress(of: WorkFacts): number {
  if (of.chunksTotal === 0) return of.status === "complete" ? 100 : 0;
  return donePercentage(of.chunksDone + of.chunksFailed, of.chunksTotal);
}

/** What a job fetches: `candles` when its details name timeframes, else `trades`. */
export function recordsOf(job: Pick<JobAnswer, "details">): "candles" | "trades" {
  return job.details.some(({ timeframe }) => timeframe !== null) ? "candles" : "trades";
}
