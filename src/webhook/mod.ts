/** Webhooks: transitions of jobs told to other programs, signed, repeated until they are heard. */
export { DeliveryStore } from "./delivery-store.ts";
export { type Resolve, type TargetOptions, WebhookTargets } from "./targets.ts";
export { WebhookSender, type WebhookSenderDeps } from "./webhook-sender.ts";
export { WebhookStore } from "./webhook-store.ts";
export { type Resent, type WebhookMade, Webhooks, type WebhooksDeps } from "./webhooks.ts";
