import { desc, inArray, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillJob, segment } from "../../../db/mod.ts";
import type { MinuteRange } from "../../core/mod.ts";
import { BACKFILL_CHANNEL, type JobEvent, jobChannel, readChannelState, readEvents } from "./events.ts";
import { toProgress } from "./progress.ts";
import type { Access } from "./transaction.ts";
import type { JobProgress } from "./types.ts";

/** Segments that one look takes; the next look takes the rest. */
const SEGMENTS_MAX = 2_000;
/** Events that one look takes. */
const EVENTS_MAX = 500;
/** Segments before the newest that are looked at when a feed begins: commits under way then have lower ids than that. */
const BEGIN_LOOKBACK = 10_000;
/** A segment is quarantined in less than this, from the start of its transaction to the end. */
const QUARANTINE_SLACK_SECONDS = 120;

export interface ChangedSegment {
  readonly id: number;
  readonly seriesId: number;
  readonly range: MinuteRange;
}

/** What was committed since the last look, by whatever process. */
export interface Changes {
  /** New segments, and quarantined ones: who owns their minutes has changed. */
  readonly segments: readonly ChangedSegment[];
  /** In order, of both channels of each transition. */
  readonly events: readonly JobEvent[];
  /** Jobs that may have moved, with their counters now. */
  readonly jobs: readonly JobProgress[];
  /** More is waiting than one look takes. */
  readonly more: boolean;
}

const id = v.union([v.pipe(v.string(), v.transform(Number)), v.number()]);
const xid = v.pipe(
  v.string(),
  v.transform((text) => BigInt(text)),
);
const Row = v.object({ id, series_id: v.number(), lo: v.number(), hi: v.number() });
const Look = v.tuple([v.object({ low: xid, high: xid, segments: v.array(Row) })]);

/**
 * Follows what the tables say, look by look, without missing a commit. Ids of segments are given out in one order and
 * committed in another, so an id that was skipped may still appear. It is looked for until it cannot: the transaction that
 * drew it was running when a higher id was first seen, and once `pg_snapshot_xmin` has passed every transaction of
 * that moment, it has ended.
 */
export class ChangeFeed {
  readonly #access: Access;
  #highest = 0;
  /** Skipped ids below the highest, each with the transaction id that every candidate for it was below. */
  readonly #skipped = new Map<number, bigint>();
  /** Segments that this process committed and that were not seen yet. */
  readonly #own = new Set<number>();
  #quarantined: ReadonlySet<number> = new Set();
  /** Seen and not told yet: a look that fails half-way loses nothing. */
  #untold: ChangedSegment[] = [];
  #eventOffset = 0;
  /** Jobs that have not ended, as far as is known. */
  readonly #unfinished = new Set<string>();

  constructor(access: Access) {
    this.#access = access;
  }

  /** Takes what is there now as known. Call it before anything else is read. */
  async begin(): Promise<void> {
    const { db } = this.#access;
    this.#eventOffset = (await readChannelState(this.#access, BACKFILL_CHANNEL))?.offset ?? 0;
    const jobs = await db
      .select({ id: backfillJob.id })
      .from(backfillJob)
      .where(sql`${backfillJob.finishedAt} is null`);
    for (const job of jobs) this.#unfinished.add(job.id);
    const newest = await db.select({ id: segment.id }).from(segment).orderBy(desc(segment.id)).limit(1);
    this.#highest = Math.max(0, (newest[0]?.id ?? 0) - BEGIN_LOOKBACK);
    while (await this.#newSegments());
    await this.#newlyQuarantined();
    this.#untold = [];
  }

  /**
   * These segments are this process's own: what they hold is in memory already, and no look will tell of them. Answers
   * whether a look has done so before: then memory may have been changed in another order than the database.
   */
  known(segmentIds: readonly number[]): boolean {
    const late = segmentIds.filter((id) => id <= this.#highest && !this.#skipped.has(id));
    for (const id of segmentIds) if (!late.includes(id)) this.#own.add(id);
    return late.length > 0;
  }

  async look(): Promise<Changes> {
    const full = await this.#newSegments();
    await this.#newlyQuarantined();
    const transitions = await readEvents(this.#access, BACKFILL_CHANNEL, this.#eventOffset, EVENTS_MAX);
    for (const { data } of transitions) this.#unfinished.add(data.job_id);
    const [jobs, own] = await Promise.all([this.#jobs(), this.#ownEvents(transitions)]);
    for (const job of jobs) if (job.finishedAt !== undefined) this.#unfinished.delete(job.id);
    this.#eventOffset = transitions.at(-1)?.offset ?? this.#eventOffset;
    const segments = this.#untold;
    this.#untold = [];
    return {
      segments,
      events: [...transitions, ...own],
      jobs,
      more: full || transitions.length === EVENTS_MAX,
    };
  }

  /** Answers whether there are more. */
  async #newSegments(): Promise<boolean> {
    const skipped = `{${[...this.#skipped.keys()].join(",")}}`;
    const rows = await this.#access.db.execute(sql`
      with moment as materialized (select pg_current_snapshot() as s)
      select pg_snapshot_xmin(s)::text as low, pg_snapshot_xmax(s)::text as high,
        (select coalesce(jsonb_agg(to_jsonb(found) order by found.id), '[]') from (
          (select id, series_id, lo, hi from segment where id > ${this.#highest} order by id limit ${SEGMENTS_MAX})
          union all
          select id, series_id, lo, hi from segment where id = any(${skipped}::bigint[])) found
        ) as segments
      from moment`);
    const [{ low, high, segments }] = v.parse(Look, [...rows]);
    for (const row of segments) this.#skipped.delete(row.id);
    for (const [id, until] of this.#skipped) if (low >= until) this.#skipped.delete(id);
    const above = segments.filter((row) => row.id > this.#highest);
    for (const row of above) {
      for (let id = this.#highest + 1; id < row.id; id++) this.#skipped.set(id, high);
      this.#highest = row.id;
    }
    this.#untold.push(...segments.filter((row) => !this.#own.delete(row.id)).map(toChanged));
    return above.length === SEGMENTS_MAX;
  }

  async #newlyQuarantined(): Promise<void> {
    const rows = await this.#access.db
      .select({ id: segment.id, series_id: segment.seriesId, lo: segment.lo, hi: segment.hi })
      .from(segment)
      .where(
        sql`${segment.state} = 'quarantined' and ${segment.endedAt} > now() - ${QUARANTINE_SLACK_SECONDS} * interval '1 second'`,
      );
    this.#untold.push(...rows.filter((row) => !this.#quarantined.has(row.id)).map(toChanged));
    this.#quarantined = new Set(rows.map((row) => row.id));
  }

  async #jobs(): Promise<JobProgress[]> {
    if (this.#unfinished.size === 0) return [];
    const rows = await this.#access.db
      .select()
      .from(backfillJob)
      .where(inArray(backfillJob.id, [...this.#unfinished]));
    return rows.map(toProgress);
  }

  /** The same transitions in the channels of their jobs. */
  async #ownEvents(transitions: readonly JobEvent[]): Promise<JobEvent[]> {
    const moments = new Set(transitions.map(momentOf));
    const events: JobEvent[] = [];
    for (const jobId of new Set(transitions.map(({ data }) => data.job_id)))
      events.push(...(await readEvents(this.#access, jobChannel(jobId), 0, EVENTS_MAX)));
    return events.filter((event) => moments.has(momentOf(event)));
  }
}

/** A transition stands in both of its channels with one time. */
function momentOf({ data }: JobEvent): string {
  return `${data.job_id} ${data.at} ${data.from} ${data.to}`;
}

function toChanged({ id: segmentId, series_id, lo, hi }: v.InferOutput<typeof Row>): ChangedSegment {
  return { id: segmentId, seriesId: series_id, range: { lo, hi } };
}
