import { expect, test } from "bun:test";
import {
  createGeneratedMarket,
  type FaultRuleInput,
  PRESETS,
  type StreamOptions,
} from "../../src/simulator/mod.ts";
import { type AggTradeRow, aggTrades, holdExchange, holdSocket } from "./support.ts";

const NOW_MS = 20_454 * 86_400_000 + 3_600_000;
const market = createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });
const open = (faults: FaultRuleInput[] = [], streams: StreamOptions = {}) =>
  holdExchange(NOW_MS, { markets: [market], faults, streams });
const TRADES = "/stream?streams=ethusdt@aggTrade";
const ids = (frames: { data: { a: number } }[]) => frames.map(({ data }) => data.a);

test("@aggTrade equals GET aggTrades over the same window, each trade when its time has come", async () => {
  const { exchange, timers } = open();
  const { frames, parsed } = holdSocket(exchange, TRADES);
  timers.advance(50);
  for (let i = 0; i < 1_800; i++) {
    const before = frames.length;
    timers.advance(50);
    for (const { data } of parsed().slice(before)) {
      expect(data.E).toBeWithin(data.T, data.T + 9);
      expect(data.E).toBeWithin(timers.nowMs() - 60, timers.nowMs() + 1);
    }
  }
  const rows: AggTradeRow[] = await aggTrades(
    exchange,
    `symbol=ETHUSDT&startTime=${NOW_MS + 50 - 7}&endTime=${timers.nowMs() - 8}&limit=1000`,
  );
  expect(rows.length).toBeGreaterThan(50);
  expect(
    parsed().map(({ stream, data: { a, p, q, f, l, T, m, M } }) => [stream, { a, p, q, f, l, T, m, M }]),
  ).toEqual(rows.map((row) => ["ethusdt@aggTrade", row]));
});

test("@trade sends each aggregate's raw trades: ids f…l, sizes that sum to it", () => {
  const { exchange, timers } = open();
  const { parsed } = holdSocket(exchange, "/stream?streams=ethusdt@aggTrade/ethusdt@trade");
  timers.advance(120_000);
  const frames = parsed();
  const raw = frames.filter(({ data }) => data.e === "trade").map(({ data }) => data);
  const units = (text: string) => BigInt(text.replace(".", ""));
  let at = 0;
  for (const { data } of frames.filter((frame) => frame.data.e === "aggTrade")) {
    const own = raw.slice(at, at + data.l - data.f + 1);
    at += own.length;
    expect(own.map((trade) => trade.t)).toEqual(Array.from({ length: own.length }, (_, i) => data.f + i));
    expect(own.reduce((sum, trade) => sum + units(trade.q), 0n)).toBe(units(data.q));
    for (const trade of own) {
      expect([trade.p, trade.T, trade.m, trade.s]).toEqual([data.p, data.T, data.m, data.s]);
      expect(units(trade.q)).toBeGreaterThan(0n);
    }
  }
  expect(at).toBe(raw.length);
});

test("@kline_1m closes each minute with the candle that REST has", async () => {
  const { exchange, timers } = open();
  const { parsed } = holdSocket(exchange, "/ws/ethusdt@kline_1m");
  timers.advance(125_000);
  const closed = parsed().filter(({ k }) => k.x);
  expect(closed.map(({ k }) => k.t)).toEqual([NOW_MS, NOW_MS + 60_000]);
  const answer = await exchange.handle(
    new Request(`http://x/api/v3/klines?symbol=ETHUSDT&interval=1m&startTime=${NOW_MS}&limit=2`),
  );
  const rows = (await answer.json()) as unknown[][];
  for (const [i, { k }] of closed.entries())
    expect([k.t, k.o, k.h, k.l, k.c, k.v, k.T, k.q, k.n, k.V, k.Q, "0"]).toEqual(rows[i]!);
});

test("SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS are acknowledged, faulty commands refused", () => {
  const { exchange, timers } = open();
  const { handler, parsed, frames } = holdSocket(exchange, "/ws");
  const say = (message: unknown) => {
    handler.message(typeof message === "string" ? message : JSON.stringify(message));
    timers.advance(300);
  };
  say({ method: "SUBSCRIBE", params: ["ethusdt@kline_5m", "nosuch@aggTrade"], id: 1 });
  say({ method: "LIST_SUBSCRIPTIONS", id: "two" });
  say({ method: "UNSUBSCRIBE", params: ["nosuch@aggTrade"], id: 3 });
  say({ method: "LIST_SUBSCRIPTIONS", id: 4 });
  expect(parsed()).toEqual([
    { result: null, id: 1 },
    { result: ["ethusdt@kline_5m", "nosuch@aggTrade"], id: "two" },
    { result: null, id: 3 },
    { result: ["ethusdt@kline_5m"], id: 4 },
  ]);
  for (const wrong of ["nonsense", { method: "SHOUT", id: 5 }, { method: "SUBSCRIBE", params: ["x"], id: 6 }])
    say(wrong);
  expect(
    parsed()
      .slice(4)
      .map(({ error }) => error.code),
  ).toEqual([2, 2, 2]);
  say({ method: "SUBSCRIBE", params: ["ethusdt@aggTrade"], id: 7 });
  timers.advance(120_000);
  expect(frames.length).toBeGreaterThan(50);
  expect(parsed().at(-1).e).toBe("aggTrade");
});

test("more than five messages in a second end the connection", () => {
  const { exchange } = open();
  const { handler, ends } = holdSocket(exchange, "/ws");
  for (let i = 0; i < 6; i++) handler.message('{"method":"LIST_SUBSCRIPTIONS","id":1}');
  expect(ends).toEqual(["close 1008"]);
});

test("readers are pinged every 20 s and cut off when they stop answering", () => {
  const { exchange, timers } = open();
  const alive = holdSocket(exchange, "/ws");
  const dead = holdSocket(exchange, "/ws", false);
  timers.advance(201_000);
  expect(alive.pings()).toBe(10);
  expect(alive.ends).toEqual([]);
  expect(dead.ends).toEqual(["terminate"]);
});

test("a connection ends when its lifetime is over", () => {
  const { exchange, timers } = open([], { lifetimeMs: 10_000 });
  const { ends } = holdSocket(exchange, TRADES);
  timers.advance(9_000);
  expect(ends).toEqual([]);
  timers.advance(1_100);
  expect(ends).toEqual(["close 1001"]);
});

test("too many connections in five minutes are refused", () => {
  const { exchange, timers } = open([], { connectsMax: 2 });
  const url = new URL(`ws://x${TRADES}`);
  expect(["accept", "accept", "refuse"]).toEqual([1, 2, 3].map(() => exchange.handshake(url).kind));
  timers.advance(300_001);
  expect(exchange.handshake(url).kind).toBe("accept");
});

test("an address that is no stream is refused", () => {
  const { exchange } = open();
  for (const path of ["/", "/ws/nonsense", "/stream?streams=a@b/%20"])
    expect(exchange.handshake(new URL(`ws://x${path}`)).kind).toBe("refuse");
});

test("missing, duplicate and reorder change the frames as they say", () => {
  const under = (rule: FaultRuleInput | undefined) => {
    const { exchange, timers } = open(rule === undefined ? [] : [rule]);
    const { parsed } = holdSocket(exchange, TRADES);
    timers.advance(60_000);
    return ids(parsed());
  };
  const right = under(undefined);
  const missing = under({ kind: "missing", every: 10 });
  expect(missing).toEqual(right.filter((_, i) => i % 10 !== 9));
  const twice = under({ kind: "duplicate", every: 10 });
  expect(twice).toHaveLength(right.length + Math.floor(right.length / 10));
  expect([...new Set(twice)]).toEqual(right);
  const swapped = under({ kind: "reorder", count: 1, after: 4 });
  expect(swapped).toEqual([...right.slice(0, 4), right[5]!, right[4]!, ...right.slice(6)]);
});

test("id_gap leaves its ids out of the stream", () => {
  const first = market.positionAt(NOW_MS / 60_000) + 5;
  const { exchange, timers } = open([{ kind: "id_gap", from_id: first, to_id: first + 2 }]);
  const { parsed } = holdSocket(exchange, TRADES);
  timers.advance(60_000);
  const seen = ids(parsed());
  expect(seen).toContain(first - 1);
  expect(seen).not.toContain(first);
  expect(seen).not.toContain(first + 1);
  expect(seen).toContain(first + 2);
});

test("wrong_trade tells another size of its ids in the stream, and hides none", () => {
  const first = market.positionAt(NOW_MS / 60_000) + 5;
  const told = (...faults: FaultRuleInput[]) => {
    const { exchange, timers } = open(faults);
    const { frames } = holdSocket(exchange, TRADES);
    timers.advance(60_000);
    return frames;
  };
  const right = told();
  const wrong = told({ kind: "wrong_trade", target: "ws", from_id: first, to_id: first + 2 });
  expect(wrong).toHaveLength(right.length);
  const differing = wrong.filter((frame, i) => frame !== right[i]);
  expect(differing.map((frame) => JSON.parse(frame).data.a)).toEqual([first, first + 1]);
});

test("malformed frames are no JSON, the others stay as they are", () => {
  const { exchange, timers } = open([{ kind: "malformed", target: "ws", count: 1 }]);
  const { frames } = holdSocket(exchange, TRADES);
  timers.advance(60_000);
  expect(() => JSON.parse(frames[0]!)).toThrow();
  expect(() => frames.slice(1).map((frame) => JSON.parse(frame))).not.toThrow();
});

test("drop breaks the connection in the middle of the stream", () => {
  const { exchange, timers } = open([{ kind: "drop", after: 7, count: 1 }]);
  const first = holdSocket(exchange, TRADES);
  timers.advance(60_000);
  expect([first.frames.length, first.ends]).toEqual([7, ["terminate"]]);
  const second = holdSocket(exchange, TRADES);
  timers.advance(60_000);
  expect(second.frames.length).toBeGreaterThan(7);
});

test("half_open opens a socket that says nothing and is never closed", () => {
  const { exchange, timers } = open([{ kind: "half_open", count: 1 }], { lifetimeMs: 100_000 });
  const { handler, frames, ends, pings } = holdSocket(exchange, TRADES);
  handler.message('{"method":"LIST_SUBSCRIPTIONS","id":1}');
  timers.advance(200_000);
  expect([frames.length, ends.length, pings()]).toEqual([0, 0, 0]);
});

test("silent acknowledges a subscription that then says nothing; the next one speaks", () => {
  const { exchange, timers } = open([{ kind: "silent", count: 1 }]);
  const { handler, frames } = holdSocket(exchange, "/ws");
  const subscribe = '{"method":"SUBSCRIBE","params":["ethusdt@aggTrade"],"id":1}';
  handler.message(subscribe);
  timers.advance(60_000);
  expect(frames).toEqual(['{"result":null,"id":1}']);
  handler.message(subscribe);
  timers.advance(60_000);
  expect(frames.length).toBeGreaterThan(2);
});

test("refuse answers the handshake with 502", () => {
  const { exchange } = open([{ kind: "refuse", count: 1 }]);
  const answer = exchange.handshake(new URL(`ws://x${TRADES}`));
  expect(answer.kind === "refuse" && answer.answer.status).toBe(502);
  expect(exchange.handshake(new URL(`ws://x${TRADES}`)).kind).toBe("accept");
});

test("act() drops, freezes, silences and warns open sockets on demand", () => {
  const { exchange, timers } = open();
  const combined = holdSocket(exchange, TRADES);
  const single = holdSocket(exchange, "/ws/ethusdt@aggTrade");
  expect(exchange.streams.act("server_shutdown")).toBe(2);
  expect(combined.parsed()).toEqual([
    { stream: "!serverShutdown", data: { e: "serverShutdown", E: NOW_MS } },
  ]);
  expect(single.parsed()).toEqual([{ e: "serverShutdown", E: NOW_MS }]);
  expect(exchange.streams.act("silence", "ETHUSDT", 1)).toBe(1);
  expect(exchange.streams.act("drop", "BTCUSDT")).toBe(0);
  timers.advance(60_000);
  expect(combined.frames).toHaveLength(1);
  expect(single.frames.length).toBeGreaterThan(1);
  exchange.streams.act("freeze");
  expect(exchange.streams.sockets().map(({ frozen }) => frozen)).toEqual([true, true]);
  exchange.streams.act("end", undefined, 1);
  exchange.streams.act("drop");
  expect([combined.ends, single.ends]).toEqual([["close 1001"], ["terminate"]]);
  expect(exchange.streams.sockets()).toEqual([]);
});

test("a process that slept cuts its sockets instead of flooding them", () => {
  const { exchange, timers } = open();
  const { ends } = holdSocket(exchange, TRADES);
  timers.advance(1_000);
  timers.sleep(400_000);
  timers.advance(50);
  expect(ends).toEqual(["terminate"]);
});
