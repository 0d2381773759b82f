import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  check,
  customType,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

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

/** `[lo, hi)` in minutes since the epoch, as Postgres prints it. */
const int8range = customType<{ data: string; driverData: string }>({ dataType: () => "int8range" });

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date", precision: 6 });
const whole = (name: string) => bigint(name, { mode: "number" });

/** SQL list of the allowed values of a text column. */
function oneOf(column: string, values: readonly string[]) {
  return sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(", ")})`);
}

export const series = pgTable(
  "series",
  {
    id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
    venue: text("venue").notNull(),
    market: text("market").notNull(),
    symbol: text("symbol").notNull(),
    priceScale: smallint("price_scale").notNull(),
    sizeScale: smallint("size_scale").notNull(),
    tickUnits: whole("tick_units").notNull(),
    lotUnits: whole("lot_units").notNull(),
    binUnits: whole("bin_units").notNull(),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    unique("series_name_key").on(t.venue, t.market, t.symbol),
    check("series_scales_check", sql`${t.priceScale} between 0 and 15 and ${t.sizeScale} between 0 and 15`),
    // 2^53 - 1: beyond it the units would no longer be exact numbers in TypeScript.
    check(
      "series_units_check",
      sql`${t.tickUnits} between 1 and 9007199254740991 and ${t.lotUnits} between 1 and 9007199254740991 and ${t.binUnits} between 1 and 9007199254740991`,
    ),
  ],
);

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
    leased: integer("leased").notNull().default(0),
    recordsFetched: whole("records_fetched").notNull().default(0),
    recordsInserted: whole("records_inserted").notNull().default(0),
    error: text("error"),
    createdAt: instant("created_at").notNull().defaultNow(),
    startedAt: instant("started_at"),
    finishedAt: instant("finished_at"),
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
      sql`${t.chunksDone} >= 0 and ${t.chunksFailed} >= 0 and ${t.leased} >= 0 and ${t.chunksDone} + ${t.chunksFailed} + ${t.leased} <= ${t.chunksTotal}`,
    ),
    index("backfill_job_claim_idx")
      .on(t.priority.desc().nullsFirst(), t.createdAt, t.id)
      .where(sql`status in ('pending', 'in_progress')`),
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
    index("backfill_chunk_lease_idx").on(t.leaseUntil).where(sql`status = 'leased'`),
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

export const candle = pgTable(
  "candle",
  {
    seriesId: integer("series_id")
      .notNull()
      .references(() => series.id),
    timeframe: text("timeframe").notNull(),
    openTime: instant("open_time").notNull(),
    open: numeric("open").notNull(),
    high: numeric("high").notNull(),
    low: numeric("low").notNull(),
    close: numeric("close").notNull(),
    volume: numeric("volume").notNull(),
    vwap: numeric("vwap"),
    trades: whole("trades"),
  },
  (t) => [primaryKey({ columns: [t.seriesId, t.timeframe, t.openTime] })],
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
