import type { Coverage, MinuteRange, Timeframe } from "../core/mod.ts";
import type { DownloadOrder } from "./planner.ts";
import type { SymbolRef } from "./store/types.ts";

export type { SymbolRef };

/** Why a job exists: somebody asked, the process started, minutes were missing, or contradicted the venue's candles. */
export type JobReason = "request" | "startup" | "repair" | "reconcile";

/** A backfill of trades, or of candles, as the engine takes it. */
export interface BackfillRequest {
  readonly symbols: readonly SymbolRef[];
  /** Minutes wanted; those that have not ended yet are left out. */
  readonly range: MinuteRange;
  /** Candles of these lengths, those that open in `range`; none (the default): trades. */
  readonly timeframes?: readonly Timeframe[] | undefined;
  readonly order: DownloadOrder;
  readonly priority: number;
  /** Seconds until its job ends in error, whatever it has reached. */
  readonly deadlineSeconds?: number | undefined;
  /** Fetches covered minutes anew, and makes a job although an equal request has one. */
  readonly force: boolean;
  readonly reason: JobReason;
  /** Names the job: whoever submits it again under this key, be it after a crash, gets the job that was made first. */
  readonly requestKey?: string | undefined;
}

/** What the live stream holds of a series, so that nobody else fetches it. */
export interface LiveClaims {
  /** Minutes that are promised to the live stream or waiting for their segment; empty for a series without one. */
  heldMinutes(seriesId: number, range: MinuteRange): Coverage;
  /** Writes what waits, so that it can be replaced. */
  flush(seriesId: number): Promise<void>;
}
