import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { GapsAnswer, SessionReport } from "../../src/protocol/mod.ts";
import { fakeApp } from "./fake-deps.ts";

async function ask(path: string) {
  const { app } = fakeApp();
  const response = await app.request(path);
  return { status: response.status, body: await response.json() };
}

describe("GET /api/v1/session/{symbol}", () => {
  test("answers the metrics of a session, the quality rounded down", async () => {
    const { status, body } = await ask("/api/v1/session/btcusdt");
    expect(status).toBe(200);
    const report = v.parse(v.strictObject(SessionReport.entries), body);
    // 620 of 622 minutes: 99.678 %.
    expect(report).toMatchObject({
      symbol: "binance:BTCUSDT",
      bar_quality: 99.6,
      gaps: 1,
      dropped: 2,
      duplicates: 3,
      last_trade: { price: 42100.5, id: 77 },
      live: { state: "receiving", breaks: 1 },
    });
    expect(report.last_trade?.time).toEndWith(":01.500Z");
  });

  test("of a date without a session names the nearest; of an unknown symbol is 404", async () => {
    const none = await ask("/api/v1/session/BTCUSDT?session=2026-01-04");
    expect([none.status, none.body.errors[0].path]).toEqual([400, "query.session"]);
    expect((await ask("/api/v1/session/NOPE")).status).toBe(404);
  });

  test("refuses what is no date, and parameters it does not have", async () => {
    const bad = await ask("/api/v1/session/BTCUSDT?session=yesterday");
    expect([bad.status, bad.body.errors[0].path]).toEqual([400, "query.session"]);
    expect((await ask("/api/v1/session/BTCUSDT?day=2026-01-02")).status).toBe(400);
  });
});

describe("GET /api/v1/gaps/{symbol}", () => {
  test("answers missing minutes with reason and state, and mismatches with both values exactly", async () => {
    const { status, body } = await ask("/api/v1/gaps/BTCUSDT?from=2026-01-02&to=2026-01-02");
    expect(status).toBe(200);
    const answer = v.parse(v.strictObject(GapsAnswer.entries), body);
    expect(answer.gaps).toMatchObject([
      { minutes: 1, reason: "not_received", state: "pending", filled_at: null },
    ]);
    expect(answer.mismatches).toMatchObject([
      { minutes: 1, field: "quote_volume", ours: 12.5, theirs: 12.50000001, refetched_at: null },
    ]);
    expect([answer.from, answer.to]).toEqual(["2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"]);
  });

  test("wants both ends or none, and an end after the start", async () => {
    const half = await ask("/api/v1/gaps/BTCUSDT?from=2026-01-02");
    expect([half.status, half.body.errors[0].path]).toEqual([400, "query.to"]);
    const other = await ask("/api/v1/gaps/BTCUSDT?to=2026-01-02");
    expect([other.status, other.body.errors[0].path]).toEqual([400, "query.from"]);
    const turned = await ask("/api/v1/gaps/BTCUSDT?from=2026-01-02&to=2026-01-01");
    expect([turned.status, turned.body.errors[0].path]).toEqual([400, "query.to"]);
    expect((await ask("/api/v1/gaps/BTCUSDT")).status).toBe(200);
  });
});
