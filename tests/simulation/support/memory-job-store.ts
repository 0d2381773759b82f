import { ATTEMPTS_MAX } from "../../../src/backfill/store/claims.ts";
import type { ControlOutcome, JobCommand } from "../../../src/backfill/store/command.ts";
import type { JobEvent } from "../../../src/backfill/store/events.ts";
import type { RetryLater } from "../../../src/backfill/store/outcomes.ts";
import type {
  ChunkLease,
  ChunkResult,
  ClaimedChunk,
  ClaimOptions,
  CommitOutcome,
  FailOutcome,
  GivenBackOutcome,
  JobProgress,
  NewJob,
  NewSegment,
  ReapReport,
  SeriesSpec,
  Settled,
} from "../../../src/backfill/store/types.ts";
import { invariant, isEndedState, type MinuteRange } from "../../../src/core/mod.ts";
import type { EngineJobStore } from "../../backfill/store-subject.ts";
import { claimedChunk, leaseBest, leaseNext, runnableJobs } from "./memory-claims.ts";
import { controlJob, expireDeadlines } from "./memory-control.ts";
import {
  addCoverage,
  coveredMinutes,
  quarantine,
  readCoverage,
  readSegments,
  replaceCoverage,
} from "./memory-coverage.ts";
import { type Change, changeCounters, MemoryEvents } from "./memory-events.ts";
import { createJob } from "./memory-jobs.ts";
import {
  readCalledOffRanges,
  readChunk,
  readJobDetails,
  readOpenRanges,
  readPendingWork,
} from "./memory-reads.ts";
import { ensureSeries, findSeries, growScales, type SeriesName } from "./memory-series.ts";
import { type ChunkRecord, MemoryTables, progressOf } from "./memory-tables.ts";

/**
 * The job store in memory, with the meaning of the SQL: each method is one transaction, done the moment it is called and
 * answered by a promise. It passes the same contract as the databases.
 */
export class MemoryJobStore implements EngineJobStore {
  readonly tables: MemoryTables;
  readonly log: MemoryEvents;
  /** Whether another transaction holds the row of this job just now, so that a claim passes over it. */
  readonly #isLocked: () => boolean;

  /** `nowMs`: the database's clock, milliseconds since the epoch. */
  constructor(nowMs: () => number, isLocked: () => boolean = () => false) {
    this.tables = new MemoryTables(nowMs);
    this.log = new MemoryEvents(nowMs);
    this.#isLocked = isLocked;
  }

  ensureSeries = async (spec: SeriesSpec) => ensureSeries(this.tables, spec);
  growScales = async (id: number, priceScale: number, sizeScale: number) =>
    growScales(this.tables, id, priceScale, sizeScale);
  listSeries = async () => [...this.tables.series.values()];
  findSeries = async (name: SeriesName) => findSeries(this.tables, name);

  createJob = async (job: NewJob) => createJob(this.tables, this.log, job);

  async claim(options: ClaimOptions): Promise<ClaimedChunk | undefined> {
    const jobs = runnableJobs(this.tables);
    // A job whose row is locked is passed over, but for the best one when all of them are.
    const job = jobs.find(() => !this.#isLocked()) ?? jobs[0];
    if (job === undefined) return undefined;
    const chunk = leaseBest(this.tables, job, options);
    return claimedChunk(this.tables, chunk, this.#count(job.id, { leased: 1 }));
  }

  async heartbeat(lease: ChunkLease, leaseMs: number) {
    const chunk = this.held(lease);
    if (chunk === undefined) return undefined;
    chunk.leaseUntil = this.tables.nowMs() + leaseMs;
    return { intent: this.tables.job(chunk.jobId).intent };
  }

  async commit(lease: ChunkLease, result: ChunkResult, next?: ClaimOptions): Promise<CommitOutcome> {
    const chunk = this.held(lease);
    if (chunk === undefined) return { kind: "lost" };
    const segments = result.segments ?? [];
    coveredMinutes(segments);
    for (const { range } of segments)
      invariant(
        chunk.range.lo <= range.lo && range.hi <= chunk.range.hi,
        `segment [${range.lo}, ${range.hi}) does not lie inside its chunk`,
      );
    const successor = next && leaseNext(this.tables, chunk, segments, next);
    const settled = this.#count(chunk.jobId, {
      leased: successor === undefined ? -1 : 0,
      done: 1,
      fetched: result.recordsFetched,
      inserted: result.recordsInserted ?? result.recordsFetched,
    });
    const segmentIds = replaceCoverage(this.tables, chunk.seriesId, segments, chunk.id);
    this.#leave(chunk, "done", undefined);
    chunk.records = result.recordsFetched;
    chunk.inserted = result.recordsInserted ?? result.recordsFetched;
    const committed = { kind: "committed" as const, segmentIds, ...settled };
    return successor === undefined
      ? committed
      : { ...committed, next: claimedChunk(this.tables, successor, settled) };
  }

  async retryLater(
    lease: ChunkLease,
    { error, delayMs, keepsAttempt = false }: RetryLater,
  ): Promise<GivenBackOutcome> {
    const chunk = this.held(lease);
    if (chunk === undefined) return { kind: "lost" };
    const settled = this.#giveBack(chunk, error);
    chunk.attempt -= keepsAttempt ? 1 : 0;
    chunk.runAfter = this.tables.nowMs() + Math.max(0, delayMs);
    return { kind: "given_back", ...settled };
  }

  async release(lease: ChunkLease): Promise<GivenBackOutcome> {
    const chunk = this.held(lease);
    if (chunk === undefined) return { kind: "lost" };
    const settled = this.#giveBack(chunk, chunk.error);
    chunk.attempt -= 1;
    return { kind: "given_back", ...settled };
  }

  async fail(lease: ChunkLease, { error }: { readonly error: string }): Promise<FailOutcome> {
    const chunk = this.held(lease);
    if (chunk === undefined) return { kind: "lost" };
    const settled = this.#count(chunk.jobId, { leased: -1, failed: 1, error });
    this.#leave(chunk, "failed", error);
    return { kind: "failed", ...settled };
  }

  async reapExpired(attemptsMax = ATTEMPTS_MAX): Promise<ReapReport> {
    const now = this.tables.nowMs();
    const expired = [...this.tables.chunks.values()].filter(({ leaseUntil = now }) => leaseUntil < now);
    expired.sort((a, b) => a.leaseUntil! - b.leaseUntil!);
    const jobs: JobProgress[] = [];
    const events: JobEvent[] = [];
    let failed = 0;
    for (const [jobId, chunks] of Map.groupBy(expired, (chunk) => chunk.jobId)) {
      const errors = chunks.flatMap((chunk) => this.#reap(chunk, attemptsMax));
      failed += errors.length;
      const settled = this.#count(jobId, {
        leased: -chunks.length,
        failed: errors.length,
        back: chunks.length - errors.length,
        error: errors.at(-1),
      });
      this.#callOffIfEnded(chunks);
      jobs.push(settled.job);
      events.push(...settled.events);
    }
    return { requeued: expired.length - failed, failed, jobs, events };
  }

  #reap(chunk: ChunkRecord, attemptsMax: number): string[] {
    const error = `the lease of worker ${chunk.leaseOwner} ended without a sign of life, attempt ${chunk.attempt} of ${attemptsMax}`;
    const spent = chunk.attempt >= attemptsMax;
    this.#leave(chunk, spent ? "failed" : "pending", error);
    return spent ? [error] : [];
  }

  async releaseAll(): Promise<Settled[]> {
    const held = [...this.tables.chunks.values()].filter(({ status }) => status === "leased");
    return [...Map.groupBy(held, ({ jobId }) => jobId)].map(([jobId, chunks]) => {
      for (const chunk of chunks) {
        this.#leave(chunk, "pending", chunk.error);
        chunk.attempt = Math.max(0, chunk.attempt - 1);
      }
      const settled = this.#count(jobId, { leased: -chunks.length, back: chunks.length });
      this.#callOffIfEnded(chunks);
      return settled;
    });
  }

  async control(jobId: string, command: JobCommand): Promise<ControlOutcome> {
    return controlJob(this.tables, this.log, jobId, command);
  }

  async expireDeadlines(): Promise<Settled[]> {
    return expireDeadlines(this.tables, this.log);
  }

  async commitLive(seriesId: number, segment: NewSegment): Promise<number> {
    return addCoverage(this.tables, seriesId, segment);
  }

  async quarantineSegment(id: number, _reason: string) {
    return quarantine(this.tables, id);
  }

  coverage = async (seriesId: number, range: MinuteRange) => readCoverage(this.tables, seriesId, range);
  segments = async (seriesId: number, range: MinuteRange) => readSegments(this.tables, seriesId, range);
  jobDetails = async (id: string) => readJobDetails(this.tables, id);
  pendingWork = async () => readPendingWork(this.tables);
  calledOffRanges = async (seriesId: number, range: MinuteRange) =>
    readCalledOffRanges(this.tables, seriesId, range);
  openRanges = async (seriesId: number, range: MinuteRange) => readOpenRanges(this.tables, seriesId, range);
  readChunk = async (id: number) => readChunk(this.tables, id);
  events = async (channel: string, since: number, limit: number) => this.log.read(channel, since, limit);
  channelState = async (channel: string) => this.log.state(channel);

  async job(id: string): Promise<JobProgress | undefined> {
    const row = this.tables.jobs.get(id);
    return row === undefined ? undefined : progressOf(row);
  }

  async recentJobs(limit: number): Promise<JobProgress[]> {
    return [...this.tables.jobs.values()].reverse().slice(0, limit).map(progressOf);
  }

  async unfinishedJobs(): Promise<JobProgress[]> {
    return [...this.tables.jobs.values()].filter((job) => job.finishedAt === undefined).map(progressOf);
  }

  async listedFiles(): Promise<string[]> {
    const committed = [...this.tables.segments.values()].filter(({ state }) => state === "committed");
    return committed.flatMap(({ files }) => files.map(({ path }) => path));
  }

  /** The fence: the chunk that this very lease still owns. */
  protected held({ chunkId, token }: ChunkLease): ChunkRecord | undefined {
    const chunk = this.tables.chunks.get(chunkId);
    return chunk?.status === "leased" && chunk.leaseToken === token ? chunk : undefined;
  }

  #count(jobId: string, change: Change): Settled {
    return changeCounters(this.tables, this.log, jobId, change);
  }

  #giveBack(chunk: ChunkRecord, error: string | undefined): Settled {
    const settled = this.#count(chunk.jobId, { leased: -1, back: 1 });
    this.#leave(chunk, "pending", error);
    this.#callOffIfEnded([chunk]);
    return settled;
  }

  /** Nobody fetches for a job that has ended, so what comes back to it is called off. */
  #callOffIfEnded(chunks: readonly ChunkRecord[]): void {
    for (const chunk of chunks)
      if (chunk.status === "pending" && isEndedState(this.tables.job(chunk.jobId).status))
        chunk.status = "cancelled";
  }

  #leave(chunk: ChunkRecord, status: ChunkRecord["status"], error: string | undefined): void {
    Object.assign(chunk, { status, error, leaseOwner: undefined, leaseUntil: undefined });
    chunk.runAfter = this.tables.nowMs();
  }
}
