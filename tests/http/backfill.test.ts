import { expect, test } from "bun:test";
import * as v from "valibot";
import { dayRange, parseDay } from "../../src/core/mod.ts";
import type { SubmitOutcome } from "../../src/http/mod.ts";
import {
  BackfillAccepted,
  JobAnswer,
  jobSummaryToWire,
  RecentJobs,
  summaryOf,
} from "../../src/protocol/mod.ts";
import { fakeApp, JOB, JOB_ID } from "./fake-deps.ts";

const GOOD = { symbols: ["BTCUSDT", "btcusdt"], start_date: "2026-01-02", end_date: "2026-01-02" };

test("POST /api/v1/backfill, answers 202 with the job at once", async () => {
  const { post, asked } = fakeApp();
  const answer = await post({ ...GOOD, order: "oldest", priority: -5, force: true, dataset: "trades" });
  expect(answer.status).toBe(202);
  expect(answer.headers.get("location")).toBe(`/api/v1/backfill/status/${JOB_ID}`);
  expect(v.parse(v.strictObject(BackfillAccepted.entries), await answer.json())).toEqual({
    job_id: JOB_ID,
    status: "pending",
    symbols_count: 1,
    symbols: ["binance:BTCUSDT"],
    date_range: { start: "2026-01-02T00:00:00.000Z", end: "2026-01-03T00:00:00.000Z" },
    timeframes: [],
    timestamp: "2026-01-03T12:34:56.789Z",
  });
  expect(asked.submitted).toEqual([
    {
      timeframes: [],
      symbols: [{ venue: "binance", symbol: "BTCUSDT" }],
      range: dayRange(parseDay("2026-01-02")!),
      order: "oldest",
      priority: -5,
      force: true,
    },
  ]);
});

test("POST /api/v1/backfill, reads JSON with a charset named", async () => {
  const { post } = fakeApp();
  expect((await post(GOOD, { "content-type": "application/json; charset=utf-8" })).status).toBe(202);
});

const REFUSED: readonly [string, unknown, Record<string, string> | undefined, object][] = [
  [
    "another media type",
    GOOD,
    { "content-type": "text/plain" },
    {
      status: 415,
      errors: [{ path: "header.content-type", expected: "application/json", received: '"text/plain"' }],
    },
  ],
  [
    "what is no JSON",
    "{symbols",
    undefined,
    { status: 400, type: "/problems/malformed-json", errors: [{ path: "$" }] },
  ],
  ["an empty body", "", undefined, { status: 400, errors: [{ received: "nothing" }] }],
  [
    "a field it does not have",
    { ...GOOD, speed: 1 },
    undefined,
    { status: 422, errors: [{ path: "$.speed", expected: "no such field" }] },
  ],
  [
    "the order certify for candles",
    { ...GOOD, order: "certify", timeframes: ["1h"] },
    undefined,
    { status: 422, errors: [{ path: "$.order" }] },
  ],
  [
    "a body beyond 64 KiB",
    { ...GOOD, more: "x".repeat(65_536) },
    undefined,
    { status: 413, type: "/problems/body-too-large" },
  ],
];

for (const [what, body, headers, problem] of REFUSED)
  test(`POST /api/v1/backfill, refuses ${what}`, async () => {
    const { post, asked } = fakeApp();
    const answer = await post(body, headers);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject(problem);
    expect(asked.submitted).toEqual([]);
  });

test("POST /api/v1/backfill, a body of unknown length is cut off at 64 KiB", async () => {
  const { app } = fakeApp();
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(16_384).fill(32));
    },
  });
  const answer = await app.request("/api/v1/backfill", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(answer.status).toBe(413);
  expect(sent).toBeLessThan(10);
});

async function refusedWith(outcome: SubmitOutcome, symbols = ["BTCUSDT"]) {
  const { post } = fakeApp({
    backfill: {
      submit: () => outcome,
      job: () => undefined,
      recent: () => [],
      startup: () => ({
        status: "idle",
        running: false,
        chunksDone: 0,
        chunksTotal: 0,
        percentage: 0,
        etaSeconds: null,
      }),
    },
  });
  const answer = await post({ ...GOOD, symbols });
  return { retryAfter: answer.headers.get("retry-after"), problem: await answer.json() };
}

test("POST /api/v1/backfill, names the symbols of venues it does not speak to", async () => {
  const { problem } = await refusedWith({
    kind: "unknown_venue",
    symbols: [{ venue: "kraken", symbol: "XBTUSD" }],
    known: ["binance"],
  });
  expect(problem).toMatchObject({
    status: 422,
    errors: [{ path: "$.symbols", received: '"kraken:XBTUSD"' }],
  });
});

test("POST /api/v1/backfill, timeframes ask for candles", async () => {
  const { post, asked } = fakeApp();
  const answer = await post({ ...GOOD, timeframes: ["1m", "1h", "1m"] });
  expect(await answer.json()).toMatchObject({ job_id: JOB_ID, timeframes: ["1m", "1h"] });
  expect(asked.submitted[0]?.timeframes).toEqual(["1m", "1h"]);
});

test("POST /api/v1/backfill, a job that would be too large says so", async () => {
  const { problem } = await refusedWith({ kind: "too_large", detail: "500,000 chunks" });
  expect(problem).toMatchObject({ status: 422, type: "/problems/job-too-large", detail: "500,000 chunks" });
});

test("POST /api/v1/backfill, what cannot be reached now is a 503 with a time to come back", async () => {
  const { problem, retryAfter } = await refusedWith({
    kind: "unavailable",
    detail: "shutting down",
    retryAfterSeconds: 5,
  });
  expect([problem, retryAfter]).toMatchObject([{ status: 503 }, "5"]);
});

test("GET /api/v1/backfill/status/:job_id, the job, in either spelling of its id", async () => {
  const { app } = fakeApp();
  for (const id of [JOB_ID, JOB_ID.toUpperCase()]) {
    const answer = await app.request(`/api/v1/backfill/status/${id}`);
    expect(v.parse(v.strictObject(JobAnswer.entries), await answer.json())).toMatchObject({
      job_id: JOB_ID,
      progress_pct: 41.6,
      chunks_done: JOB.chunksDone,
    });
  }
});

test("GET /api/v1/backfill/status/:job_id, what is no id is refused and an unknown one not found", async () => {
  const { app } = fakeApp();
  const bad = await app.request("/api/v1/backfill/status/17");
  expect(await bad.json()).toMatchObject({
    status: 400,
    errors: [{ path: "path.job_id", received: '"17"' }],
  });
  const unknown = await app.request("/api/v1/backfill/status/0190b8a4-0000-7000-8000-00000000ffff");
  expect(await unknown.json()).toMatchObject({ status: 404, type: "/problems/job-not-found" });
});

test("GET /api/v1/backfill/recent, as many as asked for, 20 by default, 1 to 100", async () => {
  const { app, asked } = fakeApp();
  const answer = await app.request("/api/v1/backfill/recent");
  const { jobs } = v.parse(v.strictObject(RecentJobs.entries), await answer.json());
  expect(jobs).toEqual([jobSummaryToWire(summaryOf(JOB))]);
  expect(jobs[0]).not.toHaveProperty("details");
  await app.request("/api/v1/backfill/recent?limit=100");
  expect(asked.limits).toEqual([20, 100]);
  const bad = await app.request("/api/v1/backfill/recent?limit=101");
  expect(await bad.json()).toMatchObject({
    status: 400,
    errors: [{ path: "query.limit", received: "101" }],
  });
});
