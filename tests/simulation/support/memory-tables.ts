import type {
  ChunkSource,
  ChunkStatus,
  Dataset,
  JobIntent,
  JobStatus,
  SegmentState,
} from "../../../db/mod.ts";
import type { CoveredRange, JobProgress, NewSegment, SeriesRow } from "../../../src/backfill/store/types.ts";
import { invariant, type MinuteRange } from "../../../src/core/mod.ts";

/** A row of `backfill_job`; times in milliseconds of the database's clock. */
export interface JobRow {
  readonly id: string;
  readonly request: unknown;
  readonly requestKey: string;
  readonly dataset: Dataset;
  readonly chunksTotal: number;
  readonly createdAt: number;
  status: JobStatus;
  intent: JobIntent;
  priority: number;
  maxParallel: number;
  chunksDone: number;
  chunksFailed: number;
  chunksCancelled: number;
  leased: number;
  recordsFetched: number;
  recordsInserted: number;
  error: string | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  deadlineAt: number | undefined;
  /** When a chunk of it was last claimed. */
  servedAt: number;
  version: number;
}

/** A row of `backfill_chunk`. */
export interface ChunkRecord {
  readonly id: number;
  readonly jobId: string;
  readonly no: number;
  readonly seriesId: number;
  readonly timeframe: string | undefined;
  readonly range: MinuteRange;
  readonly source: ChunkSource;
  readonly rank: number;
  status: ChunkStatus;
  attempt: number;
  leaseToken: number;
  leaseOwner: string | undefined;
  leaseUntil: number | undefined;
  runAfter: number;
  records: number;
  inserted: number;
  error: string | undefined;
}

/** A row of `segment`. */
export interface SegmentRow extends NewSegment {
  readonly id: number;
  readonly seriesId: number;
  readonly chunkId: number | undefined;
  state: SegmentState;
}

/** The tables of the job store in memory. Chunks of a job stand in the order in which they are claimed. */
export class MemoryTables {
  readonly series = new Map<number, SeriesRow>();
  readonly jobs = new Map<string, JobRow>();
  readonly chunks = new Map<number, ChunkRecord>();
  readonly chunksOfJob = new Map<string, ChunkRecord[]>();
  readonly segments = new Map<number, SegmentRow>();
  /** Sorted and disjoint, per series. */
  readonly coverage = new Map<number, CoveredRange[]>();
  /** Milliseconds of the database's clock. */
  readonly nowMs: () => number;
  #ids = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  job(id: string): JobRow {
    const row = this.jobs.get(id);
    invariant(row !== undefined, `job ${id} of a chunk does not exist`);
    return row;
  }

  chunksOf(jobId: string): readonly ChunkRecord[] {
    return this.chunksOfJob.get(jobId) ?? [];
  }

  seriesRow(id: number): SeriesRow {
    const row = this.series.get(id);
    invariant(row !== undefined, `series ${id} does not exist`);
    return row;
  }

  clear(): void {
    for (const table of [this.jobs, this.chunks, this.chunksOfJob, this.segments, this.coverage])
      table.clear();
  }
}

/** What the check constraint of the table says. */
export function assertCounters(row: JobRow): void {
  const { chunksDone, chunksFailed, chunksCancelled, leased, chunksTotal } = row;
  const least = Math.min(chunksDone, chunksFailed, chunksCancelled, leased);
  if (least < 0 || chunksDone + chunksFailed + chunksCancelled + leased > chunksTotal)
    throw new Error("backfill_job_counters_check");
}

export function progressOf(row: JobRow): JobProgress {
  const { requestKey: _, servedAt: __, createdAt, startedAt, finishedAt, deadlineAt, ...same } = row;
  const ended = row.chunksDone + row.chunksFailed;
  return {
    ...same,
    recordsUpdated: 0,
    recordsUnchanged: 0,
    planning: false,
    progressPct: row.chunksTotal === 0 ? 100 : Math.floor((1_000 * ended) / row.chunksTotal) / 10,
    createdAt: new Date(createdAt),
    startedAt: dateOf(startedAt),
    finishedAt: dateOf(finishedAt),
    deadlineAt: dateOf(deadlineAt),
  };
}

export function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}

/** An id of the form that the database makes, the same in every run. */
export function uuidNumber(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}
