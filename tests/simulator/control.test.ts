import { expect, test } from "bun:test";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { aggTrades, ask, holdExchange, holdSocket } from "./support.ts";

const NOW_MS = 20_454 * 86_400_000 + 3_600_000;
const market = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
const open = () => holdExchange(NOW_MS, { markets: [market] });
const post = (body: unknown) => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
});

test("/sim/faults takes, lists with counters and removes rules", async () => {
  const { exchange } = open();
  const added = await ask(
    exchange,
    "/sim/faults",
    post([
      { kind: "http_error", status: 502, count: 1 },
      { kind: "silent", symbol: "ethusdt" },
    ]),
  );
  expect(await added.json()).toEqual({ ids: [1, 2] });
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(502);
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(200);
  const listed = (await (await ask(exchange, "/sim/faults")).json()) as { faults: unknown[] };
  expect(listed.faults).toEqual([
    { id: 1, rule: { kind: "http_error", status: 502, count: 1 }, matched: 2, fired: 1 },
    { id: 2, rule: { kind: "silent", symbol: "ETHUSDT" }, matched: 0, fired: 0 },
  ]);
  expect(await (await ask(exchange, "/sim/faults?id=2", { method: "DELETE" })).json()).toEqual({
    removed: 1,
  });
  expect(await (await ask(exchange, "/sim/faults", { method: "DELETE" })).json()).toEqual({ removed: 1 });
});

test.each([
  "nonsense",
  { kind: "no such" },
  { kind: "http_error", status: 200 },
  { kind: "latency", ms: 1e9 },
  { kind: "silent", count: 0 },
  { kind: "drop", unknown: 1 },
])("/sim/faults refuses %p and says why", async (body) => {
  const answer = await ask(open().exchange, "/sim/faults", post(body));
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { error: string }).error.length).toBeGreaterThan(10);
});

test("/sim/faults takes 100 rules and no more", async () => {
  const { exchange } = open();
  const rules = Array.from({ length: 100 }, () => ({ kind: "drop" }));
  expect((await ask(exchange, "/sim/faults", post(rules))).status).toBe(200);
  expect((await ask(exchange, "/sim/faults", post({ kind: "drop" }))).status).toBe(409);
});

test("/sim/requests counts each minute's requests and rows", async () => {
  const { exchange } = open();
  const lo = NOW_MS - 10 * 60_000;
  let page = await aggTrades(exchange, `symbol=ETHUSDT&startTime=${lo}&endTime=${lo + 119_999}&limit=100`);
  while (page.length === 100)
    page = await aggTrades(exchange, `symbol=ETHUSDT&fromId=${page.at(-1)!.a + 1}&limit=100`);
  const whole = (await (await ask(exchange, "/sim/requests")).json()) as { paths: Record<string, number> };
  expect(whole.paths["/api/v3/aggTrades"]).toBeGreaterThan(1);
  const query = `/sim/requests?symbol=ETHUSDT&from=${lo}&to=${lo + 120_000}`;
  const minute = lo / 60_000;
  const rows = (at: number) => market.positionAt(at + 1) - market.positionAt(at);
  expect(await (await ask(exchange, query)).json()).toEqual({
    minutes: [
      { minute, asked: 1, rows: rows(minute), candles: 0 },
      { minute: minute + 1, asked: 1, rows: rows(minute + 1), candles: 0 },
    ],
  });
  await ask(exchange, "/sim/requests", { method: "DELETE" });
  expect(await (await ask(exchange, query)).json()).toEqual({ minutes: [] });
});

test("/sim/truth tells what each minute holds, up to now", async () => {
  const { exchange } = open();
  const lo = NOW_MS - 60_000;
  const answer = await ask(exchange, `/sim/truth?symbol=ETHUSDT&from=${lo}&to=${NOW_MS + 600_000}`);
  const { minutes } = (await answer.json()) as { minutes: Record<string, unknown>[] };
  const trades = await aggTrades(exchange, `symbol=ETHUSDT&startTime=${lo}&endTime=${NOW_MS - 1}&limit=1000`);
  const units = (text: string) => BigInt(text.replace(".", ""));
  const volume = trades.reduce((sum, trade) => sum + units(trade.q), 0n);
  expect(minutes[0]).toMatchObject({
    minute: lo / 60_000,
    count: trades.length,
    first_id: trades[0]!.a,
    last_id: trades.at(-1)!.a,
    raw_count: trades.at(-1)!.l - trades[0]!.f + 1,
  });
  expect(Number(minutes[0]!["volume"])).toBe(Number(volume) / 1e8);
  expect(minutes.length).toBeLessThanOrEqual(2);
  for (const wrong of ["symbol=NOSUCH&from=0&to=1", "symbol=ETHUSDT&from=0&to=999999999999", "from=x"])
    expect((await ask(exchange, `/sim/truth?${wrong}`)).status).toBeWithin(400, 405);
});

test("/sim/sockets lists sockets and acts on them", async () => {
  const { exchange } = open();
  const { ends } = holdSocket(exchange, "/ws/ethusdt@aggTrade");
  const listed = (await (await ask(exchange, "/sim/sockets")).json()) as { sockets: unknown[] };
  expect(listed.sockets).toEqual([
    { id: 1, opened_ms: NOW_MS, streams: ["ethusdt@aggTrade"], frozen: false, sent: 0, played: 0 },
  ]);
  const act = (body: unknown) => ask(exchange, "/sim/sockets", post(body));
  expect((await act({ action: "explode" })).status).toBe(400);
  expect(await (await act({ action: "drop", symbol: "ethusdt" })).json()).toEqual({ affected: 1 });
  expect(ends).toEqual(["terminate"]);
  expect((await ask(exchange, "/sim/nothing")).status).toBe(404);
});

test("/sim/weights lifts a ban", async () => {
  const { exchange } = open();
  exchange.faults.add({ kind: "ban", retry_after_s: 1_000, count: 1 });
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(418);
  await ask(exchange, "/sim/weights", { method: "DELETE" });
  expect((await ask(exchange, "/api/v3/ping")).status).toBe(200);
});
