import { expect, test } from "bun:test";
import { EVERYTHING, type Grant, type Scope } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const READS = [
  "/ready",
  "/backfill/status",
  "/levels",
  "/api/v1/levels/BTCUSDT",
  `/api/v1/backfill/status/${JOB_ID}`,
  "/api/v1/backfill/recent",
  "/api/v1/cache",
  "/api/v1/schedules",
  "/api/v1/webhooks",
];
const CHANGES = [
  ["POST", "/api/v1/backfill"],
  ["POST", `/api/v1/backfill/${JOB_ID}/pause`],
  ["POST", "/api/v1/cache/clean"],
  ["POST", "/api/v1/schedules"],
  ["DELETE", `/api/v1/webhooks/${JOB_ID}`],
] as const;

function grantOf(...scopes: Scope[]): Grant {
  return { ...EVERYTHING, user: "someone", scopes: new Set(scopes) };
}

async function askAs(grant: Grant, method: string, path: string) {
  const { app } = fakeApp();
  const answer = await app.fetch(new Request(`http://localhost${path}`, { method }), { grant });
  return { status: answer.status, challenge: answer.headers.get("www-authenticate"), answer };
}

for (const path of READS)
  test(`access(), GET ${path} takes the scope read`, async () => {
    expect((await askAs(grantOf("read"), "GET", path)).status).toBe(200);
    const refused = await askAs(grantOf("backfill"), "GET", path);
    expect(refused.status).toBe(403);
    expect(refused.challenge).toBe('Bearer realm="tapeline", error="insufficient_scope", scope="read"');
    expect(await refused.answer.json()).toMatchObject({
      type: "/problems/insufficient-scope",
      detail: "This takes the scope read; the token has backfill.",
      instance: "request-1",
    });
    expect((await askAs(grantOf(), "HEAD", path)).status).toBe(403);
  });

for (const [method, path] of CHANGES)
  test(`access(), ${method} ${path} takes the scope backfill`, async () => {
    const refused = await askAs(grantOf("read"), method, path);
    expect(refused.status).toBe(403);
    expect(refused.challenge).toContain('scope="backfill"');
    expect((await askAs(grantOf("backfill"), method, path)).status).not.toBe(403);
  });

test("access(), what is open asks for no scope", async () => {
  for (const path of ["/", "/health"]) expect((await askAs(grantOf(), "GET", path)).status).toBe(200);
});

test("access(), a server that asks nobody grants everything", async () => {
  expect((await fakeApp().app.request("/api/v1/backfill/recent")).status).toBe(200);
});
