import type {
  DeliveriesQuery,
  DeliveryFacts,
  ScheduleBody,
  ScheduleChange,
  ScheduleFacts,
  WebhookBody,
  WebhookChange,
  WebhookFacts,
} from "../protocol/mod.ts";
import type { CallOptions, Unavailable } from "./calls.ts";

type Awaitable<T> = T | Promise<T>;

/** An expression or a zone that names no times. */
export interface BadTimes {
  readonly kind: "bad_cron" | "bad_zone";
  readonly reason: string;
  readonly received: string;
}

/** There are as many as there may be. */
export interface TooMany {
  readonly kind: "too_many";
  readonly max: number;
}

export type ScheduleCreated =
  | { readonly kind: "created"; readonly schedule: ScheduleFacts }
  | { readonly kind: "exists" }
  | TooMany
  | BadTimes
  | Unavailable;

export type ScheduleChanged =
  | { readonly kind: "updated"; readonly schedule: ScheduleFacts }
  | { readonly kind: "unknown" }
  | { readonly kind: "exists" }
  | BadTimes
  | Unavailable;

/** Recurring backfills. Ids are UUIDs in lower case. */
export interface SchedulesFace {
  list(options: CallOptions): Awaitable<readonly ScheduleFacts[] | Unavailable>;
  find(id: string, options: CallOptions): Awaitable<ScheduleFacts | Unavailable | undefined>;
  create(body: ScheduleBody, options: CallOptions): Awaitable<ScheduleCreated>;
  change(id: string, change: ScheduleChange, options: CallOptions): Awaitable<ScheduleChanged>;
  /** False when there is none. */
  remove(id: string, options: CallOptions): Awaitable<boolean | Unavailable>;
}

export type WebhookMade =
  | { readonly kind: "created"; readonly webhook: WebhookFacts; readonly secret: string }
  /** It points where nothing may be sent. */
  | { readonly kind: "refused"; readonly reason: string }
  | TooMany
  | Unavailable;

export type Resent =
  | { readonly kind: "resent"; readonly delivery: DeliveryFacts }
  | { readonly kind: "unknown_webhook" | "unknown_delivery" | "busy" | "disabled" }
  | Unavailable;

/** Webhooks and what was sent to them. Ids are UUIDs in lower case. */
export interface WebhooksFace {
  list(options: CallOptions): Awaitable<readonly WebhookFacts[] | Unavailable>;
  find(id: string, options: CallOptions): Awaitable<WebhookFacts | Unavailable | undefined>;
  create(body: WebhookBody, options: CallOptions): Awaitable<WebhookMade>;
  change(
    id: string,
    change: WebhookChange,
    options: CallOptions,
  ): Awaitable<WebhookFacts | Unavailable | undefined>;
  remove(id: string, options: CallOptions): Awaitable<boolean | Unavailable>;
  /** Undefined when there is no such webhook. */
  deliveries(
    id: string,
    query: DeliveriesQuery,
    options: CallOptions,
  ): Awaitable<readonly DeliveryFacts[] | Unavailable | undefined>;
  resend(id: string, deliveryId: number, options: CallOptions): Awaitable<Resent>;
}
