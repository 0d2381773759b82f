import { sql } from "drizzle-orm";
import type { PartState } from "../../../db/mod.ts";
import type { Tx } from "./transaction.ts";
import type { NewChunk, NewPart } from "./types.ts";

/** Writes the parts of a new job, counted from its chunks; without `parts` they are what the chunks name. */
export async function insertParts(
  tx: Tx,
  jobId: string,
  chunks: readonly NewChunk[],
  parts: readonly NewPart[] | undefined,
): Promise<void> {
  if (parts === undefined) {
    await tx.execute(sql`
      insert into backfill_part (job_id, no, venue, symbol, timeframe, series_id, state, chunks_total)
      select ${jobId}::uuid, row_number() over (order by min(c.no)) - 1, s.venue, s.symbol, c.timeframe, s.id, 'planned', count(*)
      from backfill_chunk c join series s on s.id = c.series_id where c.job_id = ${jobId}::uuid
      group by s.id, s.venue, s.symbol, c.timeframe`);
    return;
  }
  const counts = new Map<string, number>();
  const key = (seriesId: number, timeframe: string | undefined) => `${seriesId}/${timeframe ?? ""}`;
  for (const { seriesId, timeframe } of chunks)
    counts.set(key(seriesId, timeframe), (counts.get(key(seriesId, timeframe)) ?? 0) + 1);
  const rows = parts.map(({ venue, symbol, timeframe, seriesId }, no) => ({
    no,
    venue,
    symbol,
    timeframe,
    series_id: seriesId,
    state: (seriesId === undefined ? "waiting" : "planned") satisfies PartState,
    total: seriesId === undefined ? 0 : (counts.get(key(seriesId, timeframe)) ?? 0),
  }));
  await tx.execute(sql`
    insert into backfill_part (job_id, no, venue, symbol, timeframe, series_id, state, chunks_total)
    select ${jobId}::uuid, no, venue, symbol, timeframe, series_id, state, total
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as t(no int, venue text, symbol text, timeframe text, series_id int, state text, total int)`);
}

/** True when a part of the job had nothing to fetch: then the job has not failed as a whole, whatever its chunks did. */
export async function hasCompletePart(tx: Tx, jobId: string): Promise<boolean> {
  const rows = await tx.execute(sql`
    select from backfill_part where job_id = ${jobId}::uuid and state = 'planned' and chunks_total = 0 limit 1`);
  return rows.length > 0;
}
