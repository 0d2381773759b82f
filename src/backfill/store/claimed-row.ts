import * as v from "valibot";
import { CHUNK_SOURCES } from "../../../db/mod.ts";
import type { ClaimedChunk } from "./types.ts";

/** A row of `backfill_chunk` that a claim has just written, as `to_json` prints it. */
export const TakenRow = v.object({
  id: v.number(),
  lease_token: v.number(),
  lo: v.number(),
  hi: v.number(),
  source: v.picklist(CHUNK_SOURCES),
  timeframe: v.nullable(v.string()),
  attempt: v.number(),
  checkpoint: v.unknown(),
});
/** A row of `series` the same way. */
export const TakenSeries = v.object({
  id: v.number(),
  venue: v.string(),
  market: v.string(),
  symbol: v.string(),
  price_scale: v.number(),
  size_scale: v.number(),
  tick_units: v.number(),
  lot_units: v.number(),
  bin_units: v.number(),
});
/** A chunk that was claimed together with the statement that prints it; its job was running before, so there is no event. */
export function toClaimed(
  chunk: v.InferOutput<typeof TakenRow>,
  series: v.InferOutput<typeof TakenSeries>,
  job: ClaimedChunk["job"],
): ClaimedChunk {
  return {
    lease: { chunkId: chunk.id, token: chunk.lease_token },
    job,
    series: {
      id: series.id,
      venue: series.venue,
      market: series.market,
      symbol: series.symbol,
      priceScale: series.price_scale,
      sizeScale: series.size_scale,
      tickUnits: series.tick_units,
      lotUnits: series.lot_units,
      binUnits: series.bin_units,
    },
    range: { lo: chunk.lo, hi: chunk.hi },
    source: chunk.source,
    timeframe: chunk.timeframe ?? undefined,
    attempt: chunk.attempt,
    checkpoint: chunk.checkpoint,
    events: [],
  };
}
