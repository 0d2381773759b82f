import { formatTime } from "../core/mod.ts";
import {
  type DeliveryList,
  deliveryToWire,
  fieldFault,
  parseDeliveriesQuery,
  parseDeliveryId,
  parseNoQuery,
  parseWebhookBody,
  parseWebhookChange,
  parseWebhookId,
  type WebhookCreated,
  type WebhookList,
  webhookToWire,
} from "../protocol/mod.ts";
import type { HttpDeps } from "./deps.ts";
import { readJsonBody } from "./json-body.ts";
import { failWith, ProblemError } from "./problem-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, available, type Route, timed, unavailable, valid } from "./route.ts";
import {
  CHANGE_WEBHOOK,
  GET_WEBHOOK,
  LIST_DELIVERIES,
  LIST_WEBHOOKS,
  MAKE_WEBHOOK,
  REMOVE_WEBHOOK,
  RESEND_DELIVERY,
} from "./webhook-contracts.ts";

const PATH = "/api/v1/webhooks";

/** Who is told of jobs, and how telling them went. */
export function webhookRoutes(deps: HttpDeps): Route[] {
  return [
    {
      method: "GET",
      path: PATH,
      about: "webhooks, without their secrets",
      contract: LIST_WEBHOOKS,
      handle: async (c) => {
        valid(parseNoQuery(queryParameters(c)));
        const webhooks = available(await timed(c, deps, (options) => deps.webhooks.list(options)));
        const answer: WebhookList = {
          webhooks: webhooks.map(webhookToWire),
          timestamp: formatTime(deps.nowMs()),
        };
        return c.json(answer);
      },
    },
    {
      method: "POST",
      path: PATH,
      about: CREATE_ABOUT,
      contract: MAKE_WEBHOOK,
      handle: (c) => create(c, deps),
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
      about: "one webhook",
      contract: GET_WEBHOOK,
      handle: async (c) => {
        const id = idOf(c);
        const found = available(await timed(c, deps, (options) => deps.webhooks.find(id, options)));
        if (found === undefined) throw unknown(id);
        return c.json(webhookToWire(found));
      },
    },
    {
      method: "PATCH",
      path: `${PATH}/:id`,
      about: "changes a webhook {events?, enabled?}",
      contract: CHANGE_WEBHOOK,
      handle: async (c) => {
        const id = idOf(c);
        const body = await timed(c, deps, () => readJsonBody(c.req.raw));
        const parsed = parseWebhookChange(body);
        if (parsed.kind === "refused") throw new ProblemError(parsed.problem);
        const changed = available(
          await timed(c, deps, (options) => deps.webhooks.change(id, parsed.value, options)),
        );
        if (changed === undefined) throw unknown(id);
        return c.json(webhookToWire(changed));
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      about: "removes a webhook with its log",
      contract: REMOVE_WEBHOOK,
      handle: async (c) => {
        const id = idOf(c);
        if (!available(await timed(c, deps, (options) => deps.webhooks.remove(id, options))))
          throw unknown(id);
        return c.body(null, 204);
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id/deliveries`,
      about: "what was sent to a webhook, newest event first (limit=1..100, before=OFFSET)",
      contract: LIST_DELIVERIES,
      handle: async (c) => {
        const id = valid(parseWebhookId(c.req.param("id") ?? ""));
        const query = valid(parseDeliveriesQuery(queryParameters(c)));
        const found = available(
          await timed(c, deps, (options) => deps.webhooks.deliveries(id, query, options)),
        );
        if (found === undefined) throw unknown(id);
        const answer: DeliveryList = {
          deliveries: found.map(deliveryToWire),
          timestamp: formatTime(deps.nowMs()),
        };
        return c.json(answer);
      },
    },
    {
      method: "POST",
      path: `${PATH}/:id/deliveries/:delivery/resend`,
      about: "sends a delivery again; answers 202 with it",
      contract: RESEND_DELIVERY,
      handle: (c) => resend(c, deps),
    },
  ];
}

const CREATE_ABOUT =
  "makes a webhook {url, events?}; its answer alone shows the secret that messages are signed with";

async function create(c: AppContext, deps: HttpDeps): Promise<Response> {
  valid(parseNoQuery(queryParameters(c)));
  const body = await timed(c, deps, () => readJsonBody(c.req.raw));
  const parsed = parseWebhookBody(body);
  if (parsed.kind === "refused") throw new ProblemError(parsed.problem);
  const outcome = await timed(c, deps, (options) => deps.webhooks.create(parsed.value, options));
  switch (outcome.kind) {
    case "created": {
      const answer: WebhookCreated = { ...webhookToWire(outcome.webhook), secret: outcome.secret };
      return c.json(answer, 201, { location: `${PATH}/${answer.id}` });
    }
    case "refused":
      throw failWith("webhook-target-refused", `Nothing is sent to this address: ${outcome.reason}.`, [
        fieldFault("$.url", "an https URL at a public address", parsed.value.url),
      ]);
    case "too_many":
      throw failWith(
        "too-many",
        `There are ${outcome.max} webhooks, as many as there may be: remove one first.`,
      );
    case "unavailable":
      throw unavailable(outcome);
  }
}

async function resend(c: AppContext, deps: HttpDeps): Promise<Response> {
  const id = idOf(c);
  const deliveryId = valid(parseDeliveryId(c.req.param("delivery") ?? ""));
  const outcome = await timed(c, deps, (options) => deps.webhooks.resend(id, deliveryId, options));
  switch (outcome.kind) {
    case "resent":
      return c.json(deliveryToWire(outcome.delivery), 202);
    case "unknown_webhook":
      throw unknown(id);
    case "unknown_delivery":
      throw failWith(
        "delivery-not-found",
        `There is no delivery ${deliveryId} of this webhook; GET ${PATH}/${id}/deliveries lists them.`,
      );
    case "busy":
      throw failWith(
        "delivery-busy",
        "It is being sent at this moment; ask again when the attempt has ended.",
      );
    case "disabled":
      throw failWith(
        "delivery-busy",
        `The webhook is disabled; PATCH ${PATH}/${id} {"enabled": true} first.`,
      );
    case "unavailable":
      throw unavailable(outcome);
  }
}

function idOf(c: AppContext): string {
  valid(parseNoQuery(queryParameters(c)));
  return valid(parseWebhookId(c.req.param("id") ?? ""));
}

function unknown(id: string): ProblemError {
  return failWith("webhook-not-found", `There is no webhook ${id}; GET ${PATH} lists them.`);
}
