import { sql } from "drizzle-orm";
import type { JobIntent } from "../../../db/mod.ts";
import { type Access, NUDGE_CHANNEL, type Tx } from "./transaction.ts";

/**
 * What a nudge says. `work`: there may be something to claim, so idle workers look at once. Without it something was
 * committed, which concerns only who shows it.
 */
export interface Nudge {
  readonly work?: true;
  readonly job_id?: string;
  /** What the job's owner wants now: whoever runs its chunks obeys at once. */
  readonly intent?: JobIntent;
  readonly series_id?: number;
  readonly segment_ids?: readonly number[];
}

/** Wakes listeners in other processes when the transaction commits; the embedded database has none. */
export async function nudge({ kind }: Pick<Access, "kind">, tx: Tx, what: Nudge): Promise<void> {
  if (kind === "postgres") await tx.execute(sql`select pg_notify(${NUDGE_CHANNEL}, ${JSON.stringify(what)})`);
}
