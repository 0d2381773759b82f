/** The live stream: proven minutes join history at the seam, everything else is left to the backfill. */
export { REORDER_WAIT_MS } from "./held-trades.ts";
export { LiveIngest, type LiveIngestDeps, type LiveSegment } from "./live-ingest.ts";
export { LiveSeries } from "./live-series.ts";
export {
  QUIET_WAIT_MS,
  type SealedMinutes,
  Seam,
  type SeamCounters,
  type SeamOptions,
} from "./seam.ts";
