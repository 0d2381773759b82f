-- A minute of a series is owned by at most one committed segment: the database refuses a second owner.
-- int8range lists bounds as [lo,hi), so touching ranges do not overlap.
CREATE EXTENSION IF NOT EXISTS btree_gist;
--> statement-breakpoint
ALTER TABLE "coverage" ADD CONSTRAINT "coverage_one_owner" EXCLUDE USING gist ("series_id" WITH =, "range" WITH &&);
