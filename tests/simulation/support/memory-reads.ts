import type { JobStatus } from "../../../db/mod.ts";
import type { ChunkRow, JobDetail, PendingWork } from "../../../src/backfill/store/types.ts";
import { Coverage, intersectRanges, isEndedState, type MinuteRange } from "../../../src/core/mod.ts";
import { type ChunkRecord, dateOf, type JobRow, type MemoryTables } from "./memory-tables.ts";

export function readPendingWork(tables: MemoryTables): PendingWork {
  const jobs = [...tables.jobs.values()].filter((job) => isOpen(job) && job.intent === "run");
  const due = jobs
    .filter((job) => job.leased < job.maxParallel)
    .flatMap((job) => tables.chunksOf(job.id).filter(({ status }) => status === "pending"))
    .map(({ runAfter }) => runAfter);
  const leases = [...tables.chunks.values()].flatMap(({ leaseUntil }) => leaseUntil ?? []);
  const next = Math.min(...due, ...leases);
  const sum = (of: (job: JobRow) => number) => jobs.reduce((total, job) => total + of(job), 0);
  return {
    jobs: jobs.length,
    chunks: sum((job) => job.chunksTotal - job.chunksDone - job.chunksFailed - job.chunksCancelled),
    leased: sum((job) => job.leased),
    nextDueMs: next === Infinity ? undefined : Math.max(0, next - tables.nowMs()),
  };
}

export function isOpen({ status }: JobRow): boolean {
  return status === "pending" || status === "in_progress";
}

export function readOpenRanges(tables: MemoryTables, seriesId: number, range: MinuteRange): MinuteRange[] {
  const planned = [...tables.chunks.values()].flatMap((chunk) => {
    const job = tables.job(chunk.jobId);
    const counts =
      chunk.seriesId === seriesId &&
      (chunk.status === "pending" || chunk.status === "leased") &&
      job.dataset === "trades" &&
      job.intent !== "cancel" &&
      (isOpen(job) || job.status === "paused");
    return counts ? (intersectRanges(chunk.range, range) ?? []) : [];
  });
  return [...Coverage.of(planned).ranges];
}

export function readChunk(tables: MemoryTables, id: number): ChunkRow | undefined {
  const row = tables.chunks.get(id);
  if (row === undefined) return undefined;
  return {
    id,
    jobId: row.jobId,
    no: row.no,
    seriesId: row.seriesId,
    range: row.range,
    status: row.status,
    attempt: row.attempt,
    leaseToken: row.leaseToken,
    leaseUntil: dateOf(row.leaseUntil),
    runAfter: new Date(row.runAfter),
    records: row.records,
    error: row.error,
    segmentIds: [...tables.segments.values()]
      .filter(({ chunkId }) => chunkId === id)
      .map((found) => found.id),
  };
}

/** How each symbol of a job fares, in the order of its first chunks. */
export function readJobDetails(tables: MemoryTables, jobId: string): JobDetail[] {
  const byNo = [...tables.chunksOf(jobId)].sort((a, b) => a.no - b.no);
  const groups = Map.groupBy(byNo, ({ seriesId, timeframe }) => `${seriesId}/${timeframe ?? ""}`);
  return [...groups.values()].map((chunks) => detailOf(tables, tables.job(jobId), chunks));
}

function detailOf(tables: MemoryTables, job: JobRow, chunks: readonly ChunkRecord[]): JobDetail {
  const first = chunks[0]!;
  const { id, venue, symbol } = tables.seriesRow(first.seriesId);
  const count = (status: string) => chunks.filter((chunk) => chunk.status === status).length;
  const sum = (of: (chunk: ChunkRecord) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0);
  const told = chunks.filter(({ error }) => error !== undefined);
  const error = (told.find(({ status }) => status === "failed") ?? told[0])?.error;
  return {
    seriesId: id,
    venue,
    symbol,
    timeframe: first.timeframe,
    status: detailStatus(job, chunks, error),
    chunksTotal: chunks.length,
    chunksDone: count("done"),
    chunksFailed: count("failed"),
    leased: count("leased"),
    records: sum(({ records }) => records),
    recordsInserted: sum(({ inserted }) => inserted),
    recordsUpdated: 0,
    recordsUnchanged: 0,
    error,
  };
}

function detailStatus(job: JobRow, chunks: readonly ChunkRecord[], error: string | undefined): JobStatus {
  const count = (status: string) => chunks.filter((chunk) => chunk.status === status).length;
  const [done, failed, leased] = [count("done"), count("failed"), count("leased")];
  if (done + failed === chunks.length) return done === 0 ? "error" : "complete";
  const calledOff = isEndedState(job.status) || done + failed + count("cancelled") === chunks.length;
  if (leased === 0 && calledOff) return "cancelled";
  return leased + done + failed > 0 || error !== undefined ? "in_progress" : "pending";
}

/** Minutes in chunks that somebody called off. */
export function readCalledOffRanges(
  tables: MemoryTables,
  seriesId: number,
  range: MinuteRange,
): MinuteRange[] {
  const gone = [...tables.chunks.values()].filter(
    (chunk) => chunk.seriesId === seriesId && chunk.status === "cancelled" && chunk.timeframe === undefined,
  );
  return [...Coverage.of(gone.map((chunk) => chunk.range)).within(range).ranges];
}
