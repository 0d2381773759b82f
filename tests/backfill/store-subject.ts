import type { Database, JobIntent } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import type { ChunkLease } from "../../src/backfill/store/types.ts";
import {
  clearWork,
  type DerivedCounters,
  deriveCounters,
  expire,
  segmentStates,
} from "./job-store-support.ts";

/** The part of the job store that the engine itself runs on: everything but what people ask of it. */
export type EngineJobStore = Pick<
  JobStore,
  | "ensureSeries"
  | "growScales"
  | "listSeries"
  | "findSeries"
  | "createJob"
  | "claim"
  | "heartbeat"
  | "commit"
  | "retryLater"
  | "fail"
  | "release"
  | "reapExpired"
  | "releaseAll"
  | "control"
  | "expireDeadlines"
  | "commitLive"
  | "quarantineSegment"
  | "coverage"
  | "segments"
  | "job"
  | "recentJobs"
  | "unfinishedJobs"
  | "listedFiles"
  | "jobDetails"
  | "pendingWork"
  | "openRanges"
  | "calledOffRanges"
  | "readChunk"
  | "events"
  | "channelState"
>;

/** A job store under the contract, and what a test does behind its back. */
export interface StoreSubject {
  readonly store: EngineJobStore;
  /** Ends every open job, so that the next test starts with nothing to claim. */
  clearWork(): Promise<void>;
  /** Makes leases end now, as if their workers had died long ago. */
  expire(...leases: readonly ChunkLease[]): Promise<void>;
  deriveCounters(jobId: string): Promise<DerivedCounters>;
  /** The state of every segment of a series, by id. */
  segmentStates(seriesId: number): Promise<Map<number, string>>;
  setIntent(jobId: string, intent: JobIntent): Promise<void>;
  /** How many chunks of a job have which status. */
  chunkStatuses(jobId: string): Promise<Record<string, number>>;
  passDeadline(jobId: string): Promise<void>;
  /** Ends the wait of a chunk that was put off. */
  makeDue(chunkId: number): Promise<void>;
}

/** The real thing over an open database. */
export function databaseSubject(database: () => Database): () => StoreSubject {
  return () => {
    const opened = database();
    return {
      store: createJobStore(opened),
      clearWork: () => clearWork(opened),
      expire: (...leases) => expire(opened, ...leases),
      deriveCounters: (jobId) => deriveCounters(opened, jobId),
      segmentStates: (seriesId) => segmentStates(opened, seriesId),
      setIntent: async (jobId, intent) => {
        await opened.sql`update backfill_job set intent = ${intent} where id = ${jobId}`;
      },
      chunkStatuses: async (jobId) => {
        const rows = await opened.sql<{ status: string; count: number }[]>`
          select status, count(*)::int as count from backfill_chunk where job_id = ${jobId} group by status`;
        return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
      },
      passDeadline: async (jobId) => {
        await opened.sql`update backfill_job set deadline_at = now() - interval '1 second' where id = ${jobId}`;
      },
      makeDue: async (chunkId) => {
        await opened.sql`update backfill_chunk set run_after = now() where id = ${chunkId}`;
      },
    };
  };
}
