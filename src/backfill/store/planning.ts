import { type SQL, sql } from "drizzle-orm";
import * as v from "valibot";
import { JobRow } from "./job-row.ts";
import { insertChunks } from "./jobs.ts";
import { nudge } from "./nudge.ts";
import { settlePlanning, toProgress } from "./progress.ts";
import type { Access, Tx } from "./transaction.ts";
import type { JobProgress, NewChunk, Settled, SymbolRef } from "./types.ts";

/** A symbol of a job that has not been looked up yet. */
export interface WaitingSymbol extends SymbolRef {
  /** Times its planning failed. */
  readonly attempt: number;
}

/** A job whose planning this process has taken on. */
export interface PlanningTurn {
  readonly job: JobProgress;
  /** In the order of the request, as many as were asked for. Empty: only the end of the planning is missing. */
  readonly symbols: readonly WaitingSymbol[];
}

/** `ended`: the job is over, or somebody else has planned this symbol; nothing was written. */
export type PlannedOutcome = ({ readonly kind: "planned" } & Settled) | { readonly kind: "ended" };

const Jobs = v.array(v.object({ job: JobRow }));
const Waiting = v.array(v.object({ venue: v.string(), symbol: v.string(), attempt: v.number() }));
const Due = v.tuple([v.object({ ms: v.nullable(v.number()) })]);

/**
 * The half of the job store that planning in the background uses. A symbol is planned in one transaction that proves that it
 * still waits, so two planners of one job write its chunks once; the turn only spares them the double work.
 */
export interface PlanningStore {
  /** Takes the job that has waited longest for its planning to go on, for `turnMs`; undefined when there is none. */
  claimPlanning(turnMs: number, symbolsMax: number): Promise<PlanningTurn | undefined>;
  /** Writes the chunks of a symbol (none: nothing of it is missing). */
  planSymbol(
    jobId: string,
    symbol: SymbolRef,
    seriesId: number,
    chunks: readonly NewChunk[],
  ): Promise<PlannedOutcome>;
  /** The symbol cannot be served: it ends with this error, and the others go on. */
  refuseSymbol(jobId: string, symbol: SymbolRef, error: string): Promise<PlannedOutcome>;
  /** Nothing of the job waits (any more): its planning is over. */
  endPlanning(jobId: string): Promise<PlannedOutcome>;
  /** The symbol could not be looked up this time. */
  countAttempt(jobId: string, symbol: SymbolRef, error: string): Promise<void>;
  /** Ends a turn: the job's planning goes on after `delayMs`, here or elsewhere. */
  endTurn(jobId: string, delayMs: number): Promise<void>;
  /** Milliseconds until a job may be planned: 0 for now, undefined for none. */
  planningDueMs(): Promise<number | undefined>;
  /** Takes back the turns of a crashed embedded process. */
  releaseTurns(): Promise<void>;
}

export function createPlanningStore(access: Access): PlanningStore {
  return {
    claimPlanning: (turnMs, symbolsMax) => claimPlanning(access, turnMs, symbolsMax),
    planSymbol: (jobId, symbol, seriesId, chunks) =>
      endWait(access, jobId, async (tx) => {
        const left = await takeParts(
          tx,
          jobId,
          symbol,
          sql`state = 'planned', series_id = ${seriesId}::int, error = null`,
        );
        return left ? chunks : undefined;
      }),
    refuseSymbol: (jobId, symbol, error) =>
      endWait(
        access,
        jobId,
        async (tx) =>
          (await takeParts(tx, jobId, symbol, sql`state = 'refused', error = ${error}::text`))
            ? []
            : undefined,
        error,
      ),
    endPlanning: (jobId) => endWait(access, jobId, async () => []),
    async countAttempt(jobId, symbol, error) {
      await access.db.execute(sql`
        update backfill_part set attempt = attempt + 1, error = ${error}::text where ${waiting(jobId, symbol)}`);
    },
    async endTurn(jobId, delayMs) {
      await access.db.execute(sql`
        update backfill_job set plan_until = clock_timestamp() + ${delayMs}::float8 * interval '1 millisecond'
        where id = ${jobId}::uuid and planning`);
    },
    async planningDueMs() {
      const rows = await access.db.execute(sql`
        select greatest(0, ceil(extract(epoch from min(coalesce(plan_until, now())) - now()) * 1000))::float8 as ms
        from backfill_job where planning and finished_at is null`);
      return v.parse(Due, [...rows])[0].ms ?? undefined;
    },
    async releaseTurns() {
      await access.db.execute(
        sql`update backfill_job set plan_until = null where planning and plan_until is not null`,
      );
    },
  };
}

async function claimPlanning(
  { db }: Access,
  turnMs: number,
  symbolsMax: number,
): Promise<PlanningTurn | undefined> {
  const rows = await db.execute(sql`
    update backfill_job set plan_until = clock_timestamp() + ${turnMs}::float8 * interval '1 millisecond'
    where id = (select id from backfill_job
      where planning and finished_at is null and (plan_until is null or plan_until <= now())
      order by priority desc, plan_until nulls first, created_at limit 1 for no key update skip locked)
    returning to_jsonb(backfill_job) as job`);
  const job = v.parse(Jobs, [...rows])[0]?.job;
  if (job === undefined) return undefined;
  const found = await db.execute(sql`
    select venue, symbol, max(attempt) as attempt from backfill_part
    where job_id = ${job.id}::uuid and state = 'waiting'
    group by venue, symbol order by max(attempt), min(no) limit ${symbolsMax}::int`);
  return { job: toProgress(job), symbols: v.parse(Waiting, [...found]) };
}

/** Moves the waiting parts of a symbol on; false when there are none (any more). */
async function takeParts(tx: Tx, jobId: string, symbol: SymbolRef, change: SQL): Promise<boolean> {
  const rows = await tx.execute(
    sql`update backfill_part set ${change} where ${waiting(jobId, symbol)} returning 1`,
  );
  return rows.length > 0;
}

function waiting(jobId: string, { venue, symbol }: SymbolRef): SQL {
  return sql`job_id = ${jobId}::uuid and venue = ${venue}::text and symbol = ${symbol}::text and state = 'waiting'`;
}

/** Ends the wait of one symbol, and with the last one the planning, and perhaps the job. `take` answers what to write. */
async function endWait(
  access: Access,
  jobId: string,
  take: (tx: Tx) => Promise<readonly NewChunk[] | undefined>,
  error?: string,
): Promise<PlannedOutcome> {
  return access.db.transaction(async (tx): Promise<PlannedOutcome> => {
    const rows = await tx.execute(sql`
      select to_jsonb(j) as job from backfill_job j where id = ${jobId}::uuid and planning and finished_at is null
      for no key update`);
    const row = v.parse(Jobs, [...rows])[0]?.job;
    if (row === undefined) return { kind: "ended" };
    const chunks = await take(tx);
    if (chunks === undefined) return { kind: "ended" };
    await insertChunks(tx, jobId, row.chunksTotal, chunks);
    await countChunks(tx, jobId, chunks);
    const more = await tx.execute(sql`
      select from backfill_part where job_id = ${jobId}::uuid and state = 'waiting' limit 1`);
    const settled = await settlePlanning(tx, row, {
      chunks: chunks.length,
      planning: more.length > 0,
      ...(error === undefined ? {} : { error }),
    });
    if (chunks.length > 0) await nudge(access, tx, { work: true, job_id: jobId });
    return { kind: "planned", ...settled };
  });
}

async function countChunks(tx: Tx, jobId: string, chunks: readonly NewChunk[]): Promise<void> {
  for (const [timeframe, own] of Map.groupBy(chunks, (chunk) => chunk.timeframe))
    await tx.execute(sql`
      update backfill_part set chunks_total = chunks_total + ${own.length}::int
      where job_id = ${jobId}::uuid and series_id = ${own[0]?.seriesId ?? null}::int
        and timeframe is not distinct from ${timeframe ?? null}::text`);
}
