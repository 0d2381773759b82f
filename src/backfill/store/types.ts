import type {
  ChunkSource,
  ChunkStatus,
  Dataset,
  JobIntent,
  JobStatus,
  SegmentFile,
  SegmentKind,
} from "../../../db/mod.ts";
import type { MinuteRange } from "../../core/mod.ts";
import type { HistoryCandle } from "../../venues/mod.ts";
import type { JobEvent } from "./events.ts";

/** Jobs of one list at most. */
export const RECENT_MAX = 1_000;

/** Names of a series and its integer steps, in units of 10^-scale. */
export interface SeriesSpec {
  readonly venue: string;
  readonly market: string;
  readonly symbol: string;
  readonly priceScale: number;
  readonly sizeScale: number;
  readonly tickUnits: number;
  readonly lotUnits: number;
  readonly binUnits: number;
}

export interface SeriesRow extends SeriesSpec {
  readonly id: number;
}

export interface NewChunk {
  readonly seriesId: number;
  readonly range: MinuteRange;
  readonly source: ChunkSource;
  /** Download order inside the job, lowest first. */
  readonly rank: number;
  /** Candle jobs only. */
  readonly timeframe?: string | undefined;
}

export interface NewJob {
  /** As it came over the wire; any JSON. */
  readonly request: unknown;
  /** Two jobs with the same key are one job. */
  readonly requestKey: string;
  readonly dataset: Dataset;
  /** A start-up job that will never run is written down as such; it has no chunks. */
  readonly status?: "pending" | "skipped" | "disabled" | undefined;
  /** Higher goes first. Default 0. */
  readonly priority?: number | undefined;
  /** Chunks of this job that may be leased at the same time. */
  readonly maxParallel: number;
  /** Seconds from now until the job ends in error, whatever it has reached. Default: it takes as long as it takes. */
  readonly deadlineSeconds?: number | undefined;
  readonly chunks: readonly NewChunk[];
  /**
   * Its symbols (and timeframes) in the order of the request, each once. Those without a series wait to be planned in the background, and
   * the job does not end before. Default: what the chunks name.
   */
  readonly parts?: readonly NewPart[] | undefined;
}

export interface NewPart {
  readonly venue: string;
  readonly symbol: string;
  /** Candle jobs only. */
  readonly timeframe?: string | undefined;
  readonly seriesId?: number | undefined;
}

/** A job with its counters; reading one costs the same however many chunks it has. */
export interface JobProgress {
  readonly id: string;
  readonly request: unknown;
  readonly dataset: Dataset;
  readonly status: JobStatus;
  readonly intent: JobIntent;
  readonly priority: number;
  readonly maxParallel: number;
  readonly chunksTotal: number;
  readonly chunksDone: number;
  readonly chunksFailed: number;
  /** Called off by a cancel or a deadline; a retry brings them back. */
  readonly chunksCancelled: number;
  readonly leased: number;
  readonly recordsFetched: number;
  readonly recordsInserted: number;
  /** Candles that stood there with other values, and with the same. */
  readonly recordsUpdated: number;
  readonly recordsUnchanged: number;
  /** True while symbols of it wait to be looked up: chunks will be added. */
  readonly planning: boolean;
  /** Share of the chunks that have ended, 0–100 with one decimal, rounded down. */
  readonly progressPct: number;
  /** The newest final failure of a chunk, or what a deadline found. */
  readonly error: string | undefined;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly deadlineAt: Date | undefined;
  /** Grows with every change of the job. */
  readonly version: number;
}

/** One symbol of a job (and one timeframe, for candle jobs). */
export interface JobDetail {
  /** Undefined while it waits to be looked up, or was refused. */
  readonly seriesId: number | undefined;
  readonly venue: string;
  readonly symbol: string;
  readonly timeframe: string | undefined;
  readonly status: JobStatus;
  readonly chunksTotal: number;
  readonly chunksDone: number;
  readonly chunksFailed: number;
  readonly leased: number;
  /** Fetched. */
  readonly records: number;
  readonly recordsInserted: number;
  readonly recordsUpdated: number;
  readonly recordsUnchanged: number;
  readonly error: string | undefined;
}

/** What a list shows of a job's parts. */
export interface PartSummary {
  /** Symbols that are complete in all of their timeframes. */
  readonly symbolsCompleted: number;
  /** The first that a worker is at. */
  readonly current: NewPart | undefined;
}

/** Proof of the right to write for a chunk. A later claim has a higher token and makes this one void. */
export interface ChunkLease {
  readonly chunkId: number;
  readonly token: number;
}

export interface ClaimOptions {
  /** Names the worker, for people. */
  readonly owner: string;
  readonly leaseMs: number;
}

export interface ClaimedChunk {
  readonly lease: ChunkLease;
  readonly job: JobProgress;
  readonly series: SeriesRow;
  readonly range: MinuteRange;
  readonly source: ChunkSource;
  readonly timeframe: string | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly checkpoint: unknown;
  readonly events: readonly JobEvent[];
}

export interface ChunkRow {
  readonly id: number;
  readonly jobId: string;
  readonly no: number;
  readonly seriesId: number;
  readonly range: MinuteRange;
  readonly status: ChunkStatus;
  readonly attempt: number;
  readonly leaseToken: number;
  readonly leaseUntil: Date | undefined;
  readonly runAfter: Date;
  readonly records: number;
  readonly error: string | undefined;
  /** Segments that commits of this chunk wrote. */
  readonly segmentIds: readonly number[];
}

/** A finished piece of tape. Its files are whole and on disk before it is handed over. */
export interface NewSegment {
  readonly kind: SegmentKind;
  readonly range: MinuteRange;
  /** The minutes it owns from now on; disjoint, inside `range`. Default: all of `range`. */
  readonly covered?: readonly MinuteRange[] | undefined;
  /** Empty when the minutes had no trades. */
  readonly files: readonly SegmentFile[];
  readonly rows: number;
  readonly firstId?: string | undefined;
  readonly lastId?: string | undefined;
  readonly firstTimeUs?: number | undefined;
  readonly lastTimeUs?: number | undefined;
  /** Fingerprint of its exact sums. */
  readonly digest: string;
  /** Where it came from, for people: `binance rest`, `binance ws`. */
  readonly origin: string;
}

/** The candles of one commit: of one series and timeframe, each opening time once. */
export interface CandleBatch {
  readonly candles: readonly HistoryCandle[];
  /** Opening times (minutes) whose candles had all closed when they were fetched: they need not be fetched again. */
  readonly closed: readonly MinuteRange[];
}

/** Opening minutes of a series and timeframe whose candles are known and final. */
export interface CandleSpan extends MinuteRange {
  readonly seriesId: number;
  readonly timeframe: string;
}

/** What became of the candles of a batch; the three add up to their number. */
export interface CandleCounts {
  readonly inserted: number;
  /** Stood there with other values. */
  readonly updated: number;
  readonly unchanged: number;
}

export interface ChunkResult {
  /** Inside the chunk's minutes, disjoint. None for candle chunks. */
  readonly segments?: readonly NewSegment[] | undefined;
  /** What a candle chunk fetched; its `recordsInserted` are counted while they are written. */
  readonly candles?: CandleBatch | undefined;
  readonly recordsFetched: number;
  /** Default: `recordsFetched`. */
  readonly recordsInserted?: number | undefined;
}

export interface Settled {
  readonly job: JobProgress;
  readonly events: readonly JobEvent[];
}

/** A symbol by name, looked up or not. */
export interface SymbolRef {
  readonly venue: string;
  readonly symbol: string;
}

/** `lost`: another worker owns the chunk by now, or its lease was taken back. Nothing was written. */
export type Fenced<T> = T | { readonly kind: "lost" };
export type CommitOutcome = Fenced<Committed>;
export interface Committed extends Settled {
  readonly kind: "committed";
  readonly segmentIds: readonly number[];
  /** The chunk that was claimed along with it, if one was asked for; `job` counts it. */
  readonly next?: ClaimedChunk | undefined;
}
export type GivenBackOutcome = Fenced<{ readonly kind: "given_back" } & Settled>;
export type FailOutcome = Fenced<{ readonly kind: "failed" } & Settled>;

export interface CoveredRange extends MinuteRange {
  readonly segmentId: number;
}

/** A committed segment and the minutes of the asked range that it owns. */
export interface SegmentListing {
  readonly id: number;
  readonly seriesId: number;
  readonly kind: SegmentKind;
  readonly files: readonly SegmentFile[];
  readonly covered: readonly MinuteRange[];
  readonly rows: number;
  readonly firstId: string | undefined;
  readonly lastId: string | undefined;
  readonly firstTimeUs: number | undefined;
  readonly lastTimeUs: number | undefined;
  readonly digest: string;
  readonly origin: string;
}

/** What is left to do over all jobs that may run. */
export interface PendingWork {
  readonly jobs: number;
  /** Chunks that have not ended, the leased ones among them. */
  readonly chunks: number;
  readonly leased: number;
  /** Milliseconds until the next chunk may be claimed or the next lease ends: 0 for now, undefined for nothing. */
  readonly nextDueMs: number | undefined;
}

export interface ReapReport {
  readonly requeued: number;
  readonly failed: number;
  readonly jobs: readonly JobProgress[];
  readonly events: readonly JobEvent[];
}
