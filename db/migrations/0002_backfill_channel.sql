-- Clients may subscribe before the first job: the channel's history needs a name from the start.
INSERT INTO "channel" ("name", "epoch") VALUES ('backfill', left(replace(gen_random_uuid()::text, '-', ''), 8));
