CREATE TABLE "backfill_chunk" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"no" integer NOT NULL,
	"series_id" integer NOT NULL,
	"timeframe" text,
	"lo" bigint NOT NULL,
	"hi" bigint NOT NULL,
	"source" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"rank" integer NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"lease_token" bigint DEFAULT 0 NOT NULL,
	"lease_owner" text,
	"lease_until" timestamp (6) with time zone,
	"run_after" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"checkpoint" jsonb,
	"records" bigint DEFAULT 0 NOT NULL,
	"error" text,
	CONSTRAINT "backfill_chunk_no_key" UNIQUE("job_id","no"),
	CONSTRAINT "backfill_chunk_status_check" CHECK ("status" in ('pending', 'leased', 'done', 'failed', 'cancelled')),
	CONSTRAINT "backfill_chunk_source_check" CHECK ("source" in ('archive', 'rest', 'candles')),
	CONSTRAINT "backfill_chunk_range_check" CHECK ("backfill_chunk"."lo" < "backfill_chunk"."hi"),
	CONSTRAINT "backfill_chunk_lease_check" CHECK (("backfill_chunk"."status" = 'leased') = ("backfill_chunk"."lease_until" is not null))
);
--> statement-breakpoint
CREATE TABLE "backfill_job" (
	"id" uuid PRIMARY KEY NOT NULL,
	"request" jsonb NOT NULL,
	"request_key" text NOT NULL,
	"dataset" text NOT NULL,
	"status" text NOT NULL,
	"intent" text DEFAULT 'run' NOT NULL,
	"priority" integer DEFAULT 0 NOT NULL,
	"max_parallel" integer NOT NULL,
	"chunks_total" integer NOT NULL,
	"chunks_done" integer DEFAULT 0 NOT NULL,
	"chunks_failed" integer DEFAULT 0 NOT NULL,
	"leased" integer DEFAULT 0 NOT NULL,
	"records_fetched" bigint DEFAULT 0 NOT NULL,
	"records_inserted" bigint DEFAULT 0 NOT NULL,
	"error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (6) with time zone,
	"finished_at" timestamp (6) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "backfill_job_request_key" UNIQUE("request_key"),
	CONSTRAINT "backfill_job_status_check" CHECK ("status" in ('idle', 'pending', 'in_progress', 'paused', 'complete', 'cancelled', 'error', 'skipped', 'disabled')),
	CONSTRAINT "backfill_job_intent_check" CHECK ("intent" in ('run', 'pause', 'cancel')),
	CONSTRAINT "backfill_job_dataset_check" CHECK ("dataset" in ('trades', 'candles')),
	CONSTRAINT "backfill_job_parallel_check" CHECK ("backfill_job"."max_parallel" > 0),
	CONSTRAINT "backfill_job_counters_check" CHECK ("backfill_job"."chunks_done" >= 0 and "backfill_job"."chunks_failed" >= 0 and "backfill_job"."leased" >= 0 and "backfill_job"."chunks_done" + "backfill_job"."chunks_failed" + "backfill_job"."leased" <= "backfill_job"."chunks_total")
);
--> statement-breakpoint
CREATE TABLE "candle" (
	"series_id" integer NOT NULL,
	"timeframe" text NOT NULL,
	"open_time" timestamp (6) with time zone NOT NULL,
	"open" numeric NOT NULL,
	"high" numeric NOT NULL,
	"low" numeric NOT NULL,
	"close" numeric NOT NULL,
	"volume" numeric NOT NULL,
	"vwap" numeric,
	"trades" bigint,
	CONSTRAINT "candle_series_id_timeframe_open_time_pk" PRIMARY KEY("series_id","timeframe","open_time")
);
--> statement-breakpoint
CREATE TABLE "channel" (
	"name" text PRIMARY KEY NOT NULL,
	"epoch" text NOT NULL,
	"offset" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "coverage" (
	"series_id" integer NOT NULL,
	"range" "int8range" NOT NULL,
	"segment_id" bigint NOT NULL,
	CONSTRAINT "coverage_range_check" CHECK (not isempty("coverage"."range") and lower("coverage"."range") is not null and upper("coverage"."range") is not null)
);
--> statement-breakpoint
CREATE TABLE "event" (
	"channel" text NOT NULL,
	"offset" bigint NOT NULL,
	"at" timestamp (6) with time zone NOT NULL,
	"data" jsonb NOT NULL,
	CONSTRAINT "event_channel_offset_pk" PRIMARY KEY("channel","offset")
);
--> statement-breakpoint
CREATE TABLE "segment" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"series_id" integer NOT NULL,
	"chunk_id" bigint,
	"kind" text NOT NULL,
	"state" text DEFAULT 'committed' NOT NULL,
	"lo" bigint NOT NULL,
	"hi" bigint NOT NULL,
	"files" jsonb NOT NULL,
	"rows" bigint NOT NULL,
	"first_id" text,
	"last_id" text,
	"first_time_us" bigint,
	"last_time_us" bigint,
	"digest" text NOT NULL,
	"origin" text NOT NULL,
	"reason" text,
	"committed_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (6) with time zone,
	CONSTRAINT "segment_kind_check" CHECK ("kind" in ('backfill', 'live', 'correction')),
	CONSTRAINT "segment_state_check" CHECK ("state" in ('committed', 'superseded', 'quarantined')),
	CONSTRAINT "segment_range_check" CHECK ("segment"."lo" < "segment"."hi"),
	CONSTRAINT "segment_ended_check" CHECK (("segment"."state" = 'committed') = ("segment"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "series" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "series_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"venue" text NOT NULL,
	"market" text NOT NULL,
	"symbol" text NOT NULL,
	"price_scale" smallint NOT NULL,
	"size_scale" smallint NOT NULL,
	"tick_units" bigint NOT NULL,
	"lot_units" bigint NOT NULL,
	"bin_units" bigint NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "series_name_key" UNIQUE("venue","market","symbol"),
	CONSTRAINT "series_scales_check" CHECK ("series"."price_scale" between 0 and 15 and "series"."size_scale" between 0 and 15),
	CONSTRAINT "series_units_check" CHECK ("series"."tick_units" between 1 and 9007199254740991 and "series"."lot_units" between 1 and 9007199254740991 and "series"."bin_units" between 1 and 9007199254740991)
);
--> statement-breakpoint
ALTER TABLE "backfill_chunk" ADD CONSTRAINT "backfill_chunk_job_id_backfill_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."backfill_job"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "backfill_chunk" ADD CONSTRAINT "backfill_chunk_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "candle" ADD CONSTRAINT "candle_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "coverage" ADD CONSTRAINT "coverage_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "coverage" ADD CONSTRAINT "coverage_segment_id_segment_id_fk" FOREIGN KEY ("segment_id") REFERENCES "public"."segment"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "event" ADD CONSTRAINT "event_channel_channel_name_fk" FOREIGN KEY ("channel") REFERENCES "public"."channel"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment" ADD CONSTRAINT "segment_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment" ADD CONSTRAINT "segment_chunk_id_backfill_chunk_id_fk" FOREIGN KEY ("chunk_id") REFERENCES "public"."backfill_chunk"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "backfill_chunk_claim_idx" ON "backfill_chunk" USING btree ("job_id","rank","no") WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX "backfill_chunk_due_idx" ON "backfill_chunk" USING btree ("job_id","run_after") WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX "backfill_chunk_open_idx" ON "backfill_chunk" USING btree ("series_id","lo") WHERE status in ('pending', 'leased');--> statement-breakpoint
CREATE INDEX "backfill_chunk_lease_idx" ON "backfill_chunk" USING btree ("lease_until") WHERE status = 'leased';--> statement-breakpoint
CREATE INDEX "backfill_job_claim_idx" ON "backfill_job" USING btree ("priority" DESC NULLS FIRST,"created_at","id") WHERE status in ('pending', 'in_progress');--> statement-breakpoint
CREATE INDEX "backfill_job_recent_idx" ON "backfill_job" USING btree ("created_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "coverage_segment_idx" ON "coverage" USING btree ("segment_id");--> statement-breakpoint
CREATE INDEX "segment_series_idx" ON "segment" USING btree ("series_id","lo");--> statement-breakpoint
CREATE INDEX "segment_chunk_idx" ON "segment" USING btree ("chunk_id");--> statement-breakpoint
CREATE INDEX "segment_ended_idx" ON "segment" USING btree ("ended_at") WHERE state <> 'committed';