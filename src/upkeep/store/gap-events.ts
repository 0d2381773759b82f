import { and, asc, eq, gt, sql } from "drizzle-orm";
import * as v from "valibot";
import { type Database, type Drizzle, event, GAP_REASONS } from "../../../db/mod.ts";
import { CHECKED_FIELDS } from "../../core/mod.ts";

export type Access = Pick<Database, "db">;
/** Everything inside one transaction goes through this. */
export type Tx = Parameters<Parameters<Drizzle["transaction"]>[0]>[0];

/** Most events that one read answers. */
const EVENTS_MAX = 1_000;
/** Newest events of a channel that are kept: weeks of a bad line. Older ones cannot be recovered any more. */
export const EVENTS_KEPT = 10_000;

const minute = v.pipe(v.number(), v.integer());

/** What happened to the minutes [lo, hi) of a series. Values as decimal text. */
export const GapChange = v.variant("change", [
  v.object({ change: v.literal("found"), lo: minute, hi: minute, reason: v.picklist(GAP_REASONS) }),
  v.object({ change: v.literal("filled"), lo: minute, hi: minute, reason: v.picklist(GAP_REASONS) }),
  v.object({
    change: v.picklist(["mismatch", "resolved"]),
    lo: minute,
    hi: minute,
    field: v.picklist(CHECKED_FIELDS),
    ours: v.string(),
    theirs: v.string(),
  }),
]);
export type GapChange = v.InferOutput<typeof GapChange>;

/** A change at its place in the channel of its series. */
export interface GapEvent {
  readonly channel: string;
  readonly offset: number;
  /** From the database's clock, ms since the epoch. */
  readonly atMs: number;
  readonly data: GapChange;
}

/** Channel of the gaps and mismatches of a symbol (`VENUE:SYMBOL`). */
export function gapChannel(symbol: string): string {
  return `gaps:${symbol}`;
}

const count = v.pipe(v.union([v.string(), v.number()]), v.transform(Number));
const Placed = v.tuple([v.object({ last: count, at_ms: v.number() })]);

/**
 * Writes changes to a channel, in order. The channel's row stays locked until the transaction ends, so offsets have no holes
 * and their order is the order of commits: the last lock of a transaction.
 */
export async function appendChanges(
  tx: Tx,
  name: string,
  changes: readonly GapChange[],
): Promise<GapEvent[]> {
  if (changes.length === 0) return [];
  const rows = await tx.execute(sql`
    with place as (
      insert into channel (name, epoch, "offset")
      values (${name}::text, left(replace(gen_random_uuid()::text, '-', ''), 8), ${changes.length})
      on conflict (name) do update set "offset" = channel."offset" + ${changes.length}
      returning "offset" as last, date_trunc('milliseconds', clock_timestamp()) as at
    ), appended as (
      insert into event (channel, "offset", at, data)
      select ${name}::text, place.last - ${changes.length} + item.no, place.at, item.data
      from place, jsonb_array_elements(${JSON.stringify(changes)}::text::jsonb) with ordinality as item (data, no)
    ), old as (
      delete from event using place
      where event.channel = ${name}::text and event."offset" <= place.last - ${EVENTS_KEPT}
    )
    select last, (extract(epoch from at) * 1000)::double precision as at_ms from place`);
  const [{ last, at_ms: atMs }] = v.parse(Placed, [...rows]);
  const first = last - changes.length + 1;
  return changes.map((data, i) => ({ channel: name, offset: first + i, atMs, data }));
}

/** Events of a channel after `sinceOffset`, oldest first, at most `limit` (itself at most 1,000). */
export async function readChanges(
  { db }: Access,
  name: string,
  sinceOffset: number,
  limit: number,
): Promise<GapEvent[]> {
  const rows = await db
    .select({ channel: event.channel, offset: event.offset, at: event.at, data: event.data })
    .from(event)
    .where(and(eq(event.channel, name), gt(event.offset, sinceOffset)))
    .orderBy(asc(event.offset))
    .limit(Math.min(limit, EVENTS_MAX));
  return rows.map(({ at, ...row }) => ({ ...row, atMs: at.getTime(), data: v.parse(GapChange, row.data) }));
}

const Position = v.object({ epoch: v.string(), offset: count });

/** Where a channel stands. One that nobody has written to gets its name now, so that its history has an epoch. */
export async function openChannel(
  { db }: Access,
  name: string,
): Promise<{ readonly epoch: string; readonly offset: number }> {
  const look = async () => {
    const rows = await db.execute(sql`
      with made as (
        insert into channel (name, epoch) values (${name}::text, left(replace(gen_random_uuid()::text, '-', ''), 8))
        on conflict (name) do nothing returning epoch, "offset"
      )
      select epoch, "offset" from made
      union all select epoch, "offset" from channel where name = ${name}::text`);
    return v.parse(v.array(Position), [...rows])[0];
  };
  // The first look finds none when another process made it at the same moment, out of that statement's sight.
  return (await look()) ?? (await look()) ?? { epoch: "", offset: 0 };
}
