import { and, asc, eq, isNull, sql } from "drizzle-orm";
import * as v from "valibot";
import { backfillChunk, backfillJob, segment } from "../../../db/mod.ts";
import { callOff } from "./called-off.ts";
import { callsOff, changeCounters, toProgress } from "./progress.ts";
import type { Access } from "./transaction.ts";
import type { JobProgress, Settled } from "./types.ts";

const ListedFiles = v.array(v.object({ path: v.string() }));

/**
 * Puts every leased chunk back to pending without spending its attempt. Right only where no other process can be
 * working: in the embedded database, under its lock, before the first claim.
 */
export async function releaseAll({ db }: Access): Promise<Settled[]> {
  const held = await db
    .selectDistinct({ jobId: backfillChunk.jobId })
    .from(backfillChunk)
    .where(eq(backfillChunk.status, "leased"));
  const settled: Settled[] = [];
  for (const { jobId } of held)
    settled.push(
      await db.transaction(async (tx) => {
        const rows = await tx
          .update(backfillChunk)
          .set({
            status: "pending",
            attempt: sql`greatest(${backfillChunk.attempt} - 1, 0)`,
            leaseOwner: null,
            leaseUntil: null,
            runAfter: sql`now()`,
          })
          .where(and(eq(backfillChunk.jobId, jobId), eq(backfillChunk.status, "leased")))
          .returning({ id: backfillChunk.id });
        const freed = await changeCounters(tx, jobId, { leased: -rows.length, back: rows.length });
        if (callsOff(freed))
          await callOff(
            tx,
            rows.map(({ id }) => id),
          );
        return freed;
      }),
    );
  return settled;
}

/**
 * Paths of every file that a committed segment lists, relative to the tape; and of the segments that ended within
 * `endedWithinMs`, which somebody may still be reading.
 */
export async function readListedFiles({ db }: Access, endedWithinMs = 0): Promise<string[]> {
  const rows = await db.execute(
    sql`select file ->> 'path' as path from ${segment}, jsonb_array_elements(${segment.files}) as file
      where ${segment.state} = 'committed' or ${segment.endedAt} > now() - ${endedWithinMs} * interval '1 millisecond'`,
  );
  return v.parse(ListedFiles, [...rows]).map(({ path }) => path);
}

/** Jobs that have not ended, oldest first. */
export async function readUnfinishedJobs({ db }: Access): Promise<JobProgress[]> {
  const rows = await db
    .select()
    .from(backfillJob)
    .where(isNull(backfillJob.finishedAt))
    .orderBy(asc(backfillJob.createdAt), asc(backfillJob.id));
  return rows.map(toProgress);
}
