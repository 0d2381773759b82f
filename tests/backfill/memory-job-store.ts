import type { JobIntent } from "../../db/mod.ts";
import type { DispatcherDeps } from "../../src/backfill/dispatcher.ts";
import type {
  ChunkLease,
  ChunkResult,
  ClaimedChunk,
  ClaimOptions,
  CommitOutcome,
  JobProgress,
  SeriesRow,
  Settled,
} from "../../src/backfill/store/types.ts";
import { Coverage, type MinuteRange, rangeLength } from "../../src/core/mod.ts";
import type { FakeClock } from "../support/fake-clock.ts";
import { instrumentNamed } from "../support/trades.ts";

type Jobs = DispatcherDeps["jobs"];

export const SERIES: SeriesRow = { id: 1, ...instrumentNamed("BTCUSDT"), binUnits: 5 };

export interface MemoryChunk {
  readonly id: number;
  readonly series: SeriesRow;
  readonly range: MinuteRange;
  status: "pending" | "leased" | "done" | "failed";
  attempt: number;
  token: number;
  leaseUntilMs: number;
  runAfterMs: number;
  error: string | undefined;
  segments: number;
}

/** A job's counters and dates when nothing has happened yet. */
export function newProgress(over: Partial<JobProgress> = {}): JobProgress {
  return {
    id: "job-1",
    request: { symbols: [], from: "", to: "", order: "recent", force: false, reason: "request" },
    dataset: "trades",
    status: "pending",
    intent: "run",
    priority: 0,
    maxParallel: 4,
    chunksTotal: 0,
    chunksDone: 0,
    chunksFailed: 0,
    chunksCancelled: 0,
    leased: 0,
    recordsFetched: 0,
    recordsInserted: 0,
    recordsUpdated: 0,
    recordsUnchanged: 0,
    planning: false,
    progressPct: 0,
    error: undefined,
    createdAt: new Date(0),
    startedAt: undefined,
    finishedAt: undefined,
    deadlineAt: undefined,
    version: 1,
    ...over,
  };
}

/** One job in memory whose every write is fenced by the lease token, as the database's are. */
export class MemoryJobStore implements Jobs {
  readonly chunks: MemoryChunk[] = [];
  readonly calls: string[] = [];
  /** Calls of these names throw, so many times. */
  readonly trouble = new Map<string, number>();
  /** Commits that go through although their answer is lost. */
  lostAnswers = 0;
  covered: Coverage = Coverage.empty;
  force = false;
  mostLeased = 0;
  /** What heartbeats answer. */
  intent: JobIntent = "run";
  /** What the next look at the deadlines ends. */
  readonly overdue: Settled[] = [];
  readonly #clock: FakeClock;
  #version = 1;
  #segments = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  plan(lo: number, hi: number, series: SeriesRow = SERIES): MemoryChunk {
    const chunk: MemoryChunk = {
      id: this.chunks.length + 1,
      series,
      range: { lo, hi },
      status: "pending",
      attempt: 0,
      token: 0,
      leaseUntilMs: 0,
      runAfterMs: 0,
      error: undefined,
      segments: 0,
    };
    this.chunks.push(chunk);
    return chunk;
  }

  /** Takes a chunk away from its owner, as a reaper and another worker would. */
  steal(chunk: MemoryChunk): void {
    chunk.token++;
  }

  async claim(options: ClaimOptions): Promise<ClaimedChunk | undefined> {
    await this.#enter("claim");
    return this.#leaseBest(options);
  }

  #leaseBest({ leaseMs }: ClaimOptions): ClaimedChunk | undefined {
    const now = this.#clock.nowMs();
    const chunk = this.chunks.find(({ status, runAfterMs }) => status === "pending" && runAfterMs <= now);
    if (chunk === undefined) return undefined;
    chunk.status = "leased";
    chunk.token++;
    chunk.attempt++;
    chunk.leaseUntilMs = now + leaseMs;
    this.mostLeased = Math.max(this.mostLeased, this.#leased());
    return {
      lease: { chunkId: chunk.id, token: chunk.token },
      job: this.#progress(),
      series: chunk.series,
      range: chunk.range,
      source: "rest",
      timeframe: undefined,
      attempt: chunk.attempt,
      checkpoint: undefined,
      events: [],
    };
  }

  async pendingWork() {
    await this.#enter("pendingWork");
    const waiting = this.chunks.filter(({ status }) => status === "pending");
    const due = waiting.map(({ runAfterMs }) => Math.max(0, runAfterMs - this.#clock.nowMs()));
    return {
      jobs: 1,
      chunks: waiting.length + this.#leased(),
      leased: this.#leased(),
      nextDueMs: due.length === 0 ? undefined : Math.min(...due),
    };
  }

  async heartbeat(lease: ChunkLease, leaseMs: number) {
    await this.#enter("heartbeat");
    const chunk = this.#held(lease);
    if (chunk === undefined) return undefined;
    chunk.leaseUntilMs = this.#clock.nowMs() + leaseMs;
    return { intent: this.intent };
  }

  async expireDeadlines() {
    await this.#enter("expireDeadlines");
    return this.overdue.splice(0);
  }

  async commit(lease: ChunkLease, result: ChunkResult, claim?: ClaimOptions): Promise<CommitOutcome> {
    await this.#enter("commit");
    const chunk = this.#held(lease);
    if (chunk === undefined) return { kind: "lost" };
    for (const { range } of result.segments ?? []) {
      this.covered = this.covered.add(range);
      chunk.segments++;
      this.#segments++;
    }
    chunk.status = "done";
    const next = claim && this.#leaseBest(claim);
    if (this.lostAnswers > 0) {
      this.lostAnswers--;
      throw new Error("connection reset after the commit was sent");
    }
    return { kind: "committed", segmentIds: [this.#segments], job: this.#progress(), events: [], next };
  }

  async retryLater(lease: ChunkLease, { error, delayMs }: { error: string; delayMs: number }) {
    await this.#enter("retryLater");
    return this.#giveBack(lease, (chunk) => {
      chunk.status = "pending";
      chunk.runAfterMs = this.#clock.nowMs() + delayMs;
      chunk.error = error;
    });
  }

  async release(lease: ChunkLease) {
    await this.#enter("release");
    return this.#giveBack(lease, (chunk) => {
      chunk.status = "pending";
      chunk.attempt--;
    });
  }

  async fail(lease: ChunkLease, { error }: { readonly error: string }) {
    await this.#enter("fail");
    const chunk = this.#held(lease);
    if (chunk === undefined) return { kind: "lost" as const };
    chunk.status = "failed";
    chunk.error = error;
    return { kind: "failed" as const, job: this.#progress(), events: [] };
  }

  async reapExpired() {
    await this.#enter("reapExpired");
    const now = this.#clock.nowMs();
    const expired = this.chunks.filter(
      ({ status, leaseUntilMs }) => status === "leased" && leaseUntilMs <= now,
    );
    for (const chunk of expired) chunk.status = "pending";
    return { requeued: expired.length, failed: 0, jobs: [], events: [] };
  }

  async candleCoverage(): Promise<[]> {
    return [];
  }

  async coverage(seriesId: number, range: MinuteRange) {
    await this.#enter("coverage");
    return this.covered.within(range).ranges.map((part) => ({ ...part, segmentId: seriesId }));
  }

  async growScales(seriesId: number, priceScale: number, sizeScale: number) {
    await this.#enter("growScales");
    const factor = 10 ** (priceScale - SERIES.priceScale);
    return { ...SERIES, id: seriesId, priceScale, sizeScale, binUnits: SERIES.binUnits * factor };
  }

  async readChunk(id: number) {
    await this.#enter("readChunk");
    const chunk = this.chunks.find((each) => each.id === id);
    if (chunk === undefined) return undefined;
    return {
      id,
      jobId: "job-1",
      no: id,
      seriesId: chunk.series.id,
      range: chunk.range,
      status: chunk.status,
      attempt: chunk.attempt,
      leaseToken: chunk.token,
      leaseUntil: undefined,
      runAfter: new Date(chunk.runAfterMs),
      records: 0,
      error: chunk.error,
      segmentIds: [],
    };
  }

  async job() {
    await this.#enter("job");
    return this.#progress();
  }

  async #enter(call: string): Promise<void> {
    this.calls.push(call);
    await Promise.resolve();
    const left = this.trouble.get(call) ?? 0;
    if (left === 0) return;
    this.trouble.set(call, left - 1);
    throw new Error(`the database is gone (${call})`);
  }

  #held({ chunkId, token }: ChunkLease): MemoryChunk | undefined {
    return this.chunks.find(
      (chunk) => chunk.id === chunkId && chunk.token === token && chunk.status === "leased",
    );
  }

  #giveBack(lease: ChunkLease, change: (chunk: MemoryChunk) => void) {
    const chunk = this.#held(lease);
    if (chunk === undefined) return { kind: "lost" as const };
    change(chunk);
    return { kind: "given_back" as const, job: this.#progress(), events: [] };
  }

  #leased(): number {
    return this.chunks.filter(({ status }) => status === "leased").length;
  }

  #progress(): JobProgress {
    const count = (status: MemoryChunk["status"]) =>
      this.chunks.filter((each) => each.status === status).length;
    return newProgress({
      request: { symbols: [], from: "", to: "", order: "recent", force: this.force, reason: "request" },
      status: "in_progress",
      chunksTotal: this.chunks.length,
      chunksDone: count("done"),
      chunksFailed: count("failed"),
      leased: count("leased"),
      recordsFetched: rangeLength({ lo: 0, hi: count("done") }),
      version: this.#version++,
    });
  }
}
