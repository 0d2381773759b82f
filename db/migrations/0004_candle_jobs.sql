CREATE TABLE "backfill_part" (
	"job_id" uuid NOT NULL,
	"no" integer NOT NULL,
	"venue" text NOT NULL,
	"symbol" text NOT NULL,
	"timeframe" text,
	"series_id" integer,
	"state" text NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"chunks_total" integer DEFAULT 0 NOT NULL,
	"chunks_done" integer DEFAULT 0 NOT NULL,
	"chunks_failed" integer DEFAULT 0 NOT NULL,
	"chunks_cancelled" integer DEFAULT 0 NOT NULL,
	"records_fetched" bigint DEFAULT 0 NOT NULL,
	"records_inserted" bigint DEFAULT 0 NOT NULL,
	"records_updated" bigint DEFAULT 0 NOT NULL,
	"records_unchanged" bigint DEFAULT 0 NOT NULL,
	"error" text,
	CONSTRAINT "backfill_part_job_id_no_pk" PRIMARY KEY("job_id","no"),
	CONSTRAINT "backfill_part_state_check" CHECK ("state" in ('waiting', 'planned', 'refused'))
);
--> statement-breakpoint
CREATE TABLE "candle_coverage" (
	"series_id" integer NOT NULL,
	"timeframe" text NOT NULL,
	"range" "int8range" NOT NULL,
	CONSTRAINT "candle_coverage_range_check" CHECK (not isempty("candle_coverage"."range") and lower("candle_coverage"."range") is not null and upper("candle_coverage"."range") is not null)
);
--> statement-breakpoint
ALTER TABLE "backfill_chunk" ADD COLUMN "inserted" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_chunk" ADD COLUMN "updated" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_chunk" ADD COLUMN "unchanged" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "records_updated" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "records_unchanged" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "planning" boolean DEFAULT false NOT NULL;
--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "plan_until" timestamp (6) with time zone;
--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "served_at" timestamp (6) with time zone DEFAULT now() NOT NULL;
--> statement-breakpoint
ALTER TABLE "candle" ADD COLUMN "quote_volume" numeric;
--> statement-breakpoint
ALTER TABLE "candle" ADD COLUMN "buy_volume" numeric;
--> statement-breakpoint
ALTER TABLE "backfill_part" ADD CONSTRAINT "backfill_part_job_id_backfill_job_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."backfill_job"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "backfill_part" ADD CONSTRAINT "backfill_part_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "candle_coverage" ADD CONSTRAINT "candle_coverage_series_id_series_id_fk" FOREIGN KEY ("series_id") REFERENCES "public"."series"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "backfill_part_series_idx" ON "backfill_part" USING btree ("job_id","series_id");
--> statement-breakpoint
CREATE INDEX "backfill_job_planning_idx" ON "backfill_job" USING btree ("plan_until") WHERE planning and finished_at is null;
--> statement-breakpoint
-- A span of candles of a series and timeframe is remembered once: the database refuses an overlap.
ALTER TABLE "candle_coverage" ADD CONSTRAINT "candle_coverage_disjoint" EXCLUDE USING gist ("series_id" WITH =, "timeframe" WITH =, "range" WITH &&);
--> statement-breakpoint
-- The counters of a part follow its chunks, whoever changes them. Deferred to the commit, when the transaction holds the row of
-- the job: so no two of them wait for each other in a circle. What is called off or brought back by the thousand is not counted here.
CREATE FUNCTION backfill_chunk_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE backfill_part SET
    chunks_done = chunks_done + (NEW.status = 'done')::int - (OLD.status = 'done')::int,
    chunks_failed = chunks_failed + (NEW.status = 'failed')::int - (OLD.status = 'failed')::int,
    records_fetched = records_fetched + NEW.records - OLD.records,
    records_inserted = records_inserted + NEW.inserted - OLD.inserted,
    records_updated = records_updated + NEW.updated - OLD.updated,
    records_unchanged = records_unchanged + NEW.unchanged - OLD.unchanged,
    -- A final failure stays readable; what is tried again is forgotten when something succeeds.
    error = CASE WHEN NEW.status = 'failed' OR chunks_failed - (OLD.status = 'failed')::int = 0 THEN NEW.error ELSE error END
  WHERE job_id = NEW.job_id AND series_id = NEW.series_id AND timeframe IS NOT DISTINCT FROM NEW.timeframe;
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER backfill_chunk_counted AFTER UPDATE ON "backfill_chunk" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.status <> 'cancelled' AND NEW.status <> 'cancelled' AND (OLD.error IS DISTINCT FROM NEW.error
  OR (OLD.inserted, OLD.updated, OLD.unchanged) IS DISTINCT FROM (NEW.inserted, NEW.updated, NEW.unchanged)
  OR OLD.status <> NEW.status AND (OLD.status IN ('done', 'failed') OR NEW.status IN ('done', 'failed'))))
EXECUTE FUNCTION backfill_chunk_counted();
--> statement-breakpoint
UPDATE "backfill_job" SET "served_at" = "created_at";
--> statement-breakpoint
UPDATE "backfill_chunk" SET "inserted" = "records";
--> statement-breakpoint
-- Jobs of former versions have chunks only.
INSERT INTO "backfill_part" ("job_id", "no", "venue", "symbol", "timeframe", "series_id", "state", "chunks_total", "chunks_done", "chunks_failed", "records_fetched", "records_inserted", "error")
SELECT c.job_id, row_number() OVER (PARTITION BY c.job_id ORDER BY min(c.no)) - 1, s.venue, s.symbol, c.timeframe, c.series_id, 'planned',
  count(*), count(*) FILTER (WHERE c.status = 'done'), count(*) FILTER (WHERE c.status = 'failed'), sum(c.records), sum(c.records),
  (array_agg(c.error ORDER BY c.status = 'failed' DESC, c.no) FILTER (WHERE c.error IS NOT NULL))[1]
FROM "backfill_chunk" c JOIN "series" s ON s.id = c.series_id
GROUP BY c.job_id, c.series_id, c.timeframe, s.venue, s.symbol;
