import { type SQL, sql } from "drizzle-orm";
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
export interface CandleChunk extends CandleKind {
  readonly chunkId: number;
}

/** One series and length of candles. */
export interface CandleKind {
  readonly seriesId: number;
  readonly timeframe: string;
}

/**
 * Writes the candles of a chunk with what became of each, and remembers which need not be fetched again. The row of the series
 * is locked, so that what is counted as known cannot change meanwhile: the counts are exact, without looking at system columns.
 */
export async function writeCandles(tx: Tx, chunk: CandleChunk, batch: CandleBatch): Promise<CandleCounts> {
  const { chunkId, seriesId, timeframe } = chunk;
  const brought = batch.candles.length;
  await lockSeries(tx, seriesId);
  // One round trip: candles that were known, candles that were written, the coverage they join, and the counts of the chunk.
  const rows = await tx.execute(sql`
    with ${writing(chunk, batch)}, known as (
      select count(*)::int as count from given join candle on candle.series_id = ${seriesId}::int
        and candle.timeframe = ${timeframe}::text and candle.open_time = given.open_time
    ), counts as materialized (
      select (select count from known) as known, (select count(*)::int from written) as written
    ), chunk as (
      update backfill_chunk set inserted = ${brought}::int - known, updated = written - (${brought}::int - known),
        unchanged = ${brought}::int - written
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

/** Writes candles that no job asked for, and remembers which need not be fetched again. */
export async function keepCandles(
  { db }: Pick<Access, "db">,
  kind: CandleKind,
  batch: CandleBatch,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockSeries(tx, kind.seriesId);
    await tx.execute(sql`with ${writing(kind, batch)} select count(*) from written`);
  });
}

/** The part of a statement that writes candles (`given`, `written`) and joins the coverage. The row of the series is locked. */
function writing({ seriesId, timeframe }: CandleKind, { candles, closed }: CandleBatch): SQL {
  const given = JSON.stringify(candles.map(toJson));
  const spans = `{${closed.map(({ lo, hi }) => `[${lo},${hi})`).join(",")}}`;
  return sql`given as materialized (
      select to_timestamp(t::double precision / 1000) as open_time, o, h, l, c, v, q, b, k, w, n
      from jsonb_to_recordset(${given}::text::jsonb)
        as g(t bigint, o numeric, h numeric, l numeric, c numeric, v numeric, q numeric, b numeric, k numeric, w numeric, n bigint)
    ), written as (
      insert into candle as old (series_id, timeframe, open_time, open, high, low, close, volume, quote_volume, buy_volume,
        buy_quote_volume, vwap, trades)
      select ${seriesId}::int, ${timeframe}::text, open_time, o, h, l, c, v, q, b, k, w, n from given
      on conflict (series_id, timeframe, open_time) do update set open = excluded.open, high = excluded.high,
        low = excluded.low, close = excluded.close, volume = excluded.volume, quote_volume = excluded.quote_volume,
        buy_volume = excluded.buy_volume, buy_quote_volume = excluded.buy_quote_volume, vwap = excluded.vwap,
        trades = excluded.trades
      where (old.open, old.high, old.low, old.close, old.volume, old.quote_volume, old.buy_volume, old.buy_quote_volume,
          old.vwap, old.trades)
        is distinct from (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume,
          excluded.quote_volume, excluded.buy_volume, excluded.buy_quote_volume, excluded.vwap, excluded.trades)
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
    )`;
}

function toJson(candle: HistoryCandle) {
  const { openMs, open, high, low, close, volume, quoteVolume, buyVolume, buyQuoteVolume, vwap, trades } =
    candle;
  return {
    t: openMs,
    o: open,
    h: high,
    l: low,
    c: close,
    v: volume,
    q: quoteVolume,
    b: buyVolume,
    k: buyQuoteVolume,
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

const number = v.pipe(v.string(), v.transform(Number));
const maybe = v.pipe(
  v.nullable(v.string()),
  v.transform((text) => text ?? undefined),
);
const StoredCandles = v.array(
  v.object({
    openMs: number,
    ...{ open: v.string(), high: v.string(), low: v.string(), close: v.string(), volume: v.string() },
    ...{ quoteVolume: maybe, buyVolume: maybe, buyQuoteVolume: maybe, vwap: maybe },
    trades: v.pipe(
      v.nullable(number),
      v.transform((count) => count ?? undefined),
    ),
  }),
);

/** The stored candles that open in `range`, ascending. */
export async function readCandles(
  { db }: Pick<Access, "db">,
  { seriesId, timeframe }: CandleKind,
  range: MinuteRange,
): Promise<HistoryCandle[]> {
  const rows = await db.execute(sql`
    select (extract(epoch from open_time) * 1000)::bigint::text as "openMs", open::text as open, high::text as high,
      low::text as low, close::text as close, volume::text as volume, quote_volume::text as "quoteVolume",
      buy_volume::text as "buyVolume", buy_quote_volume::text as "buyQuoteVolume", vwap::text as vwap, trades::text as trades
    from candle
    where series_id = ${seriesId}::int and timeframe = ${timeframe}::text
      and open_time >= to_timestamp(${range.lo}::bigint * 60) and open_time < to_timestamp(${range.hi}::bigint * 60)
    order by open_time`);
  return v.parse(StoredCandles, [...rows]);
}
