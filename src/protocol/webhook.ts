import * as v from "valibot";
import { formatTime } from "../core/mod.ts";
import { JOB_STATUSES } from "./job-status.ts";
import { idText, wholeNumber } from "./parameters.ts";
import { faultsFromIssues, fieldFault, invalidRequest } from "./problem.ts";
import { type Parsed, parseParameters, parsePathPart, type RawQuery } from "./queries.ts";
import type { ParsedBody } from "./schedule.ts";

export const WEBHOOK_URL_CHARS_MAX = 2_048;
/** Deliveries of one answer. */
export const DELIVERIES_MAX = 100;
export const DELIVERIES_DEFAULT = 20;

/** Event types: one for each state that a job can reach, `backfill.complete` among them. */
export const WEBHOOK_EVENTS = JOB_STATUSES.filter((status) => status !== "idle").map(webhookEvent);

/** The event type of a job's transition to `status`. */
export function webhookEvent(status: string): string {
  return `backfill.${status}`;
}

const URL_EXPECTED = "a URL such as https://example.com/hooks/backfill";
const EVENTS_EXPECTED = `event types, each one of ${WEBHOOK_EVENTS.join(", ")}`;
const DELIVERY_EXPECTED = "a delivery id (a whole number)";

const Url = v.pipe(
  v.string(URL_EXPECTED),
  v.maxLength(WEBHOOK_URL_CHARS_MAX, URL_EXPECTED),
  v.url(URL_EXPECTED),
);
const Events = v.pipe(
  v.array(v.picklist(WEBHOOK_EVENTS, EVENTS_EXPECTED), EVENTS_EXPECTED),
  v.maxLength(WEBHOOK_EVENTS.length, EVENTS_EXPECTED),
);

/** Body of `POST /api/v1/webhooks`. `events` empty or absent: all of them. */
export const WebhookBody = v.strictObject({ url: Url, events: v.optional(Events, []) });
export type WebhookBody = v.InferOutput<typeof WebhookBody>;

/** Body of `PATCH /api/v1/webhooks/{id}`. */
export const WebhookChange = v.strictObject({
  events: v.exactOptional(Events),
  enabled: v.exactOptional(v.boolean("true or false")),
});
export type WebhookChange = v.InferOutput<typeof WebhookChange>;

export const WebhookIdText = idText("a webhook id (a UUID)");
export const DeliveryIdText = wholeNumber(
  { min: 1, max: Number.MAX_SAFE_INTEGER, expected: DELIVERY_EXPECTED },
  DELIVERY_EXPECTED,
);
export const DeliveriesParameters = v.strictObject({
  limit: v.optional(
    wholeNumber({ min: 1, max: DELIVERIES_MAX }, `deliveries, ${DELIVERIES_DEFAULT} when absent`),
  ),
  before: v.optional(
    wholeNumber(
      { min: 0, max: Number.MAX_SAFE_INTEGER, expected: "an event offset" },
      "only events before this offset of the channel `backfill`: the last of the former answer",
    ),
  ),
});

/** A webhook as it crosses the wire; its secret does so once, when it is made. */
export const WebhookAnswer = v.object({
  id: v.string(),
  url: v.string(),
  /** Empty: all of them. */
  events: v.array(v.string()),
  enabled: v.boolean(),
  disabled_reason: v.nullable(v.string()),
  created_at: v.string(),
});
export type WebhookAnswer = v.InferOutput<typeof WebhookAnswer>;

/** 201 of `POST /api/v1/webhooks`: the only answer that shows the secret. */
export const WebhookCreated = v.object({ ...WebhookAnswer.entries, secret: v.string() });
export type WebhookCreated = v.InferOutput<typeof WebhookCreated>;

export const WebhookList = v.object({ webhooks: v.array(WebhookAnswer), timestamp: v.string() });
export type WebhookList = v.InferOutput<typeof WebhookList>;

/** What is sent to a webhook, as Standard Webhooks lays it out. */
export const WebhookPayload = v.object({
  type: v.string(),
  /** When the transition was. */
  timestamp: v.string(),
  /** The transition as the channel `backfill` carries it, with its place there. */
  data: v.looseObject({ job_id: v.string(), from: v.string(), to: v.string(), offset: v.number() }),
});
export type WebhookPayload = v.InferOutput<typeof WebhookPayload>;

export const DeliveryAnswer = v.object({
  id: v.number(),
  /** `webhook-id` of its messages: the same for every attempt. */
  message_id: v.string(),
  event_offset: v.number(),
  event_type: v.string(),
  status: v.picklist(["pending", "delivered", "failed"]),
  attempt: v.number(),
  response_code: v.nullable(v.number()),
  error: v.nullable(v.string()),
  /** Null once it has ended. */
  next_attempt_at: v.nullable(v.string()),
  delivered_at: v.nullable(v.string()),
  created_at: v.string(),
  payload: WebhookPayload,
});
export type DeliveryAnswer = v.InferOutput<typeof DeliveryAnswer>;

/** Newest event first. */
export const DeliveryList = v.object({ deliveries: v.array(DeliveryAnswer), timestamp: v.string() });
export type DeliveryList = v.InferOutput<typeof DeliveryList>;

/** What a server knows of a webhook; times are milliseconds since the epoch. */
export interface WebhookFacts {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly createdAtMs: number;
}

export interface DeliveryFacts {
  readonly id: number;
  readonly messageId: string;
  readonly eventOffset: number;
  readonly eventType: string;
  readonly status: "pending" | "delivered" | "failed";
  readonly attempt: number;
  readonly responseCode: number | null;
  readonly error: string | null;
  readonly nextAttemptAtMs: number;
  readonly deliveredAtMs: number | null;
  readonly createdAtMs: number;
  readonly payload: WebhookPayload;
}

export interface DeliveriesQuery {
  readonly limit: number;
  /** Only events before this offset of the channel `backfill`. */
  readonly before?: number | undefined;
}

export function parseWebhookBody(body: unknown): ParsedBody<WebhookBody> {
  return parseShape(WebhookBody, body);
}

/** Understands the body of a change; at least one field is named. */
export function parseWebhookChange(body: unknown): ParsedBody<WebhookChange> {
  const parsed = parseShape(WebhookChange, body);
  if (parsed.kind === "refused" || Object.keys(parsed.value).length > 0) return parsed;
  return {
    kind: "refused",
    problem: invalidRequest([fieldFault("$", "something to change: events or enabled", body)]),
  };
}

/** A webhook's id of a path, in the spelling it is stored under. */
export function parseWebhookId(text: string): Parsed<string> {
  return parsePathPart("id", WebhookIdText, text);
}

export function parseDeliveryId(text: string): Parsed<number> {
  return parsePathPart("delivery", DeliveryIdText, text);
}

/** Parameters of a delivery log: `limit`, and `before` to go on from the last of the former answer. */
export function parseDeliveriesQuery(raw: RawQuery): Parsed<DeliveriesQuery> {
  const parsed = parseParameters(DeliveriesParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { limit = DELIVERIES_DEFAULT, before } = parsed.value;
  return { kind: "ok", value: { limit, before } };
}

export function webhookToWire(webhook: WebhookFacts): WebhookAnswer {
  return {
    id: webhook.id,
    url: webhook.url,
    events: [...webhook.events],
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    created_at: formatTime(webhook.createdAtMs),
  };
}

export function deliveryToWire(delivery: DeliveryFacts): DeliveryAnswer {
  return {
    id: delivery.id,
    message_id: delivery.messageId,
    event_offset: delivery.eventOffset,
    event_type: delivery.eventType,
    status: delivery.status,
    attempt: delivery.attempt,
    response_code: delivery.responseCode,
    error: delivery.error,
    next_attempt_at: delivery.status === "pending" ? formatTime(delivery.nextAttemptAtMs) : null,
    delivered_at: delivery.deliveredAtMs === null ? null : formatTime(delivery.deliveredAtMs),
    created_at: formatTime(delivery.createdAtMs),
    payload: delivery.payload,
  };
}

function parseShape<T>(schema: v.GenericSchema<unknown, T>, body: unknown): ParsedBody<T> {
  const parsed = v.safeParse(schema, body);
  return parsed.success
    ? { kind: "ok", value: parsed.output }
    : { kind: "refused", problem: invalidRequest(faultsFromIssues(parsed.issues)) };
}
