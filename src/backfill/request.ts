import type { Coverage, MinuteRange } from "../core/mod.ts";
import type { DownloadOrder } from "./planner.ts";

/** Why a job exists: somebody asked, the process started, or minutes were missing. */
export type JobReason = "request" | "startup" | "repair";

/** A trade backfill as the engine takes it. */
export interface BackfillRequest {
  readonly symbols: readonly SymbolRef[];
  /** Minutes wanted; those that have not ended yet are left out. */
  readonly range: MinuteRange;
  readonly order: DownloadOrder;
  readonly priority: number;
  /** Fetches covered minutes anew, and makes a job although an equal request has one. */
  readonly force: boolean;
  readonly reason: JobReason;
}

export interface SymbolRef {
  readonly venue: string;
  readonly symbol: string;
}

/** What the live stream holds of a series, so that nobody else fetches it. */
export interface LiveClaims {
  /** Minutes that are promised to the live stream or waiting for their segment; empty for a series without one. */
  heldMinutes(seriesId: number, range: MinuteRange): Coverage;
  /** Writes what waits, so that it can be replaced. */
  flush(seriesId: number): Promise<void>;
}
