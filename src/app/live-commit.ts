import { CoverageConflict, type JobStore, segmentOf } from "../backfill/mod.ts";
import type { MinuteRange } from "../core/mod.ts";
import type { LiveSegment } from "../live/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import type { Tape } from "../tape/mod.ts";
import type { EngineLog } from "./engine-log.ts";

export interface LiveCommitDeps {
  readonly jobs: Pick<JobStore, "growScales" | "commitLive">;
  readonly tape: Tape;
  readonly log: EngineLog;
  /** Brings minutes in memory back to what the database says. */
  readonly resync: (series: SeriesStore, range: MinuteRange) => Promise<void>;
}

/**
 * Writes sealed minutes to the tape and commits them. Minutes that somebody else owns are a bug of ours: nothing is
 * written then, the alarm is logged, and memory follows the database.
 */
export async function commitLiveSegment(
  { jobs, tape, log, resync }: LiveCommitDeps,
  { series, range, batch, contributions }: LiveSegment,
): Promise<"committed" | "conflict"> {
  const { instrument, seriesId } = series;
  const { priceScale, sizeScale } = batch.scales;
  const origin = `${instrument.venue} ws`;
  const segment = await segmentOf(tape, { kind: "live", origin, instrument, range, batch, contributions });
  try {
    await jobs.growScales(seriesId, priceScale, sizeScale);
    await jobs.commitLive(seriesId, segment);
    return "committed";
  } catch (thrown) {
    if (!(thrown instanceof CoverageConflict)) throw thrown;
    log.error({ symbol: series.symbol, ...range }, `bug: ${thrown.message}`);
    await resync(series, range);
    return "conflict";
  }
}
