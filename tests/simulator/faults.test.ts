import { expect, test } from "bun:test";
import fc from "fast-check";
import { createGeneratedMarket, type FaultRuleInput, PRESETS } from "../../src/simulator/mod.ts";
import { aggTrades, ask, holdExchange } from "./support.ts";

const NOW_MS = 20_454 * 86_400_000 + 3_600_000;
const PATH = "/api/v3/aggTrades?symbol=ETHUSDT&limit=50";
const market = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
const other = createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.demo });
const withFaults = (...faults: FaultRuleInput[]) =>
  holdExchange(NOW_MS, { markets: [market, other], faults });

async function statuses(rule: FaultRuleInput, times: number, path = PATH): Promise<number[]> {
  const { exchange } = withFaults(rule);
  const seen: number[] = [];
  for (let i = 0; i < times; i++) seen.push((await ask(exchange, path)).status);
  return seen;
}

test("a rule fires the next n times", async () => {
  expect(await statuses({ kind: "http_error", status: 502, count: 2 }, 4)).toEqual([502, 502, 200, 200]);
});

test("a rule fires every k-th time, after the first ones", async () => {
  expect(await statuses({ kind: "http_error", status: 503, every: 2, after: 1 }, 6)).toEqual([
    200, 200, 503, 200, 503, 200,
  ]);
});

test("a rule with a probability fires about as often, the same for the same seed", async () => {
  const rule = { kind: "http_error", status: 500, probability: 0.5 } as const;
  const seen = await statuses(rule, 200, "/api/v3/ping");
  expect(seen.filter((status) => status === 500).length).toBeWithin(60, 140);
  expect(await statuses(rule, 200, "/api/v3/ping")).toEqual(seen);
});

test("a rule looks at path and symbol", async () => {
  const { exchange } = withFaults({
    kind: "http_error",
    status: 500,
    path: "/api/v3/agg",
    symbol: "ethusdt",
  });
  expect((await ask(exchange, PATH)).status).toBe(500);
  expect((await ask(exchange, "/api/v3/aggTrades?symbol=BTCUSDT")).status).toBe(200);
  expect((await ask(exchange, "/api/v3/klines?symbol=ETHUSDT&interval=1m&limit=1")).status).toBe(200);
});

test.each([403, 500, 502, 503] as const)("http_error %d is a page, no JSON", async (status) => {
  const { exchange } = withFaults({ kind: "http_error", status });
  const answer = await ask(exchange, PATH);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "text/html"]);
  expect(await answer.text()).toContain(String(status));
});

test("http_error 451 names the restricted location in JSON", async () => {
  const { exchange } = withFaults({ kind: "http_error", status: 451 });
  expect(await (await ask(exchange, PATH)).json()).toMatchObject({ code: 0 });
});

test("throttle answers 429 with its Retry-After", async () => {
  const { exchange } = withFaults({ kind: "throttle", retry_after_s: 7, count: 1 });
  const answer = await ask(exchange, PATH);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
  expect((await ask(exchange, PATH)).status).toBe(200);
});

test("ban answers 418 until it ends, whatever is asked", async () => {
  const { exchange, timers } = withFaults({ kind: "ban", retry_after_s: 30, count: 1 });
  const answer = await ask(exchange, PATH);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([418, "30"]);
  timers.advance(29_999);
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(418);
  timers.advance(1);
  expect((await ask(exchange, PATH)).status).toBe(200);
});

test("latency holds the answer back", async () => {
  const { exchange, timers } = withFaults({ kind: "latency", ms: 500, jitter_ms: 100 });
  let answered = false;
  const answer = ask(exchange, PATH).then((response) => {
    answered = true;
    return response;
  });
  timers.advance(499);
  await Promise.resolve();
  expect(answered).toBe(false);
  timers.advance(101);
  expect((await answer).status).toBe(200);
});

test("hang answers when client or exchange go away, not before", async () => {
  const { exchange } = withFaults({ kind: "hang" });
  const client = new AbortController();
  const first = ask(exchange, PATH, { signal: client.signal });
  const second = ask(exchange, PATH);
  client.abort();
  expect((await first).status).toBe(200);
  exchange.close();
  expect((await second).status).toBe(200);
});

test("reset breaks the body before its first byte", async () => {
  const { exchange } = withFaults({ kind: "reset" });
  const answer = await ask(exchange, PATH);
  expect(await answer.text().catch(() => "broken")).toBe("broken");
});

test.each(["truncated", "null", "wrong_types", "html", "empty"] as const)("malformed %s", async (body) => {
  const { exchange } = withFaults({ kind: "malformed", body });
  const answer = await ask(exchange, PATH);
  expect(answer.status).toBe(200);
  const text = await answer.text();
  if (body === "wrong_types") {
    expect(JSON.parse(text)[0]).toMatchObject({
      a: expect.any(String),
      p: expect.any(Number),
      T: expect.any(String),
    });
  } else if (body === "null") expect(text).toBe("null");
  else expect(() => JSON.parse(text)).toThrow();
});

test("missing, duplicate and reorder change a page of rows and nothing else", async () => {
  const { exchange } = withFaults();
  const query = `symbol=ETHUSDT&startTime=${NOW_MS - 600_000}&limit=50`;
  const whole = await aggTrades(exchange, query);
  const ids = async (kind: "missing" | "duplicate" | "reorder") => {
    const id = exchange.faults.add({ kind, target: "rest" });
    const rows = await aggTrades(exchange, query);
    exchange.faults.remove(id);
    return rows.map((row) => row.a);
  };
  const right = whole.map((row) => row.a);
  const missing = await ids("missing");
  expect(missing).toHaveLength(49);
  expect(right).toEqual(expect.arrayContaining(missing));
  const twice = await ids("duplicate");
  expect(twice).toHaveLength(51);
  expect([...new Set(twice)]).toEqual(right);
  const mixed = await ids("reorder");
  expect(mixed).not.toEqual(right);
  expect(mixed.toSorted((a, b) => a - b)).toEqual(right);
  expect(await aggTrades(exchange, query)).toEqual(whole);
});

test("id_gap hides the same ids on every page", async () => {
  const first = market.positionAt(NOW_MS / 60_000 - 10);
  const { exchange } = withFaults({ kind: "id_gap", from_id: first + 3, to_id: first + 5 });
  const rows = await aggTrades(exchange, `symbol=ETHUSDT&fromId=${first}&limit=7`);
  expect(rows.map((row) => row.a - first)).toEqual([0, 1, 2, 5, 6]);
  expect(
    (await aggTrades(exchange, `symbol=ETHUSDT&fromId=${first + 4}&limit=2`)).map((row) => row.a - first),
  ).toEqual([5]);
});

test("wrong_trade tells another size of the same ids, on every page", async () => {
  const first = market.positionAt(NOW_MS / 60_000 - 10);
  const page = `symbol=ETHUSDT&fromId=${first}&limit=5`;
  const right = await aggTrades(withFaults().exchange, page);
  const { exchange } = withFaults({ kind: "wrong_trade", from_id: first + 1, to_id: first + 3 });
  const rows = await aggTrades(exchange, page);
  expect(rows.map(({ a, p }) => [a, p])).toEqual(right.map(({ a, p }) => [a, p]));
  expect(rows.map(({ q }, i) => q !== right[i]?.q)).toEqual([false, true, true, false, false]);
  expect(await aggTrades(exchange, page)).toEqual(rows);
});

test.each([
  ["high", 2],
  ["volume", 5],
  ["quote_volume", 7],
  ["count", 8],
  ["buy_volume", 9],
] as const)("wrong_candle contradicts the trades in %s, in its minutes only", async (field, column) => {
  const minute = NOW_MS / 60_000 - 5;
  const path = `/api/v3/klines?symbol=ETHUSDT&interval=1m&startTime=${(minute - 1) * 60_000}&limit=3`;
  const rows = async (...faults: FaultRuleInput[]): Promise<unknown[][]> =>
    await (await ask(withFaults(...faults).exchange, path)).json();
  const right = await rows();
  const wrong = await rows({ kind: "wrong_candle", from_minute: minute, to_minute: minute + 1, field });
  const differing = right.flatMap((row, i) =>
    row.flatMap((value, at) => (value === wrong[i]?.[at] ? [] : [[i, at]])),
  );
  expect(differing).toEqual([[1, column]]);
});

test("clock_skew moves what the exchange says, not its trades", async () => {
  const plain = withFaults().exchange;
  const { exchange } = withFaults({ kind: "clock_skew", ms: -90_000 });
  expect(await (await ask(exchange, "/api/v3/time")).json()).toEqual({ serverTime: NOW_MS - 90_000 });
  const newest = "symbol=ETHUSDT&limit=1";
  expect(await aggTrades(exchange, newest)).toEqual(await aggTrades(plain, newest));
});

test("any mix of faults is answered or broken, never thrown", async () => {
  const rules = fc.oneof(
    fc.record({ kind: fc.constant("http_error" as const), status: fc.constantFrom(403, 451, 500, 502, 503) }),
    fc.record({ kind: fc.constantFrom("reset" as const, "throttle" as const) }),
    fc.record({ kind: fc.constant("ban" as const), retry_after_s: fc.integer({ min: 1, max: 100 }) }),
    fc.record({
      kind: fc.constant("malformed" as const),
      target: fc.constant("rest" as const),
      body: fc.constantFrom("truncated", "null", "wrong_types", "html", "empty"),
    }),
    fc.record({
      kind: fc.constantFrom("missing" as const, "duplicate" as const, "reorder" as const),
      target: fc.constant("rest" as const),
    }),
  );
  const mixed = fc.tuple(rules, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 3 }));
  await fc.assert(
    fc.asyncProperty(fc.array(mixed, { maxLength: 6 }), async (chosen) => {
      const faults = chosen.map(
        ([rule, probability, every]) => ({ ...rule, probability, every }) as FaultRuleInput,
      );
      const { exchange } = withFaults(...faults);
      for (let i = 0; i < 5; i++) expect((await ask(exchange, PATH)).status).toBeWithin(200, 504);
    }),
    { numRuns: 50 },
  );
});
