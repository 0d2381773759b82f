import {
  type Coverage,
  candlesUpTo,
  type MinuteRange,
  type Timeframe,
  timeframeMinutes,
} from "../../core/mod.ts";
import { type DownloadOrder, slotRank, splitAligned } from "../planner.ts";
import type { NewChunk } from "../store/types.ts";

/** Candles of one chunk at most: one request to most venues, about 100 kB. */
export const CANDLES_PER_CHUNK = 1_000;

/** One series and timeframe of a candle request. */
export interface CandlePlan {
  readonly seriesId: number;
  readonly timeframe: Timeframe;
  /** Candles that open in it are wanted. */
  readonly range: MinuteRange;
  /** Opening minutes whose candles are known and final. */
  readonly covered: Coverage;
}

/**
 * Splits the missing candles into chunks of at most {@link CANDLES_PER_CHUNK}, cut at multiples of it from the start of the range. All timeframes and symbols advance side by side: the
 * rank of a chunk is its distance, in chunks of its timeframe, from the end of the range that is fetched first.
 */
export function planCandles(plans: readonly CandlePlan[], order: DownloadOrder): NewChunk[] {
  return plans.flatMap(({ seriesId, timeframe, range, covered }) => {
    const length = chunkLength(timeframe);
    return covered
      .missing(range)
      .flatMap((gap) => splitAligned(gap, length, range.lo))
      .map((piece) => ({
        seriesId,
        timeframe,
        range: piece,
        source: "candles" as const,
        rank: slotRank(piece, range, length, order, range.lo),
      }));
  });
}

/** Chunks that {@link planCandles} makes of a range at most, whatever is covered in one piece. */
export function candleChunksUpTo(range: MinuteRange, timeframe: Timeframe): number {
  return Math.ceil(candlesUpTo(range, timeframe) / CANDLES_PER_CHUNK);
}

/** Minutes that hold {@link CANDLES_PER_CHUNK} candles. */
function chunkLength(timeframe: Timeframe): number {
  return CANDLES_PER_CHUNK * timeframeMinutes(timeframe);
}
