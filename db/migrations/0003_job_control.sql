ALTER TABLE "backfill_job" DROP CONSTRAINT "backfill_job_counters_check";--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "chunks_cancelled" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "backfill_job" ADD COLUMN "deadline_at" timestamp (6) with time zone;--> statement-breakpoint
CREATE INDEX "backfill_chunk_cancelled_idx" ON "backfill_chunk" USING btree ("series_id","lo") WHERE status = 'cancelled';--> statement-breakpoint
CREATE INDEX "backfill_job_deadline_idx" ON "backfill_job" USING btree ("deadline_at") WHERE finished_at is null;--> statement-breakpoint
ALTER TABLE "backfill_job" ADD CONSTRAINT "backfill_job_counters_check" CHECK ("backfill_job"."chunks_done" >= 0 and "backfill_job"."chunks_failed" >= 0 and "backfill_job"."chunks_cancelled" >= 0 and "backfill_job"."leased" >= 0 and "backfill_job"."chunks_done" + "backfill_job"."chunks_failed" + "backfill_job"."chunks_cancelled" + "backfill_job"."leased" <= "backfill_job"."chunks_total");