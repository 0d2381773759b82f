-- The condition of the trigger moves into its function: Postgres parses a WHEN clause again in every statement that updates the
-- table, claims among them, and that took a seventh of a commit's time. Every statement that ends a chunk, takes one back or counts
-- its candles names at least one of these columns, be it with the value that stands there.
DROP TRIGGER backfill_chunk_counted ON "backfill_chunk";
--> statement-breakpoint
-- The counters of a part follow its chunks, whoever changes them. Deferred to the commit, when the transaction holds the row of
-- the job: so no two of them wait for each other in a circle. What is called off or brought back by the thousand is not counted here.
CREATE OR REPLACE FUNCTION backfill_chunk_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'cancelled' OR NEW.status = 'cancelled' OR (OLD.error IS NOT DISTINCT FROM NEW.error
    AND (OLD.inserted, OLD.updated, OLD.unchanged) IS NOT DISTINCT FROM (NEW.inserted, NEW.updated, NEW.unchanged)
    AND (OLD.status = NEW.status OR OLD.status NOT IN ('done', 'failed') AND NEW.status NOT IN ('done', 'failed'))) THEN
    RETURN NULL;
  END IF;
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
CREATE CONSTRAINT TRIGGER backfill_chunk_counted AFTER UPDATE OF "error", "inserted", "updated", "unchanged" ON "backfill_chunk"
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION backfill_chunk_counted();
--> statement-breakpoint
-- What a commit of one statement writes into its job's row, with or without a claim of the job's next chunk. As a function, because it looks
-- at the row anew when its turn comes: written by the statement itself, the row would be found changed by the commits that went before,
-- and Postgres would set up the statement's whole plan again, each time, to look whether it may still be written.
CREATE FUNCTION backfill_job_commit(job uuid, takes_next boolean, fetched bigint, newly_inserted bigint)
RETURNS SETOF "backfill_job" LANGUAGE plpgsql ROWS 1 AS $$
BEGIN
  RETURN QUERY UPDATE backfill_job j SET
    leased = j.leased - (NOT takes_next)::int,
    served_at = CASE WHEN takes_next THEN clock_timestamp() ELSE j.served_at END,
    chunks_done = j.chunks_done + 1,
    records_fetched = j.records_fetched + fetched,
    records_inserted = j.records_inserted + newly_inserted,
    version = j.version + 1
  WHERE j.id = job AND j.status = 'in_progress' AND j.intent = 'run'
    -- The last chunk ends the job, which is more than this.
    AND j.chunks_done + j.chunks_failed + j.chunks_cancelled + 1 < j.chunks_total
    AND (NOT takes_next OR j.leased <= j.max_parallel)
  RETURNING j.*;
END $$;
