import type { ChunkLease, ClaimedChunk } from "../../../src/backfill/store/types.ts";
import { readWrittenRequest } from "../../../src/backfill/written-request.ts";
import { intersectRanges, type MinuteRange } from "../../../src/core/mod.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** Clocks differ in speed by less than this share, so leases end a little apart. */
export const CLOCK_RATE_SPREAD = 0.002;

interface Trust {
  readonly process: SimulatedProcess;
  readonly lease: ChunkLease;
  readonly jobId: string;
  readonly forced: boolean;
  readonly symbol: string;
  readonly range: MinuteRange;
  readonly leaseMs: number;
  /** By the clock of the process. */
  until: number;
}

interface Fetch {
  readonly process: SimulatedProcess;
  readonly symbol: string;
  readonly range: MinuteRange;
}

/** What happened in a run; the suite looks at the sums, so that seeds in which nothing happens are noticed. */
export interface Tally {
  fetches: number;
  reaped: number;
  /** Writes for a chunk that the fence refused. */
  refused: number;
  commits: number;
  /** Chunks that a commit claimed for its owner. */
  takenAlong: number;
  /** Commits that went through without an answer that says so. */
  unanswered: number;
  crashes: number;
  pauses: number;
  stops: number;
  /** Commands that a job obeyed. */
  commands: number;
  /** Chunks given up because their owners vanished five times. */
  givenUp: number;
}

/** Watches a run from outside and keeps what must never be seen. It has its own idea of what a process may believe. */
export class Monitor {
  readonly violations: string[] = [];
  readonly tally: Tally = {
    fetches: 0,
    reaped: 0,
    refused: 0,
    commits: 0,
    takenAlong: 0,
    unanswered: 0,
    crashes: 0,
    pauses: 0,
    stops: 0,
    commands: 0,
    givenUp: 0,
  };
  readonly #trusted = new Map<string, Trust>();
  readonly #fetching = new Set<Fetch>();
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  violation(what: string): void {
    this.#tell(`VIOLATION: ${what}`);
    this.violations.push(what);
  }

  /** The database gave a lease: no other process may still believe that it owns the chunk. */
  granted(process: SimulatedProcess, { lease, range }: ClaimedChunk): void {
    for (const other of this.#trusted.values()) {
      if (other.lease.chunkId !== lease.chunkId || other.process === process) continue;
      if (other.process.isRunning && !other.process.isCatchingUp && this.#isTrusted(other, -1))
        this.violation(
          `${process.name} got chunk ${lease.chunkId} [${range.lo}, ${range.hi}) while ${other.process.name} may believe in token ${other.lease.token}`,
        );
    }
  }

  claimed(process: SimulatedProcess, chunk: ClaimedChunk, sentAt: number, leaseMs: number): void {
    const { lease, range, series, job } = chunk;
    const until = sentAt + leaseMs;
    const { symbol } = series;
    const forced = readWrittenRequest(job.request).force;
    const trust = { process, lease, jobId: job.id, forced, symbol, range, leaseMs, until };
    this.#trusted.set(keyOf(process, lease), trust);
  }

  renewed(process: SimulatedProcess, lease: ChunkLease, sentAt: number): void {
    const trust = this.#trusted.get(keyOf(process, lease));
    if (trust !== undefined) trust.until = Math.max(trust.until, sentAt + trust.leaseMs);
  }

  /** The process lets go by itself, has learned that it lost, or the chunk has ended. */
  dropped(process: SimulatedProcess, lease: ChunkLease): void {
    this.#trusted.delete(keyOf(process, lease));
  }

  /** Long enough ago a job was told not to run: nobody fetches for it any more. */
  quiet(jobId: string): void {
    for (const { process, symbol, range } of this.#fetching) {
      if (!process.isRunning) continue;
      const trusts = this.#trustsIn(process, symbol, range);
      if (trusts.length > 0 && trusts.every((trust) => trust.jobId === jobId))
        this.violation(
          `${process.name} still fetches ${symbol} [${range.lo}, ${range.hi}) for a stopped job`,
        );
    }
  }

  /** Whether the process fetches these minutes for a job that wants them anew. */
  isForced(process: SimulatedProcess, symbol: string, range: MinuteRange): boolean {
    return this.#trustsIn(process, symbol, range).some(({ forced }) => forced);
  }

  commitSent(process: SimulatedProcess, lease: ChunkLease): void {
    const trust = this.#trusted.get(keyOf(process, lease));
    if (trust !== undefined && !this.#isTrusted(trust, 1))
      this.violation(`${process.name} sent a commit of chunk ${lease.chunkId} after its lease had run out`);
  }

  /** Answers what ends the call. */
  fetchBegins(process: SimulatedProcess, symbol: string, range: MinuteRange): () => void {
    this.tally.fetches += 1;
    this.#mayFetch(process, symbol, range, "asked for");
    for (const other of this.#fetching)
      if (other.process === process && other.symbol === symbol && intersectRanges(other.range, range))
        this.violation(
          `${process.name} fetches minutes of ${symbol} [${range.lo}, ${range.hi}) that it is fetching already`,
        );
    const fetch = { process, symbol, range };
    this.#fetching.add(fetch);
    return () => this.#fetching.delete(fetch);
  }

  fetchAnswered(process: SimulatedProcess, symbol: string, range: MinuteRange): void {
    this.#mayFetch(process, symbol, range, "still fetched");
  }

  #mayFetch(process: SimulatedProcess, symbol: string, range: MinuteRange, did: string): void {
    if (process.isCatchingUp) return;
    if (this.#trustsIn(process, symbol, range).some((trust) => this.#isTrusted(trust, 1))) return;
    this.violation(
      `${process.name} ${did} ${symbol} [${range.lo}, ${range.hi}) without a lease that it may believe in`,
    );
  }

  #trustsIn(process: SimulatedProcess, symbol: string, range: MinuteRange): Trust[] {
    return [...this.#trusted.values()].filter(
      (trust) =>
        trust.process === process &&
        trust.symbol === symbol &&
        intersectRanges(trust.range, range) !== undefined,
    );
  }

  /** `slack`: 1 to forgive the difference of clocks, -1 to count it against the process. */
  #isTrusted({ process, until, leaseMs }: Trust, slack: 1 | -1): boolean {
    return process.now() <= until + slack * (leaseMs * CLOCK_RATE_SPREAD + 1);
  }
}

function keyOf(process: SimulatedProcess, { chunkId, token }: ChunkLease): string {
  return `${process.name} ${chunkId}/${token}`;
}
