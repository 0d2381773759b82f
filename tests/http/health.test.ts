import { expect, test } from "bun:test";
import * as v from "valibot";
import { HealthAnswer, ReadyAnswer, StartupAnswer, type StartupFacts } from "../../src/protocol/mod.ts";
import { fakeApp } from "./fake-deps.ts";

const read = async (path: string) => (await fakeApp().app.request(path)).json();

test("GET /health, degraded while the backfill runs", async () => {
  const answer = await read("/health");
  expect(v.parse(v.strictObject(HealthAnswer.entries), answer)).toEqual({
    status: "degraded",
    backfill_status: "in_progress",
    backfill_complete: false,
  });
});

test("GET /ready, session, progress and precision", async () => {
  const answer = await read("/ready");
  expect(v.parse(v.strictObject(ReadyAnswer.entries), answer)).toEqual({
    symbol: "binance:BTCUSDT",
    session: "2026-01-02",
    session_open: true,
    session_from: "2026-01-02T00:00:00.000Z",
    session_to: "2026-01-03T00:00:00.000Z",
    trading_enabled: true,
    backfill: {
      status: "in_progress",
      chunks_done: 60,
      chunks_total: 144,
      percentage: 41.6,
      eta_seconds: 12,
    },
    metrics_precision: "IMPRECISE (backfill 41.6%)",
    timestamp: "2026-01-03T12:34:56.789Z",
  });
});

test("GET /backfill/status, with the error when there is one", async () => {
  const answer = await read("/backfill/status");
  expect(v.parse(v.strictObject(StartupAnswer.entries), answer)).toMatchObject({
    running: true,
    percentage: 41.6,
  });
  const startup = (): StartupFacts => ({
    status: "error",
    running: false,
    chunksDone: 1,
    chunksTotal: 2,
    percentage: 50,
    etaSeconds: null,
    error: "the venue is gone",
  });
  const { app } = fakeApp({
    backfill: {
      startup,
      submit: () => ({ kind: "accepted", jobId: "", status: "pending" }),
      job: () => undefined,
      recent: () => [],
    },
  });
  expect(await (await app.request("/backfill/status")).json()).toMatchObject({
    status: "error",
    error: "the venue is gone",
  });
});

test("GET /backfill/status, a parameter it does not have is refused", async () => {
  expect(await read("/backfill/status?verbose=1")).toMatchObject({
    status: 400,
    errors: [{ path: "query.verbose" }],
  });
});
