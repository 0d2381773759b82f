import { Coverage, type MinuteRange, minuteOfMs } from "../../core/mod.ts";
import type { HistoryCandle } from "../../venues/mod.ts";
import { type CandleKind, keepCandles, readCandleCoverage, readCandles } from "./candles.ts";
import type { Access } from "./transaction.ts";
import type { CandleBatch } from "./types.ts";

/** The length of the candles that bound what is not loaded. */
const TIMEFRAME = "1m";

/** Stored 1-minute candles. */
export interface StoredSkeleton {
  /** Minutes of the asked range whose candles are known and final; one without a candle had no trades. */
  readonly known: Coverage;
  /** Those that open in the known minutes, ascending. */
  readonly candles: readonly HistoryCandle[];
}

/** The half of the store that the skeleton uses: the same rows that candle jobs write. */
export interface SkeletonStore {
  read(seriesId: number, range: MinuteRange): Promise<StoredSkeleton>;
  /** Writes candles and remembers which minutes are final. Writing them again changes nothing. */
  keep(seriesId: number, batch: CandleBatch): Promise<void>;
}

export function createSkeletonStore(access: Pick<Access, "db">): SkeletonStore {
  const kindOf = (seriesId: number): CandleKind => ({ seriesId, timeframe: TIMEFRAME });
  return {
    async read(seriesId, range) {
      const known = Coverage.of(await readCandleCoverage(access, [seriesId], [TIMEFRAME], range));
      if (known.ranges.length === 0) return { known, candles: [] };
      // What is final stays: candles that are read after the coverage are at least as new.
      const candles = await readCandles(access, kindOf(seriesId), range);
      return { known, candles: candles.filter(({ openMs }) => known.has(minuteOfMs(openMs))) };
    },
    keep: (seriesId, batch) => keepCandles(access, kindOf(seriesId), batch),
  };
}
