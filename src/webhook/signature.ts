import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;
const SECRET_PREFIX = "whsec_";

/** A secret of its own for each webhook, in the form that verifying libraries take. */
export function newSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/** `webhook-id` of everything sent about one event to one webhook, so that its receiver can tell repetitions. */
export function messageIdOf(webhookId: string, eventOffset: number): string {
  return `msg_${webhookId.replaceAll("-", "")}_${eventOffset}`;
}

/** The headers of Standard Webhooks for one attempt. `webhook-timestamp` is the time of the attempt, in whole seconds. */
export function signedHeaders(
  secret: string,
  message: { readonly id: string; readonly atMs: number; readonly body: string },
): Record<string, string> {
  const at = new Date(message.atMs);
  return {
    "webhook-id": message.id,
    "webhook-timestamp": String(Math.floor(message.atMs / 1_000)),
    "webhook-signature": new Webhook(secret).sign(message.id, at, message.body),
  };
}
