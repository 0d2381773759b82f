import type { JobIntent } from "../../db/mod.ts";
import type { MinuteRange } from "../core/mod.ts";
import { readCalledOffRanges } from "./store/called-off.ts";
import { readCandleCoverage } from "./store/candles.ts";
import { claim, heartbeat, reapExpired } from "./store/claims.ts";
import type { ControlOutcome, JobCommand } from "./store/command.ts";
import { controlJob, expireDeadlines } from "./store/control.ts";
import { quarantineSegment, readCoverage, readSegments } from "./store/coverage.ts";
import { type ChannelState, type JobEvent, readChannelState, readEvents } from "./store/events.ts";
import { readChunk, readJob, readOpenRanges, readPendingWork, readRecentJobs } from "./store/job-reads.ts";
import { type CreateOutcome, createJob } from "./store/jobs.ts";
import {
  commitChunk,
  commitLive,
  failChunk,
  type RetryLater,
  release,
  retryLater,
} from "./store/outcomes.ts";
import { type JobReport, readJobDetails, readJobReport, readRecentParts } from "./store/part-reads.ts";
import { readListedFiles, readUnfinishedJobs, releaseAll } from "./store/recovery.ts";
import { ensureSeries, findSeries, growScales, listSeries } from "./store/series.ts";
import type { Access } from "./store/transaction.ts";
import type {
  CandleSpan,
  ChunkLease,
  ChunkResult,
  ChunkRow,
  ClaimedChunk,
  ClaimOptions,
  CommitOutcome,
  CoveredRange,
  FailOutcome,
  GivenBackOutcome,
  JobDetail,
  JobProgress,
  NewJob,
  NewSegment,
  PartSummary,
  PendingWork,
  ReapReport,
  SegmentListing,
  SeriesRow,
  SeriesSpec,
  Settled,
} from "./store/types.ts";

/**
 * The durable half of backfill: who works on what, and which minutes are whose. Each method is one
 * transaction. Locks are taken in one order everywhere, so nothing waits in a circle: chunk, series, job,
 * channel `backfill`, channel of the job. (A claim locks the job first and then skips locked chunks; a commit that takes a chunk
 * along has its own chunk and skips locked ones as well; a command locks the job first and then only chunks that are not leased,
 * which nobody else can hold without the job.)
 *
 * Every write for a chunk proves the lease: `where id and lease_token and status = 'leased'`. A method that
 * answers `lost` has written nothing. The embedded database and Postgres run the same statements.
 */
export interface JobStore {
  /** The series of that name, made if new. An existing one keeps its bin; its scales only grow. */
  ensureSeries(spec: SeriesSpec): Promise<SeriesRow>;
  /** Raises scales to at least the given ones; tick, lot and bin units are rescaled with them. */
  growScales(seriesId: number, priceScale: number, sizeScale: number): Promise<SeriesRow>;
  listSeries(): Promise<SeriesRow[]>;
  findSeries(name: Pick<SeriesSpec, "venue" | "market" | "symbol">): Promise<SeriesRow | undefined>;

  /** Writes a job with its chunks and first event, or answers the job that has this request key already. */
  createJob(job: NewJob): Promise<CreateOutcome>;
  /** The best chunk that may run now: job by priority and age, then the lowest rank. */
  claim(options: ClaimOptions): Promise<ClaimedChunk | undefined>;
  /** Extends a lease and answers the job's intent; undefined: the lease is lost, abort at once. */
  heartbeat(lease: ChunkLease, leaseMs: number): Promise<{ readonly intent: JobIntent } | undefined>;
  /**
   * Ends a chunk with its segments. An older owner of these minutes keeps only its other minutes. With `next` the commit may also
   * claim the best chunk of the same job, where a claim would choose that job; it spares a round trip, and whoever gets none
   * asks `claim`.
   */
  commit(lease: ChunkLease, result: ChunkResult, next?: ClaimOptions): Promise<CommitOutcome>;
  /** Back to pending, not before `delayMs` from now; the attempt is spent, unless `keepsAttempt`. */
  retryLater(lease: ChunkLease, why: RetryLater): Promise<GivenBackOutcome>;
  /** The chunk has failed for good. */
  fail(lease: ChunkLease, why: { readonly error: string }): Promise<FailOutcome>;
  /** Back to pending, the attempt is not spent. */
  release(lease: ChunkLease): Promise<GivenBackOutcome>;
  /** Ends leases that were not extended in time. Chunks at `attemptsMax` (default 5) attempts fail. */
  reapExpired(attemptsMax?: number): Promise<ReapReport>;
  /** Takes back every lease of a crashed embedded process at once; see {@link releaseAll}. */
  releaseAll(): Promise<Settled[]>;
  /** Pauses, resumes, cancels, retries or adjusts a job; one transition at most. */
  control(jobId: string, command: JobCommand): Promise<ControlOutcome>;
  /** Ends in error the jobs whose deadline has passed. */
  expireDeadlines(): Promise<Settled[]>;

  /** Writes a segment for minutes that nobody owns; throws `CoverageConflict` when somebody does. */
  commitLive(seriesId: number, segment: NewSegment): Promise<number>;
  /** Takes a damaged segment out of the listing; answers the minutes that became uncovered. */
  quarantineSegment(
    segmentId: number,
    reason: string,
  ): Promise<{ readonly seriesId: number; readonly ranges: readonly MinuteRange[] } | undefined>;

  /** Owned minutes of `range`: sorted, disjoint, cut to `range`. */
  coverage(seriesId: number, range: MinuteRange): Promise<CoveredRange[]>;
  /** Segments that own minutes of `range`, each with those minutes (cut to `range`), by the first of them. */
  segments(seriesId: number, range: MinuteRange): Promise<SegmentListing[]>;
  job(id: string): Promise<JobProgress | undefined>;
  recentJobs(limit: number): Promise<JobProgress[]>;
  /** Jobs that have not ended, oldest first. */
  unfinishedJobs(): Promise<JobProgress[]>;
  /** Paths of every file that a committed segment lists, and of those that ended within `endedWithinMs` (default 0). */
  listedFiles(endedWithinMs?: number): Promise<string[]>;
  /** How the symbols (and timeframes) of a job fare, in the order of its request. */
  jobDetails(id: string): Promise<JobDetail[]>;
  /** A job with its details, of one moment; cheap when it has not changed since `former` was read. */
  jobReport(id: string, former?: JobReport): Promise<JobReport | undefined>;
  /** The same of the newest jobs, in short, by id; a job without parts is absent. */
  recentParts(limit: number): Promise<ReadonlyMap<string, PartSummary>>;
  /** Opening minutes of `range` whose candles are known and final, by series, timeframe and time: disjoint. */
  candleCoverage(
    seriesIds: readonly number[],
    timeframes: readonly string[],
    range: MinuteRange,
  ): Promise<CandleSpan[]>;
  pendingWork(): Promise<PendingWork>;
  /** Minutes of `range` that trade jobs under way have planned and not fetched yet: sorted, disjoint. */
  openRanges(seriesId: number, range: MinuteRange): Promise<MinuteRange[]>;
  /** Minutes of `range` that were called off and are missing on purpose: sorted, disjoint. */
  calledOffRanges(seriesId: number, range: MinuteRange): Promise<MinuteRange[]>;
  /** A chunk as it stands, to learn after a lost acknowledgement whether a commit went through. */
  readChunk(id: number): Promise<ChunkRow | undefined>;
  /** Events of a channel after `sinceOffset`, oldest first. */
  events(channel: string, sinceOffset: number, limit: number): Promise<JobEvent[]>;
  channelState(channel: string): Promise<ChannelState | undefined>;
}

/** The job store over an open database, which the caller keeps open and closes. */
export function createJobStore(database: Access): JobStore {
  return {
    ensureSeries: (spec) => ensureSeries(database, spec),
    growScales: (id, priceScale, sizeScale) => growScales(database, id, priceScale, sizeScale),
    listSeries: () => listSeries(database),
    findSeries: (name) => findSeries(database, name),
    createJob: (job) => createJob(database, job),
    claim: (options) => claim(database, options),
    heartbeat: (lease, leaseMs) => heartbeat(database, lease, leaseMs),
    commit: (lease, result, next) => commitChunk(database, lease, result, next),
    retryLater: (lease, why) => retryLater(database, lease, why),
    fail: (lease, why) => failChunk(database, lease, why),
    release: (lease) => release(database, lease),
    reapExpired: (attemptsMax) => reapExpired(database, attemptsMax),
    releaseAll: () => releaseAll(database),
    control: (id, command) => controlJob(database, id, command),
    expireDeadlines: () => expireDeadlines(database),
    commitLive: (seriesId, segment) => commitLive(database, seriesId, segment),
    quarantineSegment: (id, reason) => quarantineSegment(database, id, reason),
    coverage: (seriesId, range) => readCoverage(database, seriesId, range),
    segments: (seriesId, range) => readSegments(database, seriesId, range),
    job: (id) => readJob(database, id),
    recentJobs: (limit) => readRecentJobs(database, limit),
    unfinishedJobs: () => readUnfinishedJobs(database),
    listedFiles: (endedWithinMs) => readListedFiles(database, endedWithinMs),
    jobDetails: (id) => readJobDetails(database, id),
    jobReport: (id, former) => readJobReport(database, id, former),
    recentParts: (limit) => readRecentParts(database, limit),
    candleCoverage: (seriesIds, timeframes, range) =>
      readCandleCoverage(database, seriesIds, timeframes, range),
    pendingWork: () => readPendingWork(database),
    openRanges: (seriesId, range) => readOpenRanges(database, seriesId, range),
    calledOffRanges: (seriesId, range) => readCalledOffRanges(database, seriesId, range),
    readChunk: (id) => readChunk(database, id),
    events: (channel, sinceOffset, limit) => readEvents(database, channel, sinceOffset, limit),
    channelState: (channel) => readChannelState(database, channel),
  };
}
