import { and, desc, eq, lt, sql } from "drizzle-orm";
import * as v from "valibot";
import { type Database, webhook, webhookDelivery } from "../../db/mod.ts";
import { type DeliveriesQuery, type DeliveryFacts, WebhookPayload } from "../protocol/mod.ts";
import { messageIdOf } from "./signature.ts";
import { EVENT_CHANNEL } from "./webhook-store.ts";

/** Events turned into deliveries by one transaction. */
const FAN_OUT_BATCH = 500;
/** Deliveries under way to one webhook, over all processes: a dead receiver must not hold up the others. */
const PER_WEBHOOK = 2;
/** Rows that one pruning deletes. */
const PRUNE_BATCH = 1_000;

/** A delivery taken for sending, with all that sending needs. */
export interface TakenDelivery {
  readonly id: number;
  readonly leaseToken: number;
  readonly messageId: string;
  readonly webhookId: string;
  readonly url: string;
  readonly secret: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly payload: WebhookPayload;
}

/** How an attempt ended. */
export type AttemptResult =
  | { readonly kind: "delivered"; readonly atMs: number; readonly responseCode: number }
  | {
      readonly kind: "retry";
      readonly atMs: number;
      readonly responseCode: number | null;
      readonly error: string;
    }
  | {
      readonly kind: "failed";
      readonly responseCode: number | null;
      readonly error: string;
      /** Set when nothing may be sent to this webhook any more. */
      readonly disables?: string | undefined;
    };

const number = v.pipe(v.union([v.string(), v.number()]), v.transform(Number));
const Behind = v.array(v.object({ id: v.string(), position: number, newest: number }));
const Taken = v.array(
  v.object({
    id: number,
    lease_token: number,
    webhook_id: v.string(),
    event_offset: number,
    url: v.string(),
    secret: v.string(),
    attempt: number,
    payload: WebhookPayload,
  }),
);
const Wait = v.array(v.object({ wait: v.nullable(number) }));

/** Deliveries in the database. Due times are the caller's clock, leases the database's; times are ms since the epoch. */
export class DeliveryStore {
  readonly #access: Pick<Database, "db">;

  constructor(access: Pick<Database, "db">) {
    this.#access = access;
  }

  /**
   * Turns new events into deliveries, one for each event and webhook that wants it, for one webhook; false when none is behind. The
   * webhook's position moves in the same transaction, so a crash neither loses nor doubles an event. (Offsets become visible
   * in their order: the channel's row stays locked until the event's transaction ends.)
   */
  async fanOut(nowMs: number): Promise<boolean> {
    const now = instant(nowMs);
    return this.#access.db.transaction(async (tx) => {
      const rows = await tx.execute(sql`
        select w.id, w.position, c."offset" as newest
        from webhook w join channel c on c.name = ${EVENT_CHANNEL}
        where w.enabled and w.position < c."offset"
        order by w.position limit 1 for update of w skip locked`);
      const behind = v.parse(Behind, [...rows])[0];
      if (behind === undefined) return false;
      await tx.execute(sql`
        with span as (
          select "offset", data, 'backfill.' || (data ->> 'to') as type from event
          where channel = ${EVENT_CHANNEL} and "offset" > ${behind.position}
          order by "offset" limit ${FAN_OUT_BATCH}
        ), made as (
          insert into webhook_delivery (webhook_id, event_offset, event_type, payload, next_attempt_at, created_at)
          select w.id, span."offset", span.type,
            jsonb_build_object('type', span.type, 'timestamp', span.data ->> 'at',
              'data', span.data || jsonb_build_object('offset', span."offset")),
            ${now}, ${now}
          from span join webhook w on w.id = ${behind.id}::uuid
          where cardinality(w.events) = 0 or span.type = any (w.events)
          order by span."offset"
        )
        update webhook set position = coalesce((select max("offset") from span), ${behind.newest}::bigint)
        where id = ${behind.id}::uuid`);
      return true;
    });
  }

  /** Takes up to `limit` deliveries that are due, for `leaseMs`; nobody else sends them meanwhile. */
  async take(nowMs: number, leaseMs: number, limit: number): Promise<TakenDelivery[]> {
    const rows = await this.#access.db.execute(sql`
      with due as (
        select picked.id from webhook w cross join lateral (
          select d.id, d.next_attempt_at from webhook_delivery d
          where d.webhook_id = w.id and d.status = 'pending' and d.next_attempt_at <= ${instant(nowMs)}
            and (d.lease_until is null or d.lease_until <= clock_timestamp())
          order by d.next_attempt_at, d.id
          limit greatest(0, ${PER_WEBHOOK}::int - (select count(*) from webhook_delivery busy
            where busy.webhook_id = w.id and busy.status = 'pending' and busy.lease_until > clock_timestamp()))
          for update skip locked
        ) picked
        where w.enabled limit ${limit}
      ), taken as (
        update webhook_delivery d set attempt = d.attempt + 1, lease_token = d.lease_token + 1,
          lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
        from due where d.id = due.id
        returning d.id, d.lease_token, d.webhook_id, d.event_offset, d.attempt, d.payload
      )
      select taken.*, w.url, w.secret from taken join webhook w on w.id = taken.webhook_id order by taken.id`);
    return v.parse(Taken, [...rows]).map((row) => ({
      id: row.id,
      leaseToken: row.lease_token,
      messageId: messageIdOf(row.webhook_id, row.event_offset),
      webhookId: row.webhook_id,
      url: row.url,
      secret: row.secret,
      attempt: row.attempt,
      payload: row.payload,
    }));
  }

  /** Writes how an attempt ended; false when its lease had passed to another process. */
  async settle(taken: TakenDelivery, result: AttemptResult): Promise<boolean> {
    return this.#access.db.transaction(async (tx) => {
      const rows = await tx.update(webhookDelivery).set(columnsOf(result)).where(held(taken)).returning({
        id: webhookDelivery.id,
      });
      if (rows.length === 0) return false;
      if (result.kind === "failed" && result.disables !== undefined)
        await tx
          .update(webhook)
          .set({ enabled: false, disabledReason: result.disables })
          .where(eq(webhook.id, taken.webhookId));
      return true;
    });
  }

  /** Gives a delivery back as it was before it was taken. */
  async giveBack(taken: TakenDelivery): Promise<void> {
    await this.#access.db
      .update(webhookDelivery)
      .set({ attempt: sql`${webhookDelivery.attempt} - 1`, leaseUntil: null })
      .where(held(taken));
  }

  /** The log of a webhook, newest event first. */
  async list(webhookId: string, { limit, before }: DeliveriesQuery): Promise<DeliveryFacts[]> {
    const rows = await this.#access.db
      .select()
      .from(webhookDelivery)
      .where(
        and(
          eq(webhookDelivery.webhookId, webhookId),
          before === undefined ? undefined : lt(webhookDelivery.eventOffset, before),
        ),
      )
      .orderBy(desc(webhookDelivery.eventOffset))
      .limit(limit);
    return rows.map(toFacts);
  }

  /** Sends a delivery again, from its first attempt on; `busy` while it is being sent. */
  async resend(
    webhookId: string,
    id: number,
    nowMs: number,
  ): Promise<
    | { readonly kind: "resent"; readonly delivery: DeliveryFacts }
    | { readonly kind: "unknown" }
    | { readonly kind: "busy" }
  > {
    return this.#access.db.transaction(async (tx) => {
      const mine = and(eq(webhookDelivery.id, id), eq(webhookDelivery.webhookId, webhookId));
      const found = await tx
        .select({ id: webhookDelivery.id })
        .from(webhookDelivery)
        .where(mine)
        .for("update");
      if (found.length === 0) return { kind: "unknown" };
      const rows = await tx
        .update(webhookDelivery)
        .set({
          status: "pending",
          attempt: 0,
          nextAttemptAt: new Date(nowMs),
          leaseUntil: null,
          deliveredAt: null,
          error: null,
          responseCode: null,
        })
        .where(
          and(
            mine,
            sql`(${webhookDelivery.leaseUntil} is null or ${webhookDelivery.leaseUntil} <= clock_timestamp())`,
          ),
        )
        .returning();
      const row = rows[0];
      return row === undefined ? { kind: "busy" } : { kind: "resent", delivery: toFacts(row) };
    });
  }

  /** Milliseconds until a delivery is due: 0 for now, undefined when none waits. */
  async nextWaitMs(nowMs: number): Promise<number | undefined> {
    const rows = await this.#access.db.execute(sql`
      select min(greatest(0, extract(epoch from d.next_attempt_at) * 1000 - ${nowMs}::bigint,
        coalesce(extract(epoch from d.lease_until - clock_timestamp()) * 1000, 0))) as wait
      from webhook_delivery d join webhook w on w.id = d.webhook_id
      where d.status = 'pending' and w.enabled`);
    return v.parse(Wait, [...rows])[0]?.wait ?? undefined;
  }

  /** Forgets some deliveries that ended and were made before `beforeMs`; answers how many. */
  async prune(beforeMs: number): Promise<number> {
    const rows = await this.#access.db.execute(sql`
      delete from webhook_delivery where id in (
        select id from webhook_delivery where status <> 'pending' and created_at < ${instant(beforeMs)}
        order by created_at limit ${PRUNE_BATCH} for update skip locked)
      returning id`);
    return [...rows].length;
  }
}

function instant(ms: number) {
  return sql`${new Date(ms).toISOString()}::timestamptz`;
}

function held({ id, leaseToken }: TakenDelivery) {
  return and(
    eq(webhookDelivery.id, id),
    eq(webhookDelivery.leaseToken, leaseToken),
    eq(webhookDelivery.status, "pending"),
    sql`${webhookDelivery.leaseUntil} is not null`,
  );
}

function columnsOf(result: AttemptResult) {
  const { responseCode } = result;
  switch (result.kind) {
    case "delivered":
      return {
        status: "delivered",
        deliveredAt: new Date(result.atMs),
        leaseUntil: null,
        responseCode,
        error: null,
      } as const;
    case "retry":
      return { nextAttemptAt: new Date(result.atMs), leaseUntil: null, responseCode, error: result.error };
    case "failed":
      return { status: "failed", leaseUntil: null, responseCode, error: result.error } as const;
  }
}

function toFacts(row: typeof webhookDelivery.$inferSelect): DeliveryFacts {
  return {
    id: row.id,
    messageId: messageIdOf(row.webhookId, row.eventOffset),
    eventOffset: row.eventOffset,
    eventType: row.eventType,
    status: row.status,
    attempt: row.attempt,
    responseCode: row.responseCode,
    error: row.error,
    nextAttemptAtMs: row.nextAttemptAt.getTime(),
    deliveredAtMs: row.deliveredAt?.getTime() ?? null,
    createdAtMs: row.createdAt.getTime(),
    payload: v.parse(WebhookPayload, row.payload),
  };
}
