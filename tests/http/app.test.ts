import { expect, test } from "bun:test";
import * as v from "valibot";
import { Problem } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const GETS = [
  "/",
  "/health",
  "/ready",
  "/backfill/status",
  "/levels",
  "/api/v1/levels/BTCUSDT",
  "/api/v1/profile/BTCUSDT?from=2026-01-02&to=2026-01-02",
  `/api/v1/backfill/status/${JOB_ID}`,
  "/api/v1/backfill/recent",
];

for (const path of GETS)
  test(`createHttpApp(), ${path} answers JSON that nobody caches, and HEAD the same without a body`, async () => {
    const { app } = fakeApp();
    const answer = await app.request(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toStartWith("application/json");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-request-id")).toBe("request-1");
    expect(await answer.json()).toBeObject();
    const head = await app.request(path, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("content-type")).toStartWith("application/json");
  });

for (const path of [...GETS, "/api/v1/backfill"])
  test(`createHttpApp(), DELETE ${path} is refused with what is allowed`, async () => {
    const { app } = fakeApp();
    const answer = await app.request(path, { method: "DELETE" });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(path === "/api/v1/backfill" ? "POST" : "GET, HEAD");
    expect(v.parse(Problem, await answer.json())).toMatchObject({
      type: "/problems/method-not-allowed",
      status: 405,
    });
  });

test("createHttpApp(), an unknown address is a problem document with the request's id", async () => {
  const { app } = fakeApp();
  const answer = await app.request("/nowhere", { headers: { "x-request-id": "mine-1" } });
  expect(answer.status).toBe(404);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("x-request-id")).toBe("mine-1");
  expect(await answer.json()).toMatchObject({ type: "/problems/not-found", status: 404, instance: "mine-1" });
});

test("createHttpApp(), a request id that could break a log is replaced", async () => {
  const { app } = fakeApp();
  const answer = await app.request("/health", { headers: { "x-request-id": "a b" } });
  expect(answer.headers.get("x-request-id")).toBe("request-1");
});

test("createHttpApp(), the index names every route once", async () => {
  const { app } = fakeApp();
  const index = v.parse(
    v.object({ endpoints: v.array(v.object({ method: v.string(), path: v.string() })) }),
    await (await app.request("/")).json(),
  );
  expect(index.endpoints.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /connection/websocket",
    "GET /connection/uni_websocket",
    "GET /connection/uni_sse",
    "GET /health",
    "GET /ready",
    "GET /backfill/status",
    "GET /levels",
    "GET /api/v1/levels/:symbol",
    "GET /api/v1/profile/:symbol",
    "GET /api/v1/profiles/:symbol",
    "GET /api/v1/compare/:symbol",
    "GET /api/v1/naked-pocs/:symbol",
    "GET /api/v1/composite/:symbol",
    "GET /api/v1/bars/:symbol",
    "GET /api/v1/symbols",
    "GET /api/v1/session/:symbol",
    "GET /api/v1/gaps/:symbol",
    "POST /api/v1/backfill",
    "GET /api/v1/backfill/status/:job_id",
    "GET /api/v1/backfill/recent",
    "POST /api/v1/backfill/:job_id/pause",
    "POST /api/v1/backfill/:job_id/resume",
    "POST /api/v1/backfill/:job_id/cancel",
    "POST /api/v1/backfill/:job_id/retry",
    "POST /api/v1/backfill/:job_id/priority",
    "GET /api/v1/cache",
    "POST /api/v1/cache/verify",
    "POST /api/v1/cache/clean",
    "GET /api/v1/schedules",
    "POST /api/v1/schedules",
    "GET /api/v1/schedules/:id",
    "PATCH /api/v1/schedules/:id",
    "DELETE /api/v1/schedules/:id",
    "GET /api/v1/webhooks",
    "POST /api/v1/webhooks",
    "GET /api/v1/webhooks/:id",
    "PATCH /api/v1/webhooks/:id",
    "DELETE /api/v1/webhooks/:id",
    "GET /api/v1/webhooks/:id/deliveries",
    "POST /api/v1/webhooks/:id/deliveries/:delivery/resend",
    "GET /openapi.json",
    "GET /asyncapi.json",
  ]);
});

test("createHttpApp(), a thrown error is logged and answered without its text or stack", async () => {
  const secret = new Error("password in the message");
  const { app, asked } = fakeApp({
    session() {
      throw secret;
    },
  });
  const answer = await app.request("/ready");
  expect(answer.status).toBe(500);
  const text = await answer.text();
  expect(v.parse(Problem, JSON.parse(text))).toMatchObject({
    type: "/problems/internal-error",
    instance: "request-1",
  });
  expect(text).not.toContain("password");
  expect(asked.logged).toMatchObject([
    {
      message: "a request failed",
      fields: { requestId: "request-1", path: "/ready", method: "GET", err: secret },
    },
  ]);
});

test("createHttpApp(), an answer that does not come in time is given up and its work is told so", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { app } = fakeApp({
    deadlineMs: 1,
    levels: {
      levelSet: (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => resolve());
        }),
      profile: () => ({ kind: "unknown_symbol", symbol: "x" }),
    },
  });
  const answer = await app.request("/levels");
  expect([answer.status, await answer.json()]).toMatchObject([504, { type: "/problems/deadline-exceeded" }]);
  await promise;
});

test("createHttpApp(), only allowed origins may read across origins", async () => {
  const { app } = fakeApp({ allowedOrigins: ["https://desk.example.com"] });
  const from = async (origin: string) =>
    (await app.request("/health", { headers: { origin } })).headers.get("access-control-allow-origin");
  expect(await from("https://desk.example.com")).toBe("https://desk.example.com");
  expect(await from("https://evil.example.com")).toBeNull();
  const none = await fakeApp().app.request("/health", { headers: { origin: "https://desk.example.com" } });
  expect(none.headers.get("access-control-allow-origin")).toBeNull();
});
