import { JobTooLarge } from "../../../src/backfill/store/errors.ts";
import { CHUNKS_PER_JOB_MAX, type CreateOutcome } from "../../../src/backfill/store/jobs.ts";
import type { NewChunk, NewJob } from "../../../src/backfill/store/types.ts";
import { invariant } from "../../../src/core/mod.ts";
import type { MemoryEvents } from "./memory-events.ts";
import { type ChunkRecord, type JobRow, type MemoryTables, progressOf, uuidNumber } from "./memory-tables.ts";

/** Writes a job with its chunks and first event, or answers the one of the same request key. */
export function createJob(tables: MemoryTables, events: MemoryEvents, job: NewJob): CreateOutcome {
  if (job.chunks.length > CHUNKS_PER_JOB_MAX) throw new JobTooLarge(job.chunks.length, CHUNKS_PER_JOB_MAX);
  const wanted = job.status ?? "pending";
  invariant(wanted === "pending" || job.chunks.length === 0, `a ${wanted} job has no chunks`);
  invariant(
    job.parts?.every(({ seriesId }) => seriesId !== undefined) ?? true,
    "planning in the background has a store of its own",
  );
  const same = [...tables.jobs.values()].find(({ requestKey }) => requestKey === job.requestKey);
  if (same !== undefined) return { kind: "existing", job: progressOf(same), events: [] };
  const row = rowOf(tables, job);
  tables.jobs.set(row.id, row);
  const chunks = job.chunks.map((chunk, no) => chunkOf(tables, row.id, no, chunk));
  for (const chunk of chunks) tables.chunks.set(chunk.id, chunk);
  chunks.sort((a, b) => a.rank - b.rank || a.no - b.no);
  tables.chunksOfJob.set(row.id, chunks);
  return { kind: "created", job: progressOf(row), events: events.append(row, "idle") };
}

function rowOf(tables: MemoryTables, job: NewJob): JobRow {
  const wanted = job.status ?? "pending";
  const status = wanted === "pending" && job.chunks.length === 0 ? "complete" : wanted;
  const now = tables.nowMs();
  return {
    id: uuidNumber(tables.nextId()),
    request: job.request,
    requestKey: job.requestKey,
    dataset: job.dataset,
    status,
    intent: "run",
    priority: job.priority ?? 0,
    maxParallel: job.maxParallel,
    chunksTotal: job.chunks.length,
    chunksDone: 0,
    chunksFailed: 0,
    chunksCancelled: 0,
    leased: 0,
    recordsFetched: 0,
    recordsInserted: 0,
    error: undefined,
    createdAt: now,
    startedAt: undefined,
    finishedAt: status === "pending" ? undefined : now,
    deadlineAt: job.deadlineSeconds === undefined ? undefined : now + job.deadlineSeconds * 1_000,
    servedAt: now,
    version: 1,
  };
}

function chunkOf(tables: MemoryTables, jobId: string, no: number, chunk: NewChunk): ChunkRecord {
  const { seriesId, timeframe, range, source, rank } = chunk;
  return {
    id: tables.nextId(),
    jobId,
    no,
    seriesId,
    timeframe,
    range,
    source,
    rank,
    status: "pending",
    attempt: 0,
    leaseToken: 0,
    leaseOwner: undefined,
    leaseUntil: undefined,
    runAfter: tables.nowMs(),
    records: 0,
    inserted: 0,
    error: undefined,
  };
}
