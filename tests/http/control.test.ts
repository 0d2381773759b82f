import { expect, test } from "bun:test";
import * as v from "valibot";
import { JobAnswer, type JobCommand } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const OTHER_ID = "0190b8a4-0000-7000-8000-00000000ffff";

function commander(deps: Parameters<typeof fakeApp>[0] = {}) {
  const { app, asked } = fakeApp(deps);
  const tell = (word: string, body?: unknown, id = JOB_ID) =>
    app.request(`/api/v1/backfill/${id}/${word}`, {
      method: "POST",
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  return { tell, asked };
}

const UNDERSTOOD: readonly [word: string, body: unknown, command: JobCommand][] = [
  ["pause", undefined, { kind: "pause" }],
  ["resume", {}, { kind: "resume" }],
  ["cancel", undefined, { kind: "cancel" }],
  ["retry", undefined, { kind: "retry" }],
  ["retry", {}, { kind: "retry" }],
  [
    "retry",
    { symbols: ["btcusdt", "binance:BTCUSDT", "bybit:ETHUSDT"] },
    {
      kind: "retry",
      symbols: [
        { venue: "binance", symbol: "BTCUSDT" },
        { venue: "bybit", symbol: "ETHUSDT" },
      ],
    },
  ],
  ["priority", { priority: -3 }, { kind: "adjust", priority: -3, maxParallel: undefined }],
  ["priority", { priority: 0, max_parallel: 8 }, { kind: "adjust", priority: 0, maxParallel: 8 }],
];

for (const [word, body, command] of UNDERSTOOD)
  test(`POST /api/v1/backfill/:job_id/${word}, ${JSON.stringify(body) ?? "no body"}, is told and answers the job`, async () => {
    const { tell, asked } = commander();
    const answer = await tell(word, body);
    expect(answer.status).toBe(200);
    expect(v.parse(v.strictObject(JobAnswer.entries), await answer.json()).job_id).toBe(JOB_ID);
    expect(asked.commands).toEqual([[JOB_ID, command]]);
  });

const REFUSED: readonly [word: string, body: unknown, path: string][] = [
  ["pause", { now: true }, "$.now"],
  ["retry", { symbols: [] }, "$.symbols"],
  ["retry", { symbols: ["BTC USDT"] }, "$.symbols[0]"],
  ["retry", { symbol: "BTCUSDT" }, "$.symbol"],
  ["priority", {}, "$"],
  ["priority", undefined, "$"],
  ["priority", { priority: 101 }, "$.priority"],
  ["priority", { max_parallel: 0 }, "$.max_parallel"],
];

for (const [word, body, path] of REFUSED)
  test(`POST /api/v1/backfill/:job_id/${word}, refuses ${JSON.stringify(body) ?? "no body"}`, async () => {
    const { tell, asked } = commander();
    const answer = await tell(word, body);
    expect(await answer.json()).toMatchObject({ status: 422, errors: [{ path }] });
    expect(asked.commands).toEqual([]);
  });

test("POST /api/v1/backfill/:job_id/pause, a job that is not there is a 404, what is no id a 400", async () => {
  const { tell } = commander();
  expect(await (await tell("pause", undefined, OTHER_ID)).json()).toMatchObject({
    status: 404,
    type: "/problems/job-not-found",
  });
  expect(await (await tell("pause", undefined, "17")).json()).toMatchObject({
    status: 400,
    errors: [{ path: "path.job_id" }],
  });
});

test("POST /api/v1/backfill/:job_id/cancel, a state that does not allow it is a 409 that names it", async () => {
  const { tell } = commander({
    control: { tell: () => ({ kind: "refused", state: "complete", why: "it has ended" }) },
  });
  const answer = await tell("cancel");
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await answer.json()).toMatchObject({
    status: 409,
    type: "/problems/job-state",
    state: "complete",
    detail: `Job ${JOB_ID} is complete: it has ended.`,
  });
});

test("POST /api/v1/backfill/:job_id/retry, what cannot be reached now is a 503, another method a 405", async () => {
  const { tell } = commander({
    control: { tell: () => ({ kind: "unavailable", detail: "shutting down", retryAfterSeconds: 5 }) },
  });
  const answer = await tell("retry");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
  const { app } = fakeApp();
  const wrong = await app.request(`/api/v1/backfill/${JOB_ID}/retry`);
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
});

test("POST /api/v1/backfill, takes a deadline in seconds, at least one and at most a week", async () => {
  const { post, asked } = fakeApp();
  const good = { symbols: ["BTCUSDT"], start_date: "2026-01-02", end_date: "2026-01-02" };
  expect((await post({ ...good, deadline_seconds: 60 })).status).toBe(202);
  expect(asked.submitted[0]?.deadlineSeconds).toBe(60);
  for (const deadline_seconds of [0, 1.5, 604_801, "60"])
    expect(await (await post({ ...good, deadline_seconds })).json()).toMatchObject({
      status: 422,
      errors: [{ path: "$.deadline_seconds" }],
    });
});
