import { sql } from "drizzle-orm";
import * as v from "valibot";
import type { Database } from "../../db/mod.ts";

const Count = v.pipe(v.union([v.number(), v.string()]), v.transform(Number), v.safeInteger());
const Rows = v.tuple([v.object({ segments: Count, files: Count, bytes: Count, trades: Count })]);

/** What the committed segments hold, all series together. */
export interface TapeStats {
  readonly segments: number;
  readonly files: number;
  readonly bytes: number;
  readonly trades: number;
}

/** Counts what the database lists; the disk is not looked at. */
export async function readTapeStats({ db }: Pick<Database, "db">): Promise<TapeStats> {
  const rows = await db.execute(sql`
    select count(*) as segments, coalesce(sum(rows), 0) as trades, coalesce(sum(jsonb_array_length(files)), 0) as files,
      coalesce(sum((select coalesce(sum((file ->> 'bytes')::bigint), 0) from jsonb_array_elements(files) as file)), 0) as bytes
    from segment where state = 'committed'`);
  const [stats] = v.parse(Rows, [...rows]);
  return stats;
}
