import type {
  DeliveriesQuery,
  DeliveryFacts,
  WebhookBody,
  WebhookChange,
  WebhookFacts,
} from "../protocol/mod.ts";
import type { DeliveryStore } from "./delivery-store.ts";
import { newSecret } from "./signature.ts";
import type { WebhookTargets } from "./targets.ts";
import type { WebhookStore } from "./webhook-store.ts";

/** Webhooks of one database. */
export const WEBHOOKS_MAX = 100;

export type WebhookMade =
  | { readonly kind: "created"; readonly webhook: WebhookFacts; readonly secret: string }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "too_many"; readonly max: number };
export type Resent =
  | { readonly kind: "resent"; readonly delivery: DeliveryFacts }
  | { readonly kind: "unknown_webhook" | "unknown_delivery" | "busy" | "disabled" };

export interface WebhooksDeps {
  readonly store: WebhookStore;
  readonly deliveries: DeliveryStore;
  readonly targets: WebhookTargets;
  readonly nowMs: () => number;
  /** There may be something to send. */
  readonly changed: () => void;
}

/** Makes, changes and removes webhooks, and shows what was sent. */
export class Webhooks {
  readonly #deps: WebhooksDeps;

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  list(): Promise<WebhookFacts[]> {
    return this.#deps.store.list();
  }

  find(id: string): Promise<WebhookFacts | undefined> {
    return this.#deps.store.find(id);
  }

  /** The only moment at which the secret is shown. A name that cannot be resolved now is taken; each attempt checks it again. */
  async create({ url, events }: WebhookBody): Promise<WebhookMade> {
    const { store, targets } = this.#deps;
    const target = await targets.check(url);
    if (target.kind === "refused") return target;
    if ((await store.list()).length >= WEBHOOKS_MAX) return { kind: "too_many", max: WEBHOOKS_MAX };
    const secret = newSecret();
    const webhook = await store.insert({ url, secret, events: [...new Set(events)] });
    return { kind: "created", webhook, secret };
  }

  async change(id: string, change: WebhookChange): Promise<WebhookFacts | undefined> {
    const changed = await this.#deps.store.update(id, change);
    this.#deps.changed();
    return changed;
  }

  remove(id: string): Promise<boolean> {
    return this.#deps.store.remove(id);
  }

  /** Undefined when there is no such webhook. */
  async deliveries(id: string, query: DeliveriesQuery): Promise<DeliveryFacts[] | undefined> {
    const { store, deliveries } = this.#deps;
    return (await store.find(id)) === undefined ? undefined : deliveries.list(id, query);
  }

  async resend(id: string, deliveryId: number): Promise<Resent> {
    const { store, deliveries, nowMs, changed } = this.#deps;
    const webhook = await store.find(id);
    if (webhook === undefined) return { kind: "unknown_webhook" };
    if (!webhook.enabled) return { kind: "disabled" };
    const outcome = await deliveries.resend(id, deliveryId, nowMs());
    if (outcome.kind === "resent") changed();
    return outcome.kind === "unknown" ? { kind: "unknown_delivery" } : outcome;
  }
}
