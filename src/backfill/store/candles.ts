import { sql } from "drizzle-orm";
import * as v from "valibot";
import { invariant, type MinuteRange } from "../../core/mod.ts";
import type { HistoryCandle } from "../../venues/mod.ts";
import { lockSeries } from "./series.ts";
import type { Access, Tx } from "./transaction.ts";
import type { CandleBatch, CandleCounts, CandleSpan } from "./types.ts";

const Counted = v.tuple([v.object({ inserted: v.number(), updated: v.number(), unchanged: v.number() })]);
const minute = v.pipe(v.string(), v.transform(Number));
const Spans = v.array(v.object({ seriesId: v.number(), timeframe: v.string(), lo: minute, hi: minute }));

/** The chunk that brings candles, whose row this transaction has locked. */
export interface CandleChunk {
  readonly chunkId: number;
  readonly seriesId: number;
  readonly timeframe: string;
}

/**
 * Writes the candles of a chunk with what became of each, and remembers which need not be fetched again. The row of the series
 * is locked, so that what is counted as known cannot change meanwhile: the counts are exact, without looking at system columns.
 */
export async function writeCandles(
  tx: Tx,
  { chunkId, seriesId, timeframe }: CandleChunk,
  { candles, closed }: CandleBatch,
): Promise<CandleCounts> {
  await lockSeries(tx, seriesId);
  const given = JSON.stringify(candles.map(toJson));
  const spans = `{${closed.map(({ lo, hi }) => `[${lo},${hi})`).join(",")}}`;
  // One round trip: candles that were known, candles that were written, the coverage they join, and the counts of the chunk.
  const rows = await tx.execute(sql`
    with given as materialized (
      select to_timestamp(t::double precision / 1000) as open_time, o, h, l, c, v, q, b, w, n
      from jsonb_to_recordset(${given}::text::jsonb)
        as g(t bigint, o numeric, h numeric, l numeric, c numeric, v numeric, q numeric, b numeric, w numeric, n bigint)
    ), known as (
      select count(*)::int as count from given join candle on candle.series_id = ${seriesId}::int
        and candle.timeframe = ${timeframe}::text and candle.open_time = given.open_time
    ), written as (
      insert into candle as old (series_id, timeframe, open_time, open, high, low, close, volume, quote_volume, buy_volume, vwap, trades)
      select ${seriesId}::int, ${timeframe}::text, open_time, o, h, l, c, v, q, b, w, n from given
      on conflict (series_id, timeframe, open_time) do update set open = excluded.open, high = excluded.high,
        low = excluded.low, close = excluded.close, volume = excluded.volume, quote_volume = excluded.quote_volume,
        buy_volume = excluded.buy_volume, vwap = excluded.vwap, trades = excluded.trades
      where (old.open, old.high, old.low, old.close, old.volume, old.quote_volume, old.buy_volume, old.vwap, old.trades)
        is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
          excluded.quote_volume, excluded.buy_volume, excluded.vwap, excluded.trades)
      returning 1
    ), fresh as materialized (
      select unnest(${spans}::text::int8multirange) as range
    ), joined as (
      delete from candle_coverage c using fresh
      where c.series_id = ${seriesId}::int and c.timeframe = ${timeframe}::text
        and (c.range && fresh.range or c.range -|- fresh.range)
      returning c.range
    ), covered as (
      insert into candle_coverage (series_id, timeframe, range)
      select ${seriesId}::int, ${timeframe}::text, unnest(range_agg(range))
      from (select range from joined union all select range from fresh) as pieces
    ), counts as materialized (
      select (select count from known) as known, (select count(*)::int from written) as written
    ), chunk as (
      update backfill_chunk set inserted = ${candles.length}::int - known, updated = written - (${candles.length}::int - known),
        unchanged = ${candles.length}::int - written
      from counts where id = ${chunkId}::bigint
      returning inserted, updated, unchanged
    )
    select inserted::int as inserted, updated::int as updated, unchanged::int as unchanged from chunk`);
  const [counts] = v.parse(Counted, [...rows]);
  invariant(
    counts.inserted >= 0 && counts.updated >= 0,
    `chunk ${chunkId} brought a candle twice: ${JSON.stringify(counts)}`,
  );
  return counts;
}

function toJson(candle: HistoryCandle) {
  const { openMs, open, high, low, close, volume, quoteVolume, buyVolume, vwap, trades } = candle;
  return {
    t: openMs,
    o: open,
    h: high,
    l: low,
    c: close,
    v: volume,
    q: quoteVolume,
    b: buyVolume,
    w: vwap,
    n: trades,
  };
}

/** Spans of `range` whose candles are known and final, by series, timeframe and time: disjoint, cut to `range`. */
export async function readCandleCoverage(
  { db }: Pick<Access, "db">,
  seriesIds: readonly number[],
  timeframes: readonly string[],
  range: MinuteRange,
): Promise<CandleSpan[]> {
  const asked = sql`int8range(${range.lo}::bigint, ${Math.max(range.lo, range.hi)}::bigint)`;
  const rows = await db.execute(sql`
    select series_id as "seriesId", timeframe, lower(range * ${asked})::text as lo, upper(range * ${asked})::text as hi
    from candle_coverage
    where series_id = any(${sql.param(`{${seriesIds.join(",")}}`)}::int[])
      and timeframe = any(${sql.param(`{${timeframes.join(",")}}`)}::text[]) and range && ${asked}
    order by series_id, timeframe, range`);
  return v.parse(Spans, [...rows]);
}
