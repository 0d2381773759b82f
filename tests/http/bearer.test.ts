import { describe, expect, test } from "bun:test";
import { EVERYTHING, type TokenVerdict } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const READER: TokenVerdict = {
  kind: "granted",
  grant: { ...EVERYTHING, user: "reader", scopes: new Set(["read"]) },
};
const VERDICTS: Readonly<Record<string, TokenVerdict>> = {
  reader: READER,
  writer: { kind: "granted", grant: { ...EVERYTHING, user: "writer" } },
  one: { kind: "granted", grant: { ...EVERYTHING, channels: new Set(["levels:binance:ETHUSDT"]) } },
  old: { kind: "expired", reason: "the token has expired" },
  away: { kind: "unavailable", reason: "the keys at https://id.example.com/keys cannot be had" },
};
const WRONG: TokenVerdict = { kind: "invalid", reason: "its signature is not of our key" };

function guarded(allowedOrigins: string[] = []) {
  const seen: string[] = [];
  const fake = fakeApp({
    allowedOrigins,
    tokens: {
      async grant(token) {
        seen.push(token);
        return VERDICTS[token] ?? WRONG;
      },
    },
  });
  const ask = (path: string, authorization?: string, init: RequestInit = {}) =>
    fake.app.request(path, {
      ...init,
      headers: { ...init.headers, ...(authorization === undefined ? {} : { authorization }) },
    });
  return { ...fake, ask, seen };
}

describe("access(), with tokens", () => {
  test("no token, is 401 with a challenge that names no error", async () => {
    const { ask } = guarded();
    for (const path of ["/ready", "/api/v1/backfill/recent", "/nowhere"]) {
      const answer = await ask(path);
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
        401,
        'Bearer realm="tapeline"',
      ]);
      expect(await answer.json()).toMatchObject({ type: "/problems/unauthorized", status: 401 });
    }
    expect((await ask("/api/v1/backfill", undefined, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await ask("/levels", undefined, { method: "OPTIONS" })).status).toBe(401);
  });

  test.each([
    ["Bearer wrong", "its signature is not of our key"],
    ["Bearer old", "the token has expired"],
    ["Basic cmVhZGVyOg==", "it is no bearer token"],
    ["Bearer", "it is no bearer token"],
    ["reader", "it is no bearer token"],
    ["Bearer reader, Bearer reader", "it is no bearer token"],
  ])("%s, is 401 invalid_token: %s", async (authorization, reason) => {
    const answer = await guarded().ask("/levels", authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe(
      `Bearer realm="tapeline", error="invalid_token", error_description="${reason}"`,
    );
  });

  test("a token in the address, is not taken", async () => {
    expect((await guarded().ask("/ready?access_token=reader")).status).toBe(401);
  });

  test("a token, allows what its scopes say", async () => {
    const { ask, asked } = guarded();
    expect((await ask("/levels", "Bearer reader")).status).toBe(200);
    expect((await ask("/levels", "bearer reader", { method: "HEAD" })).status).toBe(200);
    const pause = `/api/v1/backfill/${JOB_ID}/pause`;
    const refused = await ask(pause, "Bearer reader", { method: "POST" });
    expect([refused.status, asked.commands.length]).toEqual([403, 0]);
    expect((await ask(pause, "Bearer writer", { method: "POST" })).status).toBe(200);
  });

  test("a token for some channels, is held to them", async () => {
    const { ask } = guarded();
    expect((await ask("/api/v1/levels/BTCUSDT", "Bearer one")).status).toBe(403);
    expect((await ask("/api/v1/levels/ETHUSDT", "Bearer one")).status).toBe(404);
    expect((await ask("/api/v1/backfill/recent", "Bearer one")).status).toBe(403);
  });

  test("what is open, is open also to a wrong token and to a restricted one", async () => {
    const { ask, seen } = guarded();
    for (const token of [undefined, "Bearer wrong", "Bearer one"])
      for (const path of ["/", "/health"]) expect((await ask(path, token)).status).toBe(200);
    expect(seen).toEqual([]);
    expect((await ask("/health", undefined, { method: "POST" })).status).toBe(405);
  });

  test("keys that cannot be had, are 503, and the log alone hears where they are", async () => {
    const { ask, asked } = guarded();
    const answer = await ask("/levels", "Bearer away");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await answer.text()).not.toContain("id.example.com");
    expect(asked.logged).toMatchObject([{ message: "a token cannot be verified" }]);
  });

  test("a grant from inside the process, needs no token; a header cannot stand for it", async () => {
    const { app, ask } = guarded();
    const grant = { ...EVERYTHING, scopes: new Set(["read" as const]) };
    const request = () => new Request("http://localhost/levels");
    expect((await app.fetch(request(), { grant })).status).toBe(200);
    expect((await app.fetch(request(), {})).status).toBe(401);
    expect((await app.fetch(request())).status).toBe(401);
    expect((await ask("/levels", undefined, { headers: { grant: JSON.stringify(grant) } })).status).toBe(401);
  });

  test("a page of an allowed origin, may send its token and read why it was refused", async () => {
    const { app } = guarded(["https://desk.example.com"]);
    const origin = "https://desk.example.com";
    const preflight = await app.request("/levels", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const refused = await app.request("/levels", { headers: { origin } });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
    expect(refused.headers.get("access-control-expose-headers")).toContain("www-authenticate");
  });
});
