import { expect, test } from "bun:test";
import * as v from "valibot";
import type { Resent, WebhookMade } from "../../src/http/mod.ts";
import {
  type DeliveryFacts,
  DeliveryList,
  WebhookAnswer,
  type WebhookBody,
  WebhookCreated,
  type WebhookFacts,
  WebhookList,
} from "../../src/protocol/mod.ts";
import { fakeApp, NOW_MS } from "./fake-deps.ts";
import { NO_WEBHOOKS } from "./no-automation.ts";

const ID = "0190b8a4-0000-7000-8000-0000000000bb";
const OTHER = "0190b8a4-0000-7000-8000-00000000ffff";
const SECRET = "whsec_c2VjcmV0";
const WEBHOOK: WebhookFacts = {
  id: ID,
  url: "https://example.com/hook",
  events: [],
  enabled: true,
  disabledReason: null,
  createdAtMs: NOW_MS,
};
const DELIVERY: DeliveryFacts = {
  id: 7,
  messageId: "msg_7",
  eventOffset: 42,
  eventType: "backfill.error",
  status: "pending",
  attempt: 1,
  responseCode: 500,
  error: "the receiver answered 500",
  nextAttemptAtMs: NOW_MS,
  deliveredAtMs: null,
  createdAtMs: NOW_MS,
  payload: {
    type: "backfill.error",
    timestamp: "2026-01-03T12:00:00.000Z",
    data: { job_id: "j", from: "in_progress", to: "error", offset: 42 },
  },
};

function appWith(
  create: (body: WebhookBody) => WebhookMade = (body) => ({
    kind: "created",
    webhook: { ...WEBHOOK, ...body },
    secret: SECRET,
  }),
  resent: Resent = { kind: "resent", delivery: DELIVERY },
) {
  const queries: unknown[] = [];
  const { app } = fakeApp({
    webhooks: {
      ...NO_WEBHOOKS,
      list: () => [WEBHOOK],
      find: (id) => (id === ID ? WEBHOOK : undefined),
      create,
      change: (id, change) => (id === ID ? { ...WEBHOOK, ...change } : undefined),
      remove: (id) => id === ID,
      deliveries: (id, query) => {
        queries.push(query);
        return id === ID ? [DELIVERY] : undefined;
      },
      resend: () => resent,
    },
  });
  const send = (method: string, path: string, body?: unknown) =>
    app.request(`/api/v1/webhooks${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  return { send, queries };
}

test("POST /api/v1/webhooks, shows the secret, and nothing else does", async () => {
  const { send } = appWith();
  const made = await send("POST", "", { url: "https://example.com/hook", events: ["backfill.complete"] });
  expect([made.status, made.headers.get("location")]).toEqual([201, `/api/v1/webhooks/${ID}`]);
  expect(v.parse(v.strictObject(WebhookCreated.entries), await made.json())).toMatchObject({
    secret: SECRET,
    events: ["backfill.complete"],
  });
  const list = await (await send("GET", "")).text();
  expect(v.parse(WebhookList, JSON.parse(list)).webhooks).toHaveLength(1);
  const one = await (await send("GET", `/${ID}`)).text();
  expect(v.parse(v.strictObject(WebhookAnswer.entries), JSON.parse(one)).id).toBe(ID);
  expect(`${list}${one}`).not.toContain("whsec_");
});

test("POST /api/v1/webhooks, refuses what is no URL, what is no event and a target that may not be sent to", async () => {
  const { send } = appWith((body) => ({ kind: "refused", reason: `${body.url} is at 10.0.0.1` }));
  expect(await (await send("POST", "", { url: "hook" })).json()).toMatchObject({
    status: 422,
    errors: [{ path: "$.url" }],
  });
  const event = await send("POST", "", { url: "https://example.com/", events: ["backfill.idle"] });
  expect(await event.json()).toMatchObject({ status: 422, errors: [{ path: "$.events[0]" }] });
  expect(await (await send("POST", "", { url: "https://example.com/" })).json()).toMatchObject({
    status: 422,
    type: "/problems/webhook-target-refused",
    detail: "Nothing is sent to this address: https://example.com/ is at 10.0.0.1.",
  });
});

test("PATCH and DELETE /api/v1/webhooks/{id}, change and remove it; another id is not found", async () => {
  const { send } = appWith();
  expect(await (await send("PATCH", `/${ID}`, { enabled: false })).json()).toMatchObject({ enabled: false });
  expect((await send("PATCH", `/${ID}`, {})).status).toBe(422);
  expect((await send("DELETE", `/${ID}`)).status).toBe(204);
  const problems = [
    await send("GET", `/${OTHER}`),
    await send("PATCH", `/${OTHER}`, { enabled: true }),
    await send("DELETE", `/${OTHER}`),
    await send("GET", `/${OTHER}/deliveries`),
  ];
  expect(problems.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
});

test("GET /api/v1/webhooks/{id}/deliveries, the log, in pages", async () => {
  const { send, queries } = appWith();
  const answer = await send("GET", `/${ID}/deliveries?limit=50&before=99`);
  expect(v.parse(v.strictObject(DeliveryList.entries), await answer.json()).deliveries).toMatchObject([
    { id: 7, message_id: "msg_7", status: "pending", next_attempt_at: "2026-01-03T12:34:56.789Z" },
  ]);
  await send("GET", `/${ID}/deliveries`);
  expect(queries).toEqual([
    { limit: 50, before: 99 },
    { limit: 20, before: undefined },
  ]);
  for (const bad of ["limit=0", "limit=101", "limit=x", "before=-1", "page=2", "limit=1&limit=2"])
    expect([bad, (await send("GET", `/${ID}/deliveries?${bad}`)).status]).toEqual([bad, 400]);
});

test("POST …/resend, 202 with the delivery, or why not", async () => {
  const path = `/${ID}/deliveries/7/resend`;
  const answer = await appWith().send("POST", path);
  expect([answer.status, await answer.json()]).toMatchObject([202, { id: 7 }]);
  const refusals: readonly (readonly [Resent["kind"], number, string])[] = [
    ["unknown_webhook", 404, "/problems/webhook-not-found"],
    ["unknown_delivery", 404, "/problems/delivery-not-found"],
    ["busy", 409, "/problems/delivery-busy"],
    ["disabled", 409, "/problems/delivery-busy"],
  ];
  for (const [kind, status, type] of refusals) {
    if (kind === "resent" || kind === "unavailable") continue;
    const refused = await appWith(undefined, { kind }).send("POST", path);
    expect(await refused.json()).toMatchObject({ status, type });
  }
  expect((await appWith().send("POST", `/${ID}/deliveries/x/resend`)).status).toBe(400);
});
