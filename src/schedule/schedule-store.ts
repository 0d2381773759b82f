import { and, asc, eq, isNull, sql } from "drizzle-orm";
import { v7 } from "uuid";
import * as v from "valibot";
import { type Database, schedule } from "../../db/mod.ts";
import { RequestTemplate, type ScheduleFacts } from "../protocol/mod.ts";

type Access = Pick<Database, "db">;

export interface NewSchedule {
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly request: RequestTemplate;
  readonly enabled: boolean;
  readonly nextRunAtMs: number | null;
}

/** A run as its row has it. `seen` and `runDue` prove, on every write, that nobody else has moved it. */
export interface DueSchedule {
  readonly id: string;
  readonly name: string;
  readonly cron: string;
  readonly zone: string;
  readonly request: RequestTemplate;
  /** The first due time that was not run yet, ms. */
  readonly seen: number;
  /** Due time of a run that was decided and not ended; undefined when none was. */
  readonly runDue: number | undefined;
}

const Wait = v.array(
  v.object({ wait: v.nullable(v.pipe(v.union([v.string(), v.number()]), v.transform(Number))) }),
);

/** Times are milliseconds since the epoch. Due times are compared with the caller's clock, leases with the database's. */
export class ScheduleStore {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  async list(): Promise<ScheduleFacts[]> {
    const rows = await this.#access.db.select().from(schedule).orderBy(asc(schedule.name));
    return rows.map(toFacts);
  }

  async find(id: string): Promise<ScheduleFacts | undefined> {
    const rows = await this.#access.db.select().from(schedule).where(eq(schedule.id, id));
    return rows[0] && toFacts(rows[0]);
  }

  /** Undefined when the name is taken. */
  async insert(wanted: NewSchedule): Promise<ScheduleFacts | undefined> {
    const rows = await this.#access.db
      .insert(schedule)
      .values({ ...columnsOf(wanted), id: v7() })
      .onConflictDoNothing({ target: schedule.name })
      .returning();
    return rows[0] && toFacts(rows[0]);
  }

  /** Changes a schedule under its row's lock; `change` answers what it becomes, and whether its times begin anew. */
  async update(
    id: string,
    change: (former: ScheduleFacts) => { readonly to: NewSchedule; readonly anew: boolean },
  ): Promise<
    | { readonly kind: "updated"; readonly schedule: ScheduleFacts }
    | { readonly kind: "unknown" }
    | { readonly kind: "exists" }
  > {
    return this.#access.db.transaction(async (tx) => {
      const rows = await tx.select().from(schedule).where(eq(schedule.id, id)).for("update");
      const former = rows[0];
      if (former === undefined) return { kind: "unknown" };
      const { to, anew } = change(toFacts(former));
      const named = await tx.select({ id: schedule.id }).from(schedule).where(eq(schedule.name, to.name));
      if (named.some((other) => other.id !== id)) return { kind: "exists" };
      const { nextRunAt, ...columns } = columnsOf(to);
      const updated = await tx
        .update(schedule)
        .set(anew ? { ...columns, nextRunAt, runDue: null, leaseUntil: null, lastError: null } : columns)
        .where(eq(schedule.id, id))
        .returning();
      return { kind: "updated", schedule: toFacts(updated[0] ?? former) };
    });
  }

  async remove(id: string): Promise<boolean> {
    const rows = await this.#access.db
      .delete(schedule)
      .where(eq(schedule.id, id))
      .returning({ id: schedule.id });
    return rows.length > 0;
  }

  /** The schedule that is due for longest and that no process is at. */
  async firstDue(nowMs: number): Promise<DueSchedule | undefined> {
    const rows = await this.#access.db
      .select()
      .from(schedule)
      .where(
        and(
          eq(schedule.enabled, true),
          sql`${schedule.nextRunAt} <= ${new Date(nowMs).toISOString()}::timestamptz`,
          FREE,
        ),
      )
      .orderBy(asc(schedule.nextRunAt))
      .limit(1);
    const row = rows[0];
    if (row === undefined || row.nextRunAt === null) return undefined;
    const { id, name, cron, zone } = row;
    return {
      id,
      name,
      cron,
      zone,
      request: v.parse(RequestTemplate, row.request),
      seen: row.nextRunAt.getTime(),
      runDue: row.runDue?.getTime(),
    };
  }

  /** Decides the run and takes it for `leaseMs`; false when another process was quicker or the schedule has changed. */
  async take(due: DueSchedule, runDue: number, leaseMs: number): Promise<boolean> {
    const rows = await this.#access.db
      .update(schedule)
      .set({ runDue: new Date(runDue), leaseUntil: fromNow(leaseMs) })
      .where(
        and(
          eq(schedule.id, due.id),
          eq(schedule.enabled, true),
          eq(schedule.nextRunAt, new Date(due.seen)),
          due.runDue === undefined ? isNull(schedule.runDue) : eq(schedule.runDue, new Date(due.runDue)),
          FREE,
        ),
      )
      .returning({ id: schedule.id });
    return rows.length > 0;
  }

  /** The run is over: the next is due at `nextRunAtMs`. False when the schedule was changed meanwhile. */
  async end(
    due: DueSchedule,
    runDue: number,
    result: {
      readonly jobId: string | null;
      readonly error: string | null;
      readonly nextRunAtMs: number | null;
    },
  ): Promise<boolean> {
    const rows = await this.#access.db
      .update(schedule)
      .set({
        nextRunAt: result.nextRunAtMs === null ? null : new Date(result.nextRunAtMs),
        runDue: null,
        leaseUntil: null,
        lastRunAt: new Date(runDue),
        lastJobId: result.jobId,
        lastError: result.error,
      })
      .where(ofRun(due, runDue))
      .returning({ id: schedule.id });
    return rows.length > 0;
  }

  /** The run could not be submitted now: nobody tries again before `delayMs` have passed. */
  async postpone(due: DueSchedule, runDue: number, delayMs: number, error: string): Promise<void> {
    await this.#access.db
      .update(schedule)
      .set({ leaseUntil: fromNow(delayMs), lastError: error })
      .where(ofRun(due, runDue));
  }

  /** Milliseconds until there is something to do: 0 for now, undefined when nothing is planned. */
  async nextWaitMs(nowMs: number): Promise<number | undefined> {
    const rows = await this.#access.db.execute(sql`
      select min(greatest(0, extract(epoch from next_run_at) * 1000 - ${nowMs}::bigint,
        coalesce(extract(epoch from lease_until - clock_timestamp()) * 1000, 0))) as wait
      from schedule where enabled and next_run_at is not null`);
    return v.parse(Wait, [...rows])[0]?.wait ?? undefined;
  }
}

const FREE = sql`(${schedule.leaseUntil} is null or ${schedule.leaseUntil} <= clock_timestamp())`;

function fromNow(ms: number) {
  return sql`clock_timestamp() + ${ms} * interval '1 millisecond'`;
}

function ofRun(due: DueSchedule, runDue: number) {
  return and(
    eq(schedule.id, due.id),
    eq(schedule.nextRunAt, new Date(due.seen)),
    eq(schedule.runDue, new Date(runDue)),
  );
}

function columnsOf({ nextRunAtMs, ...columns }: NewSchedule) {
  return { ...columns, nextRunAt: nextRunAtMs === null ? null : new Date(nextRunAtMs) };
}

function toFacts(row: typeof schedule.$inferSelect): ScheduleFacts {
  return {
    id: row.id,
    name: row.name,
    cron: row.cron,
    zone: row.zone,
    request: v.parse(RequestTemplate, row.request),
    enabled: row.enabled,
    nextRunAtMs: row.nextRunAt?.getTime() ?? null,
    lastRunAtMs: row.lastRunAt?.getTime() ?? null,
    lastJobId: row.lastJobId,
    lastError: row.lastError,
    createdAtMs: row.createdAt.getTime(),
  };
}
