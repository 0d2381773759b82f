import { EXAMPLE_IDS, EXAMPLE_TARGET, type RouteContract } from "../contract/mod.ts";
import {
  DeliveriesParameters,
  DeliveryAnswer,
  DeliveryIdText,
  DeliveryList,
  NoParameters,
  WebhookAnswer,
  WebhookBody,
  WebhookChange,
  WebhookCreated,
  WebhookIdText,
  WebhookList,
} from "../protocol/mod.ts";
import { ASKING, GONE } from "./contract-parts.ts";

const OF_WEBHOOK = { id: WebhookIdText };
const path = { id: EXAMPLE_IDS.webhook };
const NOT_THERE = [...ASKING, "webhook-not-found"] as const;

export const LIST_WEBHOOKS: RouteContract = {
  operation: "listWebhooks",
  tag: "webhooks",
  query: NoParameters,
  answer: { status: 200, about: "All of them.", schema: WebhookList },
  problems: ASKING,
  examples: { all: { about: "All of them." } },
};

export const MAKE_WEBHOOK: RouteContract = {
  operation: "makeWebhook",
  tag: "webhooks",
  description:
    "Each transition of a job is sent to `url` as Standard Webhooks lays it out, signed with the secret that this answer alone shows. `events` empty or absent: all of them.",
  query: NoParameters,
  body: { schema: WebhookBody },
  answer: { status: 201, about: "The webhook with its secret.", schema: WebhookCreated, location: true },
  problems: [...ASKING, "webhook-target-refused", "too-many"],
  examples: {
    all: {
      about: "All events.",
      body: { url: EXAMPLE_TARGET },
      answer: {
        id: EXAMPLE_IDS.webhook,
        url: EXAMPLE_TARGET,
        events: [],
        enabled: true,
        disabled_reason: null,
        created_at: "2026-01-03T12:34:56.789Z",
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      },
    },
    no_url: { about: "Without an address.", body: { url: "somewhere" }, problem: "invalid-request" },
  },
};

export const GET_WEBHOOK: RouteContract = {
  operation: "getWebhook",
  tag: "webhooks",
  path: OF_WEBHOOK,
  query: NoParameters,
  answer: { status: 200, about: "The webhook, without its secret.", schema: WebhookAnswer },
  problems: NOT_THERE,
  examples: { one: { about: "One of them.", path } },
};

export const CHANGE_WEBHOOK: RouteContract = {
  operation: "changeWebhook",
  tag: "webhooks",
  path: OF_WEBHOOK,
  query: NoParameters,
  body: { schema: WebhookChange },
  answer: { status: 200, about: "The webhook after it.", schema: WebhookAnswer },
  problems: NOT_THERE,
  examples: {
    fewer: {
      about: "Only ends.",
      path,
      body: { events: ["backfill.complete", "backfill.error", "backfill.cancelled"] },
    },
  },
};

export const REMOVE_WEBHOOK: RouteContract = {
  operation: "removeWebhook",
  tag: "webhooks",
  path: OF_WEBHOOK,
  query: NoParameters,
  answer: GONE,
  problems: NOT_THERE,
  examples: { one: { about: "One of them.", path } },
};

export const LIST_DELIVERIES: RouteContract = {
  operation: "listDeliveries",
  tag: "webhooks",
  path: OF_WEBHOOK,
  query: DeliveriesParameters,
  answer: { status: 200, about: "What was sent, newest event first.", schema: DeliveryList },
  problems: NOT_THERE,
  examples: { newest: { about: "The five newest.", path, query: { limit: "5" } } },
};

export const RESEND_DELIVERY: RouteContract = {
  operation: "resendDelivery",
  tag: "webhooks",
  path: { id: WebhookIdText, delivery: DeliveryIdText },
  query: NoParameters,
  answer: { status: 202, about: "It will be sent again.", schema: DeliveryAnswer },
  problems: [...NOT_THERE, "delivery-not-found", "delivery-busy"],
  examples: { one: { about: "One of them.", path: { ...path, delivery: EXAMPLE_IDS.delivery } } },
};
