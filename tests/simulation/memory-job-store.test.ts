import { describe } from "bun:test";
import type { ChunkLease } from "../../src/backfill/store/types.ts";
import { controlContract } from "../backfill/control.contract.ts";
import { coverageContract } from "../backfill/coverage.contract.ts";
import { jobStoreContract } from "../backfill/job-store.contract.ts";
import type { StoreSubject } from "../backfill/store-subject.ts";
import { takeAlongContract } from "../backfill/take-along.contract.ts";
import { MemoryJobStore } from "./support/memory-job-store.ts";

/** Time that never stands still, as for the databases: leases compare with a later moment. */
const store = new MemoryJobStore(() => performance.timeOrigin + performance.now());
const { tables } = store;

function rowsOf(jobId: string, status?: string) {
  return tables.chunksOf(jobId).filter((chunk) => status === undefined || chunk.status === status);
}

const subject: StoreSubject = {
  store,
  clearWork: async () => tables.clear(),
  expire: async (...leases: readonly ChunkLease[]) => {
    for (const { chunkId } of leases) {
      const chunk = tables.chunks.get(chunkId);
      if (chunk?.status === "leased") chunk.leaseUntil = tables.nowMs() - 1_000;
    }
  },
  deriveCounters: async (jobId) => ({
    chunksTotal: rowsOf(jobId).length,
    chunksDone: rowsOf(jobId, "done").length,
    chunksFailed: rowsOf(jobId, "failed").length,
    leased: rowsOf(jobId, "leased").length,
    recordsFetched: rowsOf(jobId).reduce((sum, { records }) => sum + records, 0),
  }),
  segmentStates: async (seriesId) =>
    new Map(
      [...tables.segments.values()]
        .filter((segment) => segment.seriesId === seriesId)
        .map(({ id, state }) => [id, state]),
    ),
  setIntent: async (jobId, intent) => {
    tables.job(jobId).intent = intent;
  },
  chunkStatuses: async (jobId) => {
    const groups = Map.groupBy(rowsOf(jobId), ({ status }) => status);
    return Object.fromEntries([...groups].map(([status, rows]) => [status, rows.length]));
  },
  passDeadline: async (jobId) => {
    tables.job(jobId).deadlineAt = tables.nowMs() - 1_000;
  },
  makeDue: async (chunkId) => {
    const chunk = tables.chunks.get(chunkId);
    if (chunk !== undefined) chunk.runAfter = tables.nowMs();
  },
};

describe("job store in memory", () => {
  jobStoreContract(() => subject);
  takeAlongContract(() => subject);
  coverageContract(() => subject);
  controlContract(() => subject);
});
