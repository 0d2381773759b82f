/** Backfill: plans, chunks, leases and commits; one segment owns each minute. */
export {
  type ChunkRunnerDeps,
  type CommittedChunk,
  type CommittedPiece,
  instrumentOf,
  segmentOf,
} from "./chunk-runner.ts";
export {
  CHUNK_ATTEMPTS_MAX,
  Dispatcher,
  type DispatcherListener,
  type DispatcherOptions,
  LEASE_MS,
} from "./dispatcher.ts";
export { JobPlanner, type JobPlannerDeps } from "./job-planner.ts";
export { createJobStore, type JobStore } from "./job-store.ts";
export { digestOfListing } from "./listing-digest.ts";
export { GapRepair, type RepairDeps } from "./repair.ts";
export type { BackfillRequest, JobReason, LiveClaims, SymbolRef } from "./request.ts";
export { RequestPlanner } from "./request-planner.ts";
export { SegmentReader, type SegmentReaderDeps } from "./segment-reader.ts";
export { type OpenSeries, SeriesCatalog, type SeriesCatalogDeps } from "./series-catalog.ts";
export { BackfillService, type BackfillServiceDeps, type Submitted, SymbolRefused } from "./service.ts";
export { ChunkRanker, type ChunkRankerDeps } from "./skeleton/chunk-ranker.ts";
export { SkeletonKeeper, type SkeletonKeeperDeps, type SkeletonOutcome } from "./skeleton/skeleton-keeper.ts";
export { StartupBackfill, type StartupDeps, type StartupOptions, type StartupStatus } from "./startup.ts";
export { type ChangedSegment, ChangeFeed, type Changes } from "./store/changes.ts";
export { type ChunkRankStore, createChunkRankStore } from "./store/chunk-ranks.ts";
export type { ControlOutcome, JobAdjustment, JobCommand } from "./store/command.ts";
export { CoverageConflict, JobTooLarge } from "./store/errors.ts";
export { BACKFILL_CHANNEL, type JobEvent, jobChannel } from "./store/events.ts";
export type { JobReport } from "./store/part-reads.ts";
export { createPlanningStore, type PlanningStore } from "./store/planning.ts";
export { createSkeletonStore, type SkeletonStore } from "./store/skeleton.ts";
export { NUDGE_CHANNEL } from "./store/transaction.ts";
export type { JobDetail, JobProgress, PartSummary, Settled } from "./store/types.ts";
export { readTapeStats, type TapeStats } from "./tape-stats.ts";
export { readWrittenRequest, type WrittenRequest } from "./written-request.ts";
