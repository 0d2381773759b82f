import { expect, test } from "bun:test";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { ask, holdExchange } from "./support.ts";

const NOW_MS = 20_454 * 86_400_000 + 3_600_000;
const demo = () => createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
const open = () => holdExchange(NOW_MS, { markets: [demo()] });

test("GET exchangeInfo tells steps, status and limits, for one symbol, some and all", async () => {
  const thin = createGeneratedMarket({ symbol: "XRPETH", preset: PRESETS.thin });
  const { exchange } = holdExchange(NOW_MS, { markets: [demo(), thin], weights: { limitPerMinute: 1_200 } });
  const info = await (await ask(exchange, "/api/v3/exchangeInfo?symbol=XRPETH")).json();
  expect(info).toMatchObject({
    timezone: "UTC",
    serverTime: NOW_MS,
    rateLimits: [{ rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: 1_200 }, {}],
    symbols: [
      {
        symbol: "XRPETH",
        status: "TRADING",
        baseAsset: "XRP",
        quoteAsset: "ETH",
        filters: [
          { filterType: "PRICE_FILTER", tickSize: "0.00000001" },
          { filterType: "LOT_SIZE", stepSize: "1.00000000" },
          {},
        ],
      },
    ],
  });
  const names = async (query: string) => {
    const body = (await (await ask(exchange, `/api/v3/exchangeInfo${query}`)).json()) as {
      symbols: { symbol: string }[];
    };
    return body.symbols.map(({ symbol }) => symbol);
  };
  expect(await names("")).toEqual(["ETHUSDT", "XRPETH"]);
  expect(await names(`?symbols=${encodeURIComponent('["XRPETH","ETHUSDT"]')}`)).toEqual([
    "XRPETH",
    "ETHUSDT",
  ]);
});

test.each([
  ["aggTrades?symbol=NOSUCH", -1121, "Invalid symbol."],
  ["exchangeInfo?symbol=NOSUCH", -1121, "Invalid symbol."],
  ["aggTrades", -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."],
  [
    "klines?symbol=ETHUSDT",
    -1102,
    "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.",
  ],
  ["klines?symbol=ETHUSDT&interval=7m", -1120, "Invalid interval."],
  [
    "aggTrades?symbol=ethusdt",
    -1100,
    "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
  ],
  [
    "aggTrades?symbol=ETHUSDT&startTime=1&endTime=1.5",
    -1100,
    "Illegal characters found in parameter 'endTime'; legal range is '^[0-9]{1,20}$'.",
  ],
  ["aggTrades?symbol=ETHUSDT&limit=0", -1130, "Data sent for parameter 'limit' is not valid."],
  ["aggTrades?symbol=ETHUSDT&fromId=1&startTime=1", -1128, "Combination of optional parameters invalid."],
  ["aggTrades?symbol=ETHUSDT&limit=", -1105, "Parameter 'limit' was empty."],
  ["aggTrades?symbol=ETHUSDT&symbol=ETHUSDT", -1101, "Duplicate values for a parameter detected."],
  ["time?x=1", -1104, "Not all sent parameters were read; read '0' parameter(s) but was sent '1'."],
])("GET %s is refused with %p", async (path, code, msg) => {
  const answer = await ask(open().exchange, `/api/v3/${path}`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ code, msg });
});

test("GET klines serves the newest, a window, and the running minute", async () => {
  const { exchange, timers } = open();
  const opens = async (query: string) => {
    const rows = (await (
      await ask(exchange, `/api/v3/klines?symbol=ETHUSDT&interval=1m${query}`)
    ).json()) as number[][];
    return rows.map((row) => (row[0]! - NOW_MS) / 60_000);
  };
  expect(await opens("&limit=3")).toEqual([-2, -1, 0]);
  timers.advance(30_000);
  expect(await opens("&limit=2")).toEqual([-1, 0]);
  expect(await opens(`&startTime=${NOW_MS - 120_001}&endTime=${NOW_MS - 1}`)).toEqual([-2, -1]);
  expect(await opens(`&startTime=${NOW_MS - 600_000}&limit=2`)).toEqual([-10, -9]);
  expect(await opens(`&startTime=${NOW_MS + 60_000}`)).toEqual([]);
  expect(await opens("")).toHaveLength(500);
});

test("GET ping, time and unknown paths", async () => {
  const { exchange } = open();
  expect(await (await ask(exchange, "/api/v3/ping")).json()).toEqual({});
  expect(await (await ask(exchange, "/api/v3/time")).json()).toEqual({ serverTime: NOW_MS });
  expect((await ask(exchange, "/api/v3/depth")).status).toBe(404);
  expect((await ask(exchange, "/api/v3/time", { method: "POST" })).status).toBe(405);
});

test("every answer names the weight used in the minute: 1, 2, 4 and 20", async () => {
  const { exchange, timers } = open();
  const used = async (path: string) =>
    Number((await ask(exchange, `/api/v3/${path}`)).headers.get("X-MBX-USED-WEIGHT-1M"));
  expect(await used("ping")).toBe(1);
  expect(await used("klines?symbol=ETHUSDT&interval=1m&limit=1")).toBe(3);
  expect(await used("aggTrades?symbol=ETHUSDT&limit=1")).toBe(7);
  expect(await used("exchangeInfo")).toBe(27);
  expect(await used("aggTrades?symbol=NOSUCH")).toBe(31);
  timers.advance(60_000);
  expect(await used("time")).toBe(1);
});

test("past the weight comes 429 until the minute ends, and 418 for who goes on", async () => {
  const { exchange, timers } = holdExchange(NOW_MS + 20_500, {
    markets: [demo()],
    weights: { limitPerMinute: 10, warnings: 2, banMs: 120_000 },
  });
  const get = () => ask(exchange, "/api/v3/aggTrades?symbol=ETHUSDT&limit=1");
  expect((await get()).status).toBe(200);
  expect((await get()).status).toBe(200);
  const throttled = await get();
  expect(throttled.status).toBe(429);
  expect(throttled.headers.get("retry-after")).toBe("40");
  expect(await throttled.json()).toMatchObject({ code: -1003 });
  expect((await get()).status).toBe(429);
  const banned = await get();
  expect(banned.status).toBe(418);
  expect(banned.headers.get("retry-after")).toBe("120");
  expect(await banned.json()).toEqual({
    code: -1003,
    msg: `Way too much request weight used; IP banned until ${NOW_MS + 140_500}. Please use WebSocket Streams for live updates to avoid bans.`,
  });
  timers.advance(119_000);
  const still = await get();
  expect([still.status, still.headers.get("retry-after")]).toEqual([418, "1"]);
  timers.advance(1_000);
  expect((await get()).status).toBe(200);
});

test("a second ban lasts twice as long", async () => {
  const { exchange, timers } = holdExchange(NOW_MS, {
    markets: [],
    weights: { limitPerMinute: 0, warnings: 0, banMs: 60_000 },
  });
  const retryAfter = async () => (await ask(exchange, "/api/v3/ping")).headers.get("retry-after");
  expect(await retryAfter()).toBe("60");
  timers.advance(60_000);
  expect(await retryAfter()).toBe("120");
});
