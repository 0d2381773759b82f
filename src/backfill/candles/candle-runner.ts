import { Coverage, isTimeframe, type MinuteRange, OperationFailure, symbolName } from "../../core/mod.ts";
import type { CandleSource, HistoryCandle } from "../../venues/mod.ts";
import type { JobStore } from "../job-store.ts";
import type { ChunkResult, ClaimedChunk } from "../store/types.ts";
import { readWrittenRequest } from "../written-request.ts";

export interface CandleRunnerDeps {
  readonly jobs: Pick<JobStore, "candleCoverage">;
  /** Fails when nobody of that name has candles here. */
  readonly candleSourceOf: (name: string, market: string) => CandleSource;
}

/**
 * Fetches the candles of a chunk that are not known and final yet, for its commit. Throws {@link OperationFailure}, `permanent` when
 * the source does not know the symbol or the timeframe.
 */
export async function fetchCandles(
  { jobs, candleSourceOf }: CandleRunnerDeps,
  chunk: ClaimedChunk,
  signal: AbortSignal,
): Promise<ChunkResult> {
  const { series, range, timeframe } = chunk;
  const source = candleSourceOf(series.venue, series.market);
  if (timeframe === undefined || !isTimeframe(timeframe) || !source.timeframes.includes(timeframe))
    throw new OperationFailure(
      "permanent",
      `${symbolName(series)}: ${source.name} has candles of ${source.timeframes.join(", ")}, not of ${timeframe}`,
    );
  const force = readWrittenRequest(chunk.job.request).force;
  // Another job may have been quicker since this one was planned.
  const known = force ? [] : await jobs.candleCoverage([series.id], [timeframe], range);
  const candles: HistoryCandle[] = [];
  const closed: MinuteRange[] = [];
  for (const gap of Coverage.of(known).missing(range)) {
    const found = await source.candleHistory(series.symbol, timeframe, gap, { signal });
    candles.push(...found.candles);
    if (found.closed !== undefined) closed.push(found.closed);
  }
  return { candles: { candles, closed }, recordsFetched: candles.length };
}
