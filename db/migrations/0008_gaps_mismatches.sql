CREATE TABLE "gap" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"series_id" integer NOT NULL,
	"lo" bigint NOT NULL,
	"hi" bigint NOT NULL,
	"reason" text NOT NULL,
	"found_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"filled_at" timestamp (6) with time zone,
	CONSTRAINT "gap_reason_check" CHECK ("reason" in ('not_received', 'failed', 'late')),
	CONSTRAINT "gap_range_check" CHECK ("gap"."lo" < "gap"."hi")
);
--> statement-breakpoint
CREATE TABLE "minute_mismatch" (
	"series_id" integer NOT NULL,
	"minute" bigint NOT NULL,
	"field" text NOT NULL,
	"ours" text NOT NULL,
	"theirs" text NOT NULL,
	"found_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	"refetch_job" uuid,
	"refetched_at" timestamp (6) with time zone,
	"resolved_at" timestamp (6) with time zone,
	CONSTRAINT "minute_mismatch_series_id_minute_pk" PRIMARY KEY("series_id","minute"),
	CONSTRAINT "minute_mismatch_refetch_check" CHECK ("minute_mismatch"."refetched_at" is null or "minute_mismatch"."refetch_job" is not null)
);
--> statement-breakpoint
ALTER TABLE "gap" ADD CONSTRAINT "gap_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "minute_mismatch" ADD CONSTRAINT "minute_mismatch_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "gap_series_idx" ON "gap" USING btree ("series_id","lo");--> statement-breakpoint
CREATE INDEX "minute_mismatch_open_idx" ON "minute_mismatch" USING btree ("series_id","minute") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "backfill_chunk_failed_idx" ON "backfill_chunk" USING btree ("series_id","lo") WHERE status = 'failed';--> statement-breakpoint
-- A minute stands in one open gap at most: whoever finds it a second time finds it told.
ALTER TABLE "gap" ADD CONSTRAINT "gap_open_disjoint" EXCLUDE USING gist ("series_id" WITH =, int8range("lo", "hi") WITH &&) WHERE ("filled_at" IS NULL);
