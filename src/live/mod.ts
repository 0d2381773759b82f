/** The live stream: proven minutes join history at the seam, everything else is left to the backfill. */
export { LiveIngest, type LiveIngestDeps, type LiveSegment } from "./live-ingest.ts";
export {
  QUIET_WAIT_MS,
  REORDER_WAIT_MS,
  type SealedMinutes,
  Seam,
  type SeamCounters,
  type SeamOptions,
} from "./seam.ts";
