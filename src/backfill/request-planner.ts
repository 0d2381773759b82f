import { Coverage, type MinuteRange, type Timeframe } from "../core/mod.ts";
import { candleChunksUpTo, planCandles } from "./candles/candle-plan.ts";
import type { JobStore } from "./job-store.ts";
import { type DownloadOrder, planChunks } from "./planner.ts";
import type { JobReason, LiveClaims } from "./request.ts";
import type { SegmentReader } from "./segment-reader.ts";
import type { OpenSeries } from "./series-catalog.ts";
import type { NewChunk } from "./store/types.ts";

export interface RequestPlannerDeps {
  readonly jobs: Pick<JobStore, "openRanges" | "candleCoverage">;
  readonly reader: Pick<SegmentReader, "verify">;
  readonly live: LiveClaims;
  readonly chunkMinutes: number;
}

/** What a plan depends on beside its series; a stored request has it all. */
export interface WantedRange {
  /** Ended minutes. */
  readonly range: MinuteRange;
  readonly order: DownloadOrder;
  readonly force: boolean;
  readonly reason: JobReason;
  /** Empty: trades. */
  readonly timeframes: readonly Timeframe[];
}

/** Subtracts what is known from what is wanted, and cuts the rest into chunks. */
export class RequestPlanner {
  readonly #deps: RequestPlannerDeps;

  constructor(deps: RequestPlannerDeps) {
    this.#deps = deps;
  }

  /** The chunks of some series, in download order. */
  plan(series: readonly OpenSeries[], wanted: WantedRange): Promise<NewChunk[]> {
    return wanted.timeframes.length > 0
      ? this.#planCandles(series, wanted)
      : this.#planTrades(series, wanted);
  }

  /** Chunks that a symbol nobody knows here makes at most. */
  chunksUpTo({ range, timeframes }: WantedRange): number {
    if (timeframes.length === 0) return Math.ceil((range.hi - range.lo) / this.#deps.chunkMinutes) + 1;
    return timeframes.reduce((sum, timeframe) => sum + candleChunksUpTo(range, timeframe), 0);
  }

  async #planCandles(
    series: readonly OpenSeries[],
    { range, order, force, timeframes }: WantedRange,
  ): Promise<NewChunk[]> {
    const ids = series.map(({ row }) => row.id);
    const known = force ? [] : await this.#deps.jobs.candleCoverage(ids, timeframes, range);
    const bySeries = Map.groupBy(known, ({ seriesId, timeframe }) => `${seriesId}/${timeframe}`);
    return planCandles(
      ids.flatMap((seriesId) =>
        timeframes.map((timeframe) => ({
          seriesId,
          timeframe,
          range,
          covered: Coverage.of(bySeries.get(`${seriesId}/${timeframe}`) ?? []),
        })),
      ),
      order,
    );
  }

  async #planTrades(series: readonly OpenSeries[], wanted: WantedRange): Promise<NewChunk[]> {
    const { range, order } = wanted;
    const plans = [];
    for (const open of series)
      plans.push({ seriesId: open.row.id, range, excluded: await this.#excluded(open, wanted) });
    return planChunks(plans, { order, chunkMinutes: this.#deps.chunkMinutes });
  }

  /**
   * What need not be fetched: minutes that are known or promised to the live stream. Work that nobody waits for leaves out what
   * another job has planned, too; a request keeps it, so that it ends when its minutes are there (they are fetched once).
   */
  async #excluded({ row, store }: OpenSeries, { range, force, reason }: WantedRange): Promise<Coverage> {
    const { reader, live, jobs } = this.#deps;
    if (force) {
      await live.flush(row.id);
      return live.heldMinutes(row.id, range);
    }
    // A listed file that is gone or damaged is found here, so that its minutes are fetched again.
    await reader.verify(row.id, range);
    const planned = reason === "request" ? [] : await jobs.openRanges(row.id, range);
    return Coverage.of([
      ...store.covered.within(range).ranges,
      ...live.heldMinutes(row.id, range).ranges,
      ...planned,
    ]);
  }
}
