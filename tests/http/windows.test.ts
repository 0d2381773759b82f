import { expect, test } from "bun:test";
import * as v from "valibot";
import { dayRange, formatDay, parseDay } from "../../src/core/mod.ts";
import type { WindowOutcome, WindowReads } from "../../src/http/mod.ts";
import {
  Problem,
  WireComparison,
  WireNakedPocs,
  WirePeriods,
  WireProfile,
  WireProfileSummary,
} from "../../src/protocol/mod.ts";
import { WindowWorld } from "../app/window-world.ts";
import { fakeApp, NOW_MS } from "./fake-deps.ts";
import { NO_WINDOWS } from "./no-windows.ts";

const TODAY = parseDay("2026-01-03")!;

/** The app over a window service that has four days: two hours of each. */
function realApp() {
  const world = new WindowWorld(Math.floor(NOW_MS / 60_000));
  for (let day = 0; day < 4; day++) {
    const { lo } = dayRange(TODAY - day);
    world.commit({ lo: lo + 60, hi: lo + 180 }, day);
  }
  return fakeApp({
    windows: world.service,
    levels: {
      levelSet: () => ({ kind: "unknown_symbol", symbol: "x" }),
      profile: (query, options) => world.service.profile(query, options),
    },
  }).app;
}

const ANSWERS: readonly [string, v.GenericSchema][] = [
  ["/api/v1/profile/BTCUSDT?from=2026-01-01&to=2026-01-03", v.strictObject(WireProfile.entries)],
  [
    "/api/v1/profile/BTCUSDT?from=2025-06-01&to=2026-01-03&bins=false",
    v.strictObject(WireProfileSummary.entries),
  ],
  ["/api/v1/profiles/BTCUSDT?period=1h&from=2026-01-02&to=2026-01-02", v.strictObject(WirePeriods.entries)],
  ["/api/v1/compare/BTCUSDT?a=2026-01-01&b=2026-01-02&bin_size=0.10", v.strictObject(WireComparison.entries)],
  ["/api/v1/naked-pocs/BTCUSDT?sessions=250", v.strictObject(WireNakedPocs.entries)],
  ["/api/v1/composite/BTCUSDT?last=2", v.strictObject(WireProfile.entries)],
  [
    "/api/v1/composite/BTCUSDT?sessions=2026-01-01,2025-12-31&bins=false",
    v.strictObject(WireProfileSummary.entries),
  ],
];

for (const [path, schema] of ANSWERS)
  test(`GET ${path}, answers what its schema says and nothing else`, async () => {
    const answer = await realApp().request(path);
    expect(answer.status).toBe(200);
    v.parse(schema, await answer.json());
  });

test("GET /api/v1/profile/:symbol, has every level of the window with what is known of it", async () => {
  const answer = await realApp().request(
    "/api/v1/profile/BTCUSDT?from=2026-01-01T01:00:00Z&to=2026-01-01T03:00:00Z",
  );
  const profile = v.parse(WireProfile, await answer.json());
  expect(profile).toMatchObject({ whole: true, coverage: { expected_minutes: 120, covered_minutes: 120 } });
  for (const level of [
    "open",
    "high",
    "low",
    "last",
    "range",
    "delta",
    "deviation",
    "poc",
    "vah",
    "val",
    "vwap",
  ] as const)
    expect(profile[level]).toBeNumber();
});

test("GET /api/v1/naked-pocs/:symbol, names the sessions it looked at", async () => {
  const answer = await realApp().request("/api/v1/naked-pocs/BTCUSDT");
  const naked = v.parse(WireNakedPocs, await answer.json());
  expect(naked.sessions).toEqual([3, 2, 1].map((ago) => formatDay(TODAY - ago)));
});

const REFUSED: readonly [string, number, object][] = [
  [
    "/api/v1/profiles/BTCUSDT?period=2h&from=2026-01-02&to=2026-01-02",
    400,
    { errors: [{ path: "query.period", expected: "one of 1h, 4h, 1d, 1w" }] },
  ],
  ["/api/v1/compare/BTCUSDT?a=2026-01-01", 400, { errors: [{ path: "query.b" }] }],
  [
    "/api/v1/naked-pocs/BTCUSDT?sessions=251",
    400,
    { errors: [{ path: "query.sessions", expected: "a whole number from 1 to 250" }] },
  ],
  [
    "/api/v1/composite/BTCUSDT?last=1&bin_size=0.07",
    400,
    { errors: [{ path: "query.bin_size", received: '"0.07"' }] },
  ],
  ["/api/v1/composite/DOGE?last=1", 404, { type: "/problems/symbol-not-found" }],
  [
    "/api/v1/profile/BTCUSDT?from=2024-01-01&to=2026-01-01",
    400,
    { errors: [{ path: "query.to", expected: "an end at most 366 days after the start" }] },
  ],
];

for (const [path, status, problem] of REFUSED)
  test(`GET ${path}, is refused by name`, async () => {
    const answer = await realApp().request(path);
    expect(v.parse(Problem, await answer.clone().json()).status).toBe(status);
    expect(await answer.json()).toMatchObject({ status, ...problem });
  });

const OUTCOMES: readonly [WindowOutcome<never>, number, string, string][] = [
  [
    { kind: "loading", symbol: "binance:BTCUSDT", daysLoaded: 120, daysTotal: 366 },
    503,
    "/problems/loading",
    "120 of the 366 days",
  ],
  [
    { kind: "too_large", reason: "its days do not fit" },
    422,
    "/problems/window-too-large",
    "its days do not fit",
  ],
  [
    { kind: "no_session", name: "2026-01-03", nearest: ["2026-01-02", "2026-01-05"], parameter: "a" },
    400,
    "/problems/invalid-query",
    "query.a: expected the date of a session",
  ],
];

for (const [outcome, status, type, detail] of OUTCOMES)
  test(`GET /api/v1/compare/:symbol, ${outcome.kind} is told as ${type}`, async () => {
    const windows: WindowReads = { ...NO_WINDOWS, compare: () => outcome };
    const answer = await fakeApp({ windows }).app.request(
      "/api/v1/compare/BTCUSDT?a=2026-01-01&b=2026-01-02",
    );
    expect(answer.status).toBe(status);
    expect(answer.headers.has("retry-after")).toBe(outcome.kind === "loading");
    expect(await answer.json()).toMatchObject({ type, detail: expect.stringContaining(detail) });
  });
