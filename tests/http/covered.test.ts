import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const OTHER_JOB = "0190b8a4-0000-7000-8000-000000000002";
const DAY = "from=2026-01-02&to=2026-01-02";

async function ask(channels: string[], method: string, path: string, body?: unknown) {
  const { app, asked } = fakeApp();
  const request = new Request(`http://localhost${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const grant = { ...EVERYTHING, channels: new Set(channels) };
  return { answer: await app.fetch(request, { grant }), asked };
}

async function statusOf(channels: string[], method: string, path: string): Promise<number> {
  return (await ask(channels, method, path)).answer.status;
}

describe("covered(), a route that names a symbol", () => {
  test.each([
    "/api/v1/levels/BTCUSDT",
    "/api/v1/levels/binance:btcusdt",
    `/api/v1/profile/BTCUSDT?${DAY}`,
    "/api/v1/session/BTCUSDT",
    "/api/v1/gaps/BTCUSDT",
    "/levels?symbol=BTCUSDT",
    "/levels",
    "/ready",
  ])("%s, takes a channel of that symbol", async (path) => {
    expect(await statusOf(["levels:binance:BTCUSDT"], "GET", path)).toBe(200);
    expect(await statusOf(["levels:*"], "GET", path)).toBe(200);
    const { answer } = await ask(["levels:binance:ETHUSDT", "backfill:*"], "GET", path);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({
      type: "/problems/not-granted",
      detail: "The channels of the token have no channel of binance:BTCUSDT.",
    });
  });

  test("/levels, with two symbols takes channels of both", async () => {
    const path = "/levels?symbol=BTCUSDT&symbol=ETHUSDT";
    expect(await statusOf(["levels:binance:BTCUSDT"], "GET", path)).toBe(403);
  });

  test("what is no symbol, is refused before it is looked at", async () => {
    expect(await statusOf(["levels:*"], "GET", "/api/v1/levels/BTC%20USDT")).toBe(403);
  });
});

describe("covered(), a route that names a job", () => {
  const paths = [
    ["GET", `/api/v1/backfill/status/${JOB_ID}`],
    ["GET", `/api/v1/backfill/status/${JOB_ID.toUpperCase()}`],
    ["POST", `/api/v1/backfill/${JOB_ID}/pause`],
  ] as const;
  for (const [method, path] of paths)
    test(`${method} ${path}, takes the channel of that job`, async () => {
      expect(await statusOf([`backfill:${JOB_ID}`], method, path)).toBe(200);
      expect(await statusOf(["backfill:*"], method, path)).toBe(200);
      for (const other of [`backfill:${OTHER_JOB}`, "backfill", "levels:*"])
        expect(await statusOf([other], method, path)).toBe(403);
    });
});

describe("covered(), a request to backfill", () => {
  const body = { start_date: "2026-01-01", end_date: "2026-01-01" };
  const path = "/api/v1/backfill";

  test("takes a channel of each symbol that its body names", async () => {
    const both = { ...body, symbols: ["BTCUSDT", "binance:ETHUSDT"] };
    const granted = await ask(["levels:binance:BTCUSDT", "gaps:binance:ETHUSDT"], "POST", path, both);
    expect([granted.answer.status, granted.asked.submitted.length]).toEqual([202, 1]);
    const refused = await ask(["levels:binance:BTCUSDT"], "POST", path, both);
    expect([refused.answer.status, refused.asked.submitted.length]).toEqual([403, 0]);
    expect(await refused.answer.json()).toMatchObject({
      detail: "The channels of the token have no channel of binance:ETHUSDT.",
    });
  });
});

describe("covered(), every other route", () => {
  test("takes a grant without a restriction", async () => {
    const { app } = fakeApp();
    const index = v.parse(
      v.object({ endpoints: v.array(v.object({ method: v.string(), path: v.string() })) }),
      await (await app.request("/")).json(),
    );
    const across = index.endpoints.filter(
      ({ path }) =>
        !/:symbol|:job_id|^\/(?:levels|ready|health|docs|client\.js|\w+\.json|connection\/\w+)$/.test(path),
    );
    const open = across.filter(({ path }) => ["/api/v1/backfill"].includes(path));
    expect(open.map(({ method }) => method)).toEqual(["POST"]);
    for (const { method, path } of across.filter((each) => !open.includes(each))) {
      const named = path.replaceAll(/:\w+/g, JOB_ID);
      expect([method, path, await statusOf(["levels:*", "backfill:*", "backfill"], method, named)]).toEqual([
        method,
        path,
        403,
      ]);
    }
    expect(across.length).toBeGreaterThan(15);
  });
});
