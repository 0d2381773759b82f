import type { ClaimedChunk, ClaimOptions, NewSegment, Settled } from "../../../src/backfill/store/types.ts";
import { invariant } from "../../../src/core/mod.ts";
import { readCoverage } from "./memory-coverage.ts";
import { isOpen } from "./memory-reads.ts";
import type { ChunkRecord, JobRow, MemoryTables } from "./memory-tables.ts";

/** Jobs that may run now and have a chunk to run, the one that a claim would choose first. */
export function runnableJobs(tables: MemoryTables): JobRow[] {
  const jobs = [...tables.jobs.values()].filter(
    (job) =>
      isOpen(job) &&
      job.intent === "run" &&
      job.leased < job.maxParallel &&
      runnableChunk(tables, job) !== undefined,
  );
  return jobs.sort(byTurn);
}

/** By priority, and among equals who has waited longest. */
function byTurn(a: JobRow, b: JobRow): number {
  return b.priority - a.priority || a.servedAt - b.servedAt || (a.id < b.id ? -1 : 1);
}

function runnableChunk(tables: MemoryTables, job: JobRow): ChunkRecord | undefined {
  const now = tables.nowMs();
  return tables.chunksOf(job.id).find(({ status, runAfter }) => status === "pending" && runAfter <= now);
}

/** Leases the best chunk of a job that has one. */
export function leaseBest(tables: MemoryTables, job: JobRow, { owner, leaseMs }: ClaimOptions): ChunkRecord {
  const chunk = runnableChunk(tables, job);
  invariant(chunk !== undefined, "a job that was chosen has a chunk to run");
  chunk.status = "leased";
  chunk.leaseToken += 1;
  chunk.attempt += 1;
  chunk.leaseOwner = owner;
  chunk.leaseUntil = tables.nowMs() + leaseMs;
  return chunk;
}

/** Leases what a commit of `chunk` takes along, if anything: where the SQL commits the quick way, and its job is served next. */
export function leaseNext(
  tables: MemoryTables,
  chunk: ChunkRecord,
  segments: readonly NewSegment[],
  options: ClaimOptions,
): ChunkRecord | undefined {
  const job = tables.job(chunk.jobId);
  const isQuick =
    job.status === "in_progress" &&
    job.intent === "run" &&
    job.chunksDone + job.chunksFailed + job.chunksCancelled + 1 < job.chunksTotal &&
    segments.every(({ range, covered = [range] }) =>
      covered.every((part) => readCoverage(tables, chunk.seriesId, part).length === 0),
    );
  if (!isQuick || job.leased > job.maxParallel || runnableChunk(tables, job) === undefined) return undefined;
  if (runnableJobs(tables).some((other) => other !== job && byTurn(other, job) < 0)) return undefined;
  job.servedAt = tables.nowMs();
  return leaseBest(tables, job, options);
}

/** A leased chunk as its new owner is told of it. */
export function claimedChunk(tables: MemoryTables, chunk: ChunkRecord, settled: Settled): ClaimedChunk {
  return {
    lease: { chunkId: chunk.id, token: chunk.leaseToken },
    job: settled.job,
    series: tables.seriesRow(chunk.seriesId),
    range: chunk.range,
    source: chunk.source,
    timeframe: chunk.timeframe,
    attempt: chunk.attempt,
    checkpoint: null,
    events: settled.events,
  };
}
