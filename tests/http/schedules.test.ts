import { expect, test } from "bun:test";
import * as v from "valibot";
import type { ScheduleCreated } from "../../src/http/mod.ts";
import {
  ScheduleAnswer,
  type ScheduleBody,
  type ScheduleFacts,
  ScheduleList,
} from "../../src/protocol/mod.ts";
import { fakeApp, NOW_MS } from "./fake-deps.ts";
import { NO_SCHEDULES } from "./no-automation.ts";

const ID = "0190b8a4-0000-7000-8000-0000000000aa";
const BODY = {
  name: "daily",
  cron: "30 2 * * *",
  zone: "Europe/Berlin",
  request: { symbols: ["BTCUSDT"], range: { days_back: 1 }, order: "oldest" },
};

function facts(body: ScheduleBody): ScheduleFacts {
  return {
    ...body,
    id: ID,
    nextRunAtMs: NOW_MS,
    lastRunAtMs: null,
    lastJobId: null,
    lastError: null,
    createdAtMs: NOW_MS,
  };
}

/** An app with one schedule, which takes what it is given. */
function appWith(
  create: (body: ScheduleBody) => ScheduleCreated = (body) => ({ kind: "created", schedule: facts(body) }),
) {
  const changes: unknown[] = [];
  const stored = facts({ ...BODY, enabled: true, request: { ...BODY.request } });
  const { app } = fakeApp({
    schedules: {
      ...NO_SCHEDULES,
      list: () => [stored],
      find: (id) => (id === ID ? stored : undefined),
      create,
      change: (id, change) => {
        changes.push(change);
        return id === ID ? { kind: "updated", schedule: { ...stored, ...change } } : { kind: "unknown" };
      },
      remove: (id) => id === ID,
    },
  });
  const send = (method: string, path: string, body: unknown) =>
    app.request(`/api/v1/schedules${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  return { app, send, changes };
}

test("POST /api/v1/schedules, answers 201 with the schedule and where it is", async () => {
  const { send } = appWith();
  const answer = await send("POST", "", BODY);
  expect(answer.status).toBe(201);
  expect(answer.headers.get("location")).toBe(`/api/v1/schedules/${ID}`);
  expect(v.parse(v.strictObject(ScheduleAnswer.entries), await answer.json())).toEqual({
    id: ID,
    ...BODY,
    request: { symbols: ["BTCUSDT"], range: { days_back: 1 }, order: "oldest" },
    enabled: true,
    next_run_at: "2026-01-03T12:34:56.789Z",
    last_run_at: null,
    last_job_id: null,
    last_error: null,
    created_at: "2026-01-03T12:34:56.789Z",
  });
});

const REFUSED: readonly (readonly [what: string, change: object, problem: object])[] = [
  ["no cron expression", { cron: undefined }, { errors: [{ path: "$.cron" }] }],
  ["a field it does not have", { speed: 1 }, { errors: [{ path: "$.speed", expected: "no such field" }] }],
  ["no range", { request: { symbols: ["BTCUSDT"] } }, { errors: [{ path: "$.request.range" }] }],
  [
    "a range of both kinds",
    { request: { symbols: ["BTCUSDT"], range: { days_back: 1, minutes_back: 1 } } },
    { errors: [{ path: "$.request.range" }] },
  ],
  [
    "dates beside the range",
    { request: { symbols: ["BTCUSDT"], range: { days_back: 1 }, start_date: "2026-01-01" } },
    { errors: [{ path: "$.request.start_date" }] },
  ],
  [
    "a symbol that is none",
    { request: { symbols: ["BTC USDT"], range: { days_back: 1 } } },
    { errors: [{ path: "$.request.symbols[0]", received: '"BTC USDT"' }] },
  ],
  [
    "a request field that a backfill does not have",
    { request: { symbols: ["BTCUSDT"], range: { days_back: 1 }, speed: 1 } },
    { errors: [{ path: "$.request.speed" }] },
  ],
];
for (const [what, change, problem] of REFUSED)
  test(`POST /api/v1/schedules, refuses ${what}`, async () => {
    const { send } = appWith();
    const answer = await send("POST", "", { ...BODY, ...change });
    expect(await answer.json()).toMatchObject({ status: 422, ...problem });
  });

test("POST /api/v1/schedules, an expression and a zone that name no times are refused where they stand", async () => {
  const bad = (kind: "bad_cron" | "bad_zone", received: string) =>
    appWith(() => ({ kind, reason: "it names no time to come", received })).send("POST", "", BODY);
  expect(await (await bad("bad_cron", "0 0 30 2 *")).json()).toMatchObject({
    status: 422,
    detail: expect.stringContaining("it names no time to come"),
    errors: [{ path: "$.cron", received: '"0 0 30 2 *"' }],
  });
  expect(await (await bad("bad_zone", "Mars/Phobos")).json()).toMatchObject({
    errors: [{ path: "$.zone", expected: 'an IANA time zone such as "Europe/Berlin" or "UTC"' }],
  });
});

test("POST /api/v1/schedules, a name that is taken and one too many answer 409", async () => {
  const exists = await appWith(() => ({ kind: "exists" })).send("POST", "", BODY);
  expect(await exists.json()).toMatchObject({ status: 409, type: "/problems/schedule-exists" });
  const many = await appWith(() => ({ kind: "too_many", max: 1_000 })).send("POST", "", BODY);
  expect(await many.json()).toMatchObject({ status: 409, type: "/problems/too-many" });
});

test("GET /api/v1/schedules, lists them, one of them, and none under another id", async () => {
  const { app } = appWith();
  const list = await app.request("/api/v1/schedules");
  expect(v.parse(v.strictObject(ScheduleList.entries), await list.json()).schedules).toHaveLength(1);
  expect((await app.request(`/api/v1/schedules/${ID.toUpperCase()}`)).status).toBe(200);
  const unknown = await app.request("/api/v1/schedules/0190b8a4-0000-7000-8000-00000000ffff");
  expect(await unknown.json()).toMatchObject({ status: 404, type: "/problems/schedule-not-found" });
  expect((await app.request("/api/v1/schedules/daily")).status).toBe(400);
});

test("PATCH /api/v1/schedules/{id}, changes what is named, and nothing named is refused", async () => {
  const { send, changes } = appWith();
  const answer = await send("PATCH", `/${ID}`, { enabled: false });
  expect(await answer.json()).toMatchObject({ enabled: false, next_run_at: null });
  expect(changes).toEqual([{ enabled: false }]);
  expect((await send("PATCH", `/${ID}`, {})).status).toBe(422);
  expect((await send("PATCH", "/0190b8a4-0000-7000-8000-00000000ffff", { enabled: true })).status).toBe(404);
});

test("DELETE /api/v1/schedules/{id}, 204 without a body, then 404", async () => {
  const { app } = appWith();
  const gone = await app.request(`/api/v1/schedules/${ID}`, { method: "DELETE" });
  expect([gone.status, await gone.text()]).toEqual([204, ""]);
  const unknown = await app.request("/api/v1/schedules/0190b8a4-0000-7000-8000-00000000ffff", {
    method: "DELETE",
  });
  expect(unknown.status).toBe(404);
});

test("GET /api/v1/schedules, a server that is starting says so", async () => {
  const unavailable = {
    kind: "unavailable",
    detail: "the server is starting",
    retryAfterSeconds: 1,
  } as const;
  const { app } = fakeApp({ schedules: { ...NO_SCHEDULES, list: () => unavailable } });
  const answer = await app.request("/api/v1/schedules");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
});
