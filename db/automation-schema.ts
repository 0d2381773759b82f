import { sql } from "drizzle-orm";
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { instant, oneOf, whole } from "./columns.ts";

/** What happens by itself: recurring backfills, and messages to other programs about jobs. */

/** `pending`: to be sent, for the first time or again. */
export const DELIVERY_STATUSES = ["pending", "delivered", "failed"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** A backfill that recurs. A run is decided, then submitted under a key made of both, then ended: see src/schedule. */
export const schedule = pgTable(
  "schedule",
  {
    id: uuid("id").primaryKey(),
    name: text("name").notNull(),
    cron: text("cron").notNull(),
    zone: text("zone").notNull(),
    /** Body of a backfill request whose dates are relative to the due time. */
    request: jsonb("request").$type<unknown>().notNull(),
    enabled: boolean("enabled").notNull().default(true),
    /** The first due time that has not been run; null when the pattern names none any more. */
    nextRunAt: instant("next_run_at"),
    /** Due time of the run under way: the newest that had come when it was decided. */
    runDue: instant("run_due"),
    /** While it lasts, one process is at the run. Database clock. */
    leaseUntil: instant("lease_until"),
    lastRunAt: instant("last_run_at"),
    lastJobId: uuid("last_job_id"),
    lastError: text("last_error"),
    createdAt: instant("created_at").notNull().defaultNow(),
  },
  (t) => [
    unique("schedule_name_key").on(t.name),
    check("schedule_run_check", sql`${t.runDue} is null or ${t.nextRunAt} <= ${t.runDue}`),
    index("schedule_due_idx").on(t.nextRunAt).where(sql`enabled and next_run_at is not null`),
  ],
);

/** Another program that wants to be told of jobs. */
export const webhook = pgTable("webhook", {
  id: uuid("id").primaryKey(),
  url: text("url").notNull(),
  /** `whsec_…`, shown once. */
  secret: text("secret").notNull(),
  /** Event types wanted; empty for all. */
  events: text("events").array().notNull(),
  enabled: boolean("enabled").notNull().default(true),
  disabledReason: text("disabled_reason"),
  /** Offset of the newest event of the channel `backfill` that was turned into deliveries or passed over. */
  position: whole("position").notNull(),
  createdAt: instant("created_at").notNull().defaultNow(),
});

/** One event for one webhook, and how telling it went. */
export const webhookDelivery = pgTable(
  "webhook_delivery",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    webhookId: uuid("webhook_id")
      .notNull()
      .references(() => webhook.id, { onDelete: "cascade" }),
    /** Offset of the event in the channel `backfill`. */
    eventOffset: whole("event_offset").notNull(),
    eventType: text("event_type").notNull(),
    payload: jsonb("payload").$type<unknown>().notNull(),
    status: text("status", { enum: DELIVERY_STATUSES }).notNull().default("pending"),
    /** Attempts begun since it was made, or since it was last asked for again. */
    attempt: integer("attempt").notNull().default(0),
    nextAttemptAt: instant("next_attempt_at").notNull(),
    leaseToken: integer("lease_token").notNull().default(0),
    /** While it lasts, one process is sending. Database clock. */
    leaseUntil: instant("lease_until"),
    /** Of the last attempt that was answered. */
    responseCode: integer("response_code"),
    error: text("error"),
    deliveredAt: instant("delivered_at"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    unique("webhook_delivery_event_key").on(t.webhookId, t.eventOffset),
    check("webhook_delivery_status_check", oneOf("status", DELIVERY_STATUSES)),
    check(
      "webhook_delivery_delivered_check",
      sql`(${t.status} = 'delivered') = (${t.deliveredAt} is not null)`,
    ),
    index("webhook_delivery_due_idx").on(t.webhookId, t.nextAttemptAt, t.id).where(sql`status = 'pending'`),
    index("webhook_delivery_ended_idx").on(t.createdAt).where(sql`status <> 'pending'`),
  ],
);
