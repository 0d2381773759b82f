import type { SchedulesFace, WebhooksFace } from "../../src/http/mod.ts";

/** Faces of a server without a schedule or a webhook, which makes none. */
export const NO_SCHEDULES: SchedulesFace = {
  list: () => [],
  find: () => undefined,
  create: () => ({ kind: "too_many", max: 0 }),
  change: () => ({ kind: "unknown" }),
  remove: () => false,
};

export const NO_WEBHOOKS: WebhooksFace = {
  list: () => [],
  find: () => undefined,
  create: () => ({ kind: "too_many", max: 0 }),
  change: () => undefined,
  remove: () => false,
  deliveries: () => undefined,
  resend: () => ({ kind: "unknown_webhook" }),
};
