import { expect, test } from "bun:test";
import * as v from "valibot";
import { dayRange, decimal, Profile, parseDay } from "../../src/core/mod.ts";
import { WireLevelSet, WireProfile } from "../../src/protocol/mod.ts";
import { someProfile } from "../protocol/known-sets.ts";
import { fakeApp } from "./fake-deps.ts";

test("GET /levels, the default symbol's level set", async () => {
  const { app, asked } = fakeApp();
  const answer = await app.request("/levels");
  const set = v.parse(v.strictObject(WireLevelSet.entries), await answer.json());
  expect(set).toMatchObject({ symbol: "binance:BTCUSDT", session: "2026-01-02", levels: { POC: 100.5 } });
  expect(asked.levels).toEqual([{}]);
});

test("GET /api/v1/levels/:symbol, hands its parameters on exactly", async () => {
  const { app, asked } = fakeApp();
  await app.request("/api/v1/levels/binance%3Abtcusdt?session=2026-01-01&value_area=one_row&bin_size=0.10");
  expect(asked.levels).toEqual([
    {
      symbol: { venue: "binance", symbol: "BTCUSDT" },
      session: "2026-01-01",
      method: "one_row",
      binSize: decimal(1, 1),
    },
  ]);
});

const REFUSED: readonly [string, number, object][] = [
  ["/levels?symbol=DOGE", 404, { type: "/problems/symbol-not-found" }],
  ["/api/v1/levels/DOGE", 404, { type: "/problems/symbol-not-found" }],
  ["/api/v1/levels/B%20T", 400, { errors: [{ path: "path.symbol", received: '"B T"' }] }],
  [
    "/levels?bin_size=0.3",
    400,
    {
      errors: [
        { path: "query.bin_size", expected: "a multiple of this series' bin size 0.5", received: '"0.3"' },
      ],
    },
  ],
  [
    "/levels?value_area=mode",
    400,
    { errors: [{ path: "query.value_area", expected: "one of ranked, one_row, two_row" }] },
  ],
  ["/levels?=2026-01-01", 400, { errors: [{ path: 'query[""]', expected: "no such field" }] }],
  ["/levels?sesion=2026-01-01", 400, { errors: [{ path: "query.sesion", expected: "no such field" }] }],
  ["/api/v1/levels/BTCUSDT?symbol=ETHUSDT", 400, { errors: [{ path: "query.symbol" }] }],
  ["/api/v1/profile/BTCUSDT?from=2026-01-02", 400, { errors: [{ path: "query.to", received: "nothing" }] }],
  ["/api/v1/profile/BTCUSDT?from=2026-01-02&to=2026-01-01", 400, { errors: [{ path: "query.to" }] }],
  ["/api/v1/profile/BTCUSDT?from=2026-01-04&to=2026-01-04", 400, { errors: [{ path: "query.from" }] }],
];

for (const [path, status, problem] of REFUSED)
  test(`GET ${path}, is refused by name`, async () => {
    const answer = await fakeApp().app.request(path);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status, ...problem });
  });

test("GET /api/v1/profile/:symbol, the rows of its minutes", async () => {
  const { app, asked } = fakeApp();
  const answer = await app.request("/api/v1/profile/BTCUSDT?from=2026-01-02&to=2026-01-02");
  const profile = v.parse(v.strictObject(WireProfile.entries), await answer.json());
  expect(profile.bins).toEqual([
    [100.5, 2.5, 2],
    [101, 1, 0],
  ]);
  expect(asked.profiles).toMatchObject([{ range: dayRange(parseDay("2026-01-02")!) }]);
});

test("GET /api/v1/profile/:symbol, many rows come whole and in order", async () => {
  const rows = 4_001;
  const fold = new Profile();
  const bins = Float64Array.from({ length: rows }, (_, at) => at + 1);
  fold.add({ bins, volumes: new Float64Array(rows).fill(1_000), buyVolumes: new Float64Array(rows) });
  const known = someProfile();
  const { app } = fakeApp({
    levels: {
      levelSet: () => ({ kind: "unknown_symbol", symbol: "x" }),
      profile: () => ({
        kind: "found",
        profile: { ...known, window: { ...known.window, fold: { ...known.window.fold, profile: fold } } },
      }),
    },
  });
  const answer = await app.request("/api/v1/profile/BTCUSDT?from=2026-01-02&to=2026-01-02");
  const profile = v.parse(WireProfile, await answer.json());
  expect(profile.bins.map(([price]) => price)).toEqual([...bins].map((bin) => bin / 2));
});

test("GET /levels, what cannot be reached now is a 503 with a time to come back", async () => {
  const { app } = fakeApp({
    levels: {
      levelSet: () => ({ kind: "unavailable", detail: "the database is away", retryAfterSeconds: 3 }),
      profile: () => ({ kind: "unknown_symbol", symbol: "x" }),
    },
  });
  const answer = await app.request("/levels");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "3"]);
  expect(await answer.json()).toMatchObject({
    type: "/problems/unavailable",
    detail: "the database is away",
  });
});
