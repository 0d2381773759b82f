import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { instant, int8range, oneOf, whole } from "./columns.ts";
import { series } from "./series-schema.ts";

/**
 * The tables of docs "Jobs". What drizzle cannot express (the exclusion constraint on `coverage`) stands in
 * the SQL migration `0001_coverage_exclusion`.
 */

/** Every job status that may stand in a row or on a wire. */
export const JOB_STATUSES = [
  "idle",
  "pending",
  "in_progress",
  "paused",
  "complete",
  "cancelled",
  "error",
  "skipped",
  "disabled",
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const JOB_INTENTS = ["run", "pause", "cancel"] as const;
export type JobIntent = (typeof JOB_INTENTS)[number];

export const DATASETS = ["trades", "candles"] as const;
export type Dataset = (typeof DATASETS)[number];

export const CHUNK_STATUSES = ["pending", "leased", "done", "failed", "cancelled"] as const;
export type ChunkStatus = (typeof CHUNK_STATUSES)[number];

export const CHUNK_SOURCES = ["archive", "rest", "candles"] as const;
export type ChunkSource = (typeof CHUNK_SOURCES)[number];

export const SEGMENT_KINDS = ["backfill", "live", "correction"] as const;
export type SegmentKind = (typeof SEGMENT_KINDS)[number];

/** `superseded`: another segment owns all of its minutes now; its files may be deleted. */
export const SEGMENT_STATES = ["committed", "superseded", "quarantined"] as const;
export type SegmentState = (typeof SEGMENT_STATES)[number];

/** One Parquet file of a segment. */
export interface SegmentFile {
  /** Relative to the tape directory. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly rows: number;
}

export const backfillJob = pgTable(
  "backfill_job",
  {
    id: uuid("id").primaryKey(),
    request: jsonb("request").$type<unknown>().notNull(),
    requestKey: text("request_key").notNull(),
    dataset: text("dataset", { enum: DATASETS }).notNull(),
    status: text("status", { enum: JOB_STATUSES }).notNull(),
    intent: text("intent", { enum: JOB_INTENTS }).notNull().default("run"),
    priority: integer("priority").notNull().default(0),
    maxParallel: integer("max_parallel").notNull(),
    chunksTotal: integer("chunks_total").notNull(),
    chunksDone: integer("chunks_done").notNull().default(0),
    chunksFailed: integer("chunks_failed").notNull().default(0),
    /** Called off by a cancel or a deadline; a retry brings them back. */
    chunksCancelled: integer("chunks_cancelled").notNull().default(0),
    leased: integer("leased").notNull().default(0),
    recordsFetched: whole("records_fetched").notNull().default(0),
    recordsInserted: whole("records_inserted").notNull().default(0),
    /** Candles that stood there with other values, and with the same. */
    recordsUpdated: whole("records_updated").notNull().default(0),
    recordsUnchanged: whole("records_unchanged").notNull().default(0),
    /** True until every symbol has been looked up and its chunks are written: the job cannot end before. */
    planning: boolean("planning").notNull().default(false),
    /** Somebody plans it until then, or nobody is to try before. */
    planUntil: instant("plan_until"),
    /** When a chunk of it was last claimed: among jobs of one priority the longest unserved comes next. */
    servedAt: instant("served_at").notNull().defaultNow(),
    error: text("error"),
    createdAt: instant("created_at").notNull().defaultNow(),
    startedAt: instant("started_at"),
    finishedAt: instant("finished_at"),
    /** Past it, a job that has not ended ends in error. */
    deadlineAt: instant("deadline_at"),
    version: integer("version").notNull().default(1),
  },
  (t) => [
    unique("backfill_job_request_key").on(t.requestKey),
    check("backfill_job_status_check", oneOf("status", JOB_STATUSES)),
    check("backfill_job_intent_check", oneOf("intent", JOB_INTENTS)),
    check("backfill_job_dataset_check", oneOf("dataset", DATASETS)),
    check("backfill_job_parallel_check", sql`${t.maxParallel} > 0`),
    check(
      "backfill_job_counters_check",
      sql`${t.chunksDone} >= 0 and ${t.chunksFailed} >= 0 and ${t.chunksCancelled} >= 0 and ${t.leased} >= 0 and ${t.chunksDone} + ${t.chunksFailed} + ${t.chunksCancelled} + ${t.leased} <= ${t.chunksTotal}`,
    ),
    index("backfill_job_claim_idx")
      .on(t.priority.desc().nullsFirst(), t.createdAt, t.id)
      .where(sql`status in ('pending', 'in_progress')`),
    index("backfill_job_deadline_idx").on(t.deadlineAt).where(sql`finished_at is null`),
    index("backfill_job_planning_idx").on(t.planUntil).where(sql`planning and finished_at is null`),
    index("backfill_job_recent_idx").on(t.createdAt.desc().nullsFirst(), t.id.desc().nullsFirst()),
  ],
);

export const backfillChunk = pgTable(
  "backfill_chunk",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    jobId: uuid("job_id")
      .notNull()
      .references(() => backfillJob.id, { onDelete: "cascade" }),
    no: integer("no").notNull(),
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    timeframe: text("timeframe"),
    lo: whole("lo").notNull(),
    hi: whole("hi").notNull(),
    source: text("source", { enum: CHUNK_SOURCES }).notNull(),
    status: text("status", { enum: CHUNK_STATUSES }).notNull().default("pending"),
    /** Download order inside the job, lowest first. */
    rank: integer("rank").notNull(),
    attempt: integer("attempt").notNull().default(0),
    leaseToken: whole("lease_token").notNull().default(0),
    leaseOwner: text("lease_owner"),
    leaseUntil: instant("lease_until"),
    runAfter: instant("run_after").notNull().defaultNow(),
    checkpoint: jsonb("checkpoint").$type<unknown>(),
    records: whole("records").notNull().default(0),
    /** Of them new; what stood there with other values; with the same. */
    inserted: whole("inserted").notNull().default(0),
    updated: whole("updated").notNull().default(0),
    unchanged: whole("unchanged").notNull().default(0),
    error: text("error"),
  },
  (t) => [
    unique("backfill_chunk_no_key").on(t.jobId, t.no),
    check("backfill_chunk_status_check", oneOf("status", CHUNK_STATUSES)),
    check("backfill_chunk_source_check", oneOf("source", CHUNK_SOURCES)),
    check("backfill_chunk_range_check", sql`${t.lo} < ${t.hi}`),
    check("backfill_chunk_lease_check", sql`(${t.status} = 'leased') = (${t.leaseUntil} is not null)`),
    index("backfill_chunk_claim_idx").on(t.jobId, t.rank, t.no).where(sql`status = 'pending'`),
    index("backfill_chunk_due_idx").on(t.jobId, t.runAfter).where(sql`status = 'pending'`),
    index("backfill_chunk_open_idx").on(t.seriesId, t.lo).where(sql`status in ('pending', 'leased')`),
    index("backfill_chunk_cancelled_idx").on(t.seriesId, t.lo).where(sql`status = 'cancelled'`),
    index("backfill_chunk_failed_idx").on(t.seriesId, t.lo).where(sql`status = 'failed'`),
    index("backfill_chunk_lease_idx").on(t.leaseUntil).where(sql`status = 'leased'`),
  ],
);

/** `waiting`: its symbol has not been looked up yet; `refused`: it cannot be served, `error` says why. */
export const PART_STATES = ["waiting", "planned", "refused"] as const;
export type PartState = (typeof PART_STATES)[number];

/**
 * One symbol of a job (in a candle job: one symbol and timeframe) with its counters, so that reading a job's details costs the
 * same however many chunks it has. The trigger `backfill_chunk_counted` keeps the counters when a transaction of a chunk commits, under
 * the lock of the job's row; what is called off or brought back by the thousand is counted by the statement that does it.
 */
export const backfillPart = pgTable(
  "backfill_part",
  {
    jobId: uuid("job_id")
      .notNull()
      .references(() => backfillJob.id, { onDelete: "cascade" }),
    no: integer("no").notNull(),
    venue: text("venue").notNull(),
    symbol: text("symbol").notNull(),
    timeframe: text("timeframe"),
    /** Null while waiting, and for ever when refused. */
    seriesId: integer("series_id").references(() => series.id),
    state: text("state", { enum: PART_STATES }).notNull(),
    /** Times its planning failed. */
    attempt: integer("attempt").notNull().default(0),
    chunksTotal: integer("chunks_total").notNull().default(0),
    chunksDone: integer("chunks_done").notNull().default(0),
    chunksFailed: integer("chunks_failed").notNull().default(0),
    chunksCancelled: integer("chunks_cancelled").notNull().default(0),
    recordsFetched: whole("records_fetched").notNull().default(0),
    recordsInserted: whole("records_inserted").notNull().default(0),
    recordsUpdated: whole("records_updated").notNull().default(0),
    recordsUnchanged: whole("records_unchanged").notNull().default(0),
    error: text("error"),
  },
  (t) => [
    primaryKey({ columns: [t.jobId, t.no] }),
    check("backfill_part_state_check", oneOf("state", PART_STATES)),
    index("backfill_part_series_idx").on(t.jobId, t.seriesId),
  ],
);

export const segment = pgTable(
  "segment",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    /** The chunk whose commit wrote it; null for live flushes and corrections without a chunk. */
    chunkId: whole("chunk_id").references(() => backfillChunk.id, { onDelete: "set null" }),
    kind: text("kind", { enum: SEGMENT_KINDS }).notNull(),
    state: text("state", { enum: SEGMENT_STATES }).notNull().default("committed"),
    lo: whole("lo").notNull(),
    hi: whole("hi").notNull(),
    files: jsonb("files").$type<readonly SegmentFile[]>().notNull(),
    rows: whole("rows").notNull(),
    /** Text, because some venues have no numeric ids. */
    firstId: text("first_id"),
    lastId: text("last_id"),
    firstTimeUs: whole("first_time_us"),
    lastTimeUs: whole("last_time_us"),
    /** Fingerprint of the segment's exact sums; its form is the tape's business. */
    digest: text("digest").notNull(),
    origin: text("origin").notNull(),
    reason: text("reason"),
    committedAt: instant("committed_at").notNull().defaultNow(),
    endedAt: instant("ended_at"),
  },
  (t) => [
    check("segment_kind_check", oneOf("kind", SEGMENT_KINDS)),
    check("segment_state_check", oneOf("state", SEGMENT_STATES)),
    check("segment_range_check", sql`${t.lo} < ${t.hi}`),
    check("segment_ended_check", sql`(${t.state} = 'committed') = (${t.endedAt} is null)`),
    index("segment_series_idx").on(t.seriesId, t.lo),
    index("segment_chunk_idx").on(t.chunkId),
    index("segment_ended_idx").on(t.endedAt).where(sql`state <> 'committed'`),
  ],
);

/** Which segment owns which minutes. No two rows of a series overlap: the database refuses it. */
export const coverage = pgTable(
  "coverage",
  {
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    range: int8range("range").notNull(),
    segmentId: whole("segment_id")
      .notNull()
      .references(() => segment.id),
  },
  (t) => [
    check(
      "coverage_range_check",
      sql`not isempty(${t.range}) and lower(${t.range}) is not null and upper(${t.range}) is not null`,
    ),
    index("coverage_segment_idx").on(t.segmentId),
  ],
);

export const channel = pgTable("channel", {
  name: text("name").primaryKey(),
  /** Names the channel's history: another epoch means that offsets before it mean nothing. */
  epoch: text("epoch").notNull(),
  /** Offset of the newest event; 0 before the first. */
  offset: whole("offset").notNull().default(0),
});

export const event = pgTable(
  "event",
  {
    channel: text("channel")
      .notNull()
      .references(() => channel.name),
    offset: whole("offset").notNull(),
    at: instant("at").notNull(),
    data: jsonb("data").$type<unknown>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.channel, t.offset] })],
);

export * from "./automation-schema.ts";
export * from "./candle-schema.ts";
export * from "./series-schema.ts";
export * from "./upkeep-schema.ts";
