import { and, asc, eq, gt, sql } from "drizzle-orm";
import * as v from "valibot";
import { channel, event, JOB_STATUSES, type JobStatus } from "../../../db/mod.ts";
import type { Access, Tx } from "./transaction.ts";

/** Channel of the transitions of all jobs. */
export const BACKFILL_CHANNEL = "backfill";
/** Most events that one read answers. */
const EVENTS_MAX = 1_000;

/** Channel of the transitions of one job. */
export function jobChannel(jobId: string): string {
  return `${BACKFILL_CHANNEL}:${jobId}`;
}

const JobEventData = v.object({
  job_id: v.string(),
  symbol: v.optional(v.string()),
  from: v.picklist(JOB_STATUSES),
  to: v.picklist(JOB_STATUSES),
  status: v.picklist(JOB_STATUSES),
  progress_pct: v.number(),
  /** RFC 3339, UTC, from the database's clock. */
  at: v.string(),
  error: v.optional(v.string()),
});
/** One transition of a job, as it goes over the wire. */
export type JobEventData = v.InferOutput<typeof JobEventData>;

/** A transition at its place in a channel. The same transition stands once in each of its two channels. */
export interface JobEvent {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
  readonly data: JobEventData;
}

export interface ChannelState {
  readonly epoch: string;
  /** Offset of the newest event, 0 before the first. */
  readonly offset: number;
}

export interface Transition {
  readonly jobId: string;
  readonly from: JobStatus;
  readonly to: JobStatus;
  readonly progressPct: number;
  readonly error?: string | undefined;
}

const Appended = v.array(
  v.object({
    channel: v.string(),
    epoch: v.string(),
    offset: v.pipe(v.union([v.string(), v.number()]), v.transform(Number)),
    data: JobEventData,
  }),
);

/**
 * Writes a transition to both of its channels. The channel's row stays locked until the transaction ends,
 * so offsets have no holes and their order is the order of commits. Always the last locks of a transaction,
 * and always `backfill` first.
 */
export async function appendTransition(tx: Tx, transition: Transition): Promise<JobEvent[]> {
  const data = {
    job_id: transition.jobId,
    from: transition.from,
    to: transition.to,
    status: transition.to,
    progress_pct: transition.progressPct,
    ...(transition.error === undefined ? {} : { error: transition.error }),
  };
  const rows = await tx.execute(sql`
    with place as (
      insert into channel (name, epoch, "offset")
      select name, left(replace(gen_random_uuid()::text, '-', ''), 8), 1
      from unnest(array[${BACKFILL_CHANNEL}, ${jobChannel(transition.jobId)}]::text[]) with ordinality as t(name, no)
      order by no
      on conflict (name) do update set "offset" = channel."offset" + 1
      returning name, epoch, "offset", clock_timestamp() as at
    ), moment as (
      select max(at) as at from place
    ), appended as (
      insert into event (channel, "offset", at, data)
      select name, "offset", moment.at, ${JSON.stringify(data)}::text::jsonb
        || jsonb_build_object('at', to_char(moment.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      from place, moment
      returning channel, "offset", data
    )
    select appended.channel, place.epoch, appended."offset", appended.data
    from appended join place on place.name = appended.channel
    order by appended.channel`);
  return v.parse(Appended, [...rows]);
}

/** Events of a channel after `sinceOffset`, oldest first, at most `limit` (itself at most 1,000). */
export async function readEvents(
  { db }: Access,
  name: string,
  sinceOffset: number,
  limit: number,
): Promise<JobEvent[]> {
  const rows = await db
    .select({ channel: event.channel, epoch: channel.epoch, offset: event.offset, data: event.data })
    .from(event)
    .innerJoin(channel, eq(channel.name, event.channel))
    .where(and(eq(event.channel, name), gt(event.offset, sinceOffset)))
    .orderBy(asc(event.offset))
    .limit(Math.min(limit, EVENTS_MAX));
  return rows.map((row) => ({ ...row, data: v.parse(JobEventData, row.data) }));
}

/** Where a channel stands; undefined for one that never had an event. */
export async function readChannelState({ db }: Access, name: string): Promise<ChannelState | undefined> {
  const rows = await db
    .select({ epoch: channel.epoch, offset: channel.offset })
    .from(channel)
    .where(eq(channel.name, name));
  return rows[0];
}
