import { describe, expect, test } from "bun:test";
import { ConnectGate } from "../../../src/venues/binance/connect-gate.ts";
import { BinanceFeed, type BinanceFeedOptions } from "../../../src/venues/binance/feed.ts";
import { instrumentNamed } from "../../support/trades.ts";
import { fakeTrades, frameOf } from "../support/fake-binance.ts";
import { FakeSockets } from "../support/fake-socket.ts";
import { ManualClock } from "../support/manual-clock.ts";

const HOUR = 3_600_000;
const SCALES = { priceScale: 2, sizeScale: 5 };
const frames = fakeTrades(100, 1_700_000_000_000, 10).map((trade) => frameOf(trade));

function feedOf(options: Partial<BinanceFeedOptions> = {}, symbols = ["BTCUSDT"]) {
  const clock = new ManualClock(1_700_000_000_000);
  const sockets = new FakeSockets();
  const told: string[] = [];
  const bans: number[] = [];
  const feed = new BinanceFeed({
    instruments: symbols.map((symbol) => instrumentNamed(symbol, SCALES)),
    kind: "aggregate",
    wsUrl: "ws://fake",
    timers: clock,
    random: () => 0.5,
    createSocket: sockets.create,
    gate: new ConnectGate(clock, () => Math.max(0, (bans.at(-1) ?? 0) - clock.nowMs())),
    limits: {},
    newestId: async () => -1,
    onBanned: (untilMs) => bans.push(untilMs),
    listener: {
      up: (symbol) => told.push(`up ${symbol}`),
      trades: (_, batch) => told.push(`trade ${batch.id[0]}`),
      down: (symbol, reason) => told.push(`down ${symbol}: ${reason}`),
      dropped: (_, id) => told.push(`dropped ${id}`),
    },
    ...options,
  });
  return { clock, sockets, told, feed, bans };
}

describe("BinanceFeed", () => {
  test("subscribes by its address and tells up, trades and what it counts", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    expect(sockets.at(0).url).toBe("ws://fake/stream?streams=btcusdt@aggTrade");
    await sockets.at(0).open();
    const dust = JSON.stringify({ ...JSON.parse(frames[2]!).data, p: "0", q: "0" });
    await sockets.at(0).bring(frames[0], '{"result":null,"id":1}', "{", frames[1], dust);
    expect(told).toEqual(["up BTCUSDT", "trade 1", "trade 2", "dropped 3"]);
    expect(feed.counters).toEqual({ frames: 5, trades: 2, ignored: 1, faulty: 1, dropped: 1, connects: 1 });
    await feed.close();
    expect(clock.pending).toBe(0);
    expect(sockets.alive).toEqual([]);
    expect(told.length).toBe(4);
  });

  test("reconnects after the connection ends, with growing waits while it fails, and small ones after a good one", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    await clock.advance(20_000);
    await sockets.at(0).end(1006, "gone");
    expect(told.at(-1)).toBe("down BTCUSDT: closed by the venue: 1006 gone");
    const waits: number[] = [];
    for (let i = 1; i <= 8; i++) {
      const fromMs = clock.nowMs();
      while (sockets.all.length === i) await clock.advance(50);
      waits.push(clock.nowMs() - fromMs);
      await sockets.at(-1).end(1002);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    await clock.advance(15_000);
    await sockets.at(-1).open();
    expect(told.at(-1)).toBe("up BTCUSDT");
    expect(told.filter((line) => line.startsWith("down")).length).toBe(1);
    await clock.advance(20_000);
    await sockets.at(-1).end();
    await clock.advance(250);
    expect(sockets.alive.length).toBe(1);
    await feed.close();
  });

  test("gives a connection ten seconds to open", async () => {
    const { clock, feed, sockets } = feedOf();
    await clock.advance(10_000);
    expect(sockets.at(0).terminated).toBe(true);
    await clock.advance(250);
    expect(sockets.all.length).toBe(2);
    await feed.close();
  });

  test("a connection without frame or ping for a minute is half-open", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    await clock.advance(59_000);
    expect(told).toEqual(["up BTCUSDT"]);
    expect(sockets.at(0).sent).toEqual(['{"method":"LIST_SUBSCRIPTIONS","id":1}']);
    await clock.advance(1_000);
    expect(told.at(-1)).toBe("down BTCUSDT: half-open: neither frame nor ping for 60000 ms");
    expect(sockets.at(0).terminated).toBe(true);
    await clock.advance(250);
    expect(sockets.all.length).toBe(2);
    await feed.close();
  });

  test("pings, and answers where pings stay hidden, keep a quiet connection", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    for (let i = 0; i < 12; i++) {
      await clock.advance(20_000);
      await sockets.at(0).ping();
    }
    expect(sockets.at(0).sent).toEqual([]);
    for (let i = 0; i < 12; i++) {
      await clock.advance(31_000);
      await sockets.at(0).bring('{"result":["btcusdt@aggTrade"],"id":1}');
    }
    expect(told).toEqual(["up BTCUSDT"]);
    expect(sockets.all.length).toBe(1);
    await feed.close();
  });

  test("another connection takes over before the day ends, without a down and without a hole", async () => {
    const { clock, feed, sockets, told } = feedOf({
      limits: { lifetimeMs: HOUR, overlapMs: 5_000, idleMsMax: 9 * HOUR },
    });
    await clock.advance(0);
    await sockets.at(0).open();
    await sockets.at(0).bring(frames[0]);
    await clock.advance(HOUR);
    expect(sockets.alive.length).toBe(2);
    await sockets.at(0).bring(frames[1]);
    await sockets.at(1).open();
    await sockets.at(0).bring(frames[2]);
    await sockets.at(1).bring(frames[2], frames[3]);
    await clock.advance(5_000);
    expect(sockets.alive).toEqual([sockets.at(1)]);
    await sockets.at(1).bring(frames[4]);
    expect(told).toEqual(["up BTCUSDT", "trade 1", "trade 2", "trade 3", "trade 3", "trade 4", "trade 5"]);
    await clock.advance(HOUR);
    expect(sockets.all.length).toBe(3);
    await feed.close();
  });

  test("an old connection that ends while the next one delivers is no down", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    await clock.advance(15_000);
    await sockets.at(0).bring('{"e":"serverShutdown","E":1}', '{"e":"serverShutdown","E":2}');
    await clock.advance(0);
    expect(sockets.all.length).toBe(2);
    await sockets.at(1).open();
    await sockets.at(0).end();
    await sockets.at(1).bring(frames[0]);
    await clock.advance(10_000);
    expect(told).toEqual(["up BTCUSDT", "trade 1"]);
    expect(sockets.alive).toEqual([sockets.at(1)]);
    await feed.close();
  });

  test("a takeover that fails is tried again while the old connection delivers on", async () => {
    const { clock, feed, sockets, told } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    await clock.advance(15_000);
    await sockets.at(0).bring('{"e":"serverShutdown","E":1}');
    await clock.advance(0);
    await sockets.at(1).end(1002);
    await clock.advance(250);
    await sockets.at(2).open();
    await sockets.at(2).end(1006);
    await sockets.at(0).bring(frames[0]);
    await clock.advance(1_000);
    await sockets.at(3).open();
    await clock.advance(5_000);
    expect(sockets.alive).toEqual([sockets.at(3)]);
    expect(told).toEqual(["up BTCUSDT", "trade 1"]);
    await feed.close();
  });

  test("a silent subscription is down, and up again on the next connection; its neighbour never falls", async () => {
    const symbols = ["BTCUSDT", "ETHUSDT"];
    const { clock, feed, sockets, told } = feedOf({ newestId: async () => 2 }, symbols);
    const eth = (trade: number) => frameOf(fakeTrades(1, 1_700_000_000_000, 1, trade)[0]!, "ETHUSDT");
    await clock.advance(0);
    await sockets.at(0).open();
    await sockets.at(0).bring(frames[0]);
    for (let i = 1; i <= 4; i++) {
      await sockets.at(0).bring(eth(i));
      await clock.advance(9_000);
    }
    const downs = () => told.filter((line) => !line.startsWith("trade"));
    expect(downs()).toEqual(["up BTCUSDT", "up ETHUSDT", "down BTCUSDT: silent subscription"]);
    await sockets.at(0).bring(frames[1]);
    expect(told.filter((line) => line === "trade 2").length).toBe(1);
    await sockets.at(1).open();
    await sockets.at(1).bring(frames[2], eth(5));
    await clock.advance(5_000);
    expect(sockets.alive).toEqual([sockets.at(1)]);
    expect(downs().slice(3)).toEqual(["up BTCUSDT"]);
    await feed.close();
  });

  test("a quiet market does not reconnect", async () => {
    const { clock, feed, sockets, told } = feedOf({ newestId: async () => 1 });
    await clock.advance(0);
    await sockets.at(0).open();
    await sockets.at(0).bring(frames[0]);
    for (let i = 0; i < 60; i++) {
      await clock.advance(20_000);
      await sockets.at(0).ping();
    }
    expect(sockets.all.length).toBe(1);
    expect(told).toEqual(["up BTCUSDT", "trade 1"]);
    await feed.close();
  });

  test("spreads more than 200 streams over several connections, which fall alone", async () => {
    const symbols = Array.from({ length: 401 }, (_, i) => `S${i}USDT`);
    const { clock, feed, sockets, told } = feedOf({}, symbols);
    await clock.advance(0);
    expect(sockets.all.map((s) => s.url.split("/").slice(3).length)).toEqual([200, 200, 1]);
    for (const socket of sockets.all) await socket.open();
    expect(told.length).toBe(401);
    await sockets.at(2).end();
    expect(told.slice(401)).toEqual(["down S400USDT: closed by the venue: 1006"]);
    await feed.close();
    expect(clock.pending).toBe(0);
  });

  test("does not knock while it is banned", async () => {
    const { bans, clock, feed, sockets } = feedOf();
    await clock.advance(0);
    await sockets.at(0).open();
    const untilMs = clock.nowMs() + 600_000;
    await sockets.at(0).bring(`IP banned until ${untilMs}. Please use WebSocket Streams`);
    expect(bans).toEqual([untilMs]);
    await sockets.at(0).end(1008, "disconnected");
    await clock.advance(599_999);
    expect(sockets.all.length).toBe(1);
    await clock.advance(1);
    expect(sockets.all.length).toBe(2);
    await feed.close();
  });

  test("a ban that begins while it waits is waited for too", async () => {
    const { bans, clock, feed, sockets } = feedOf();
    await clock.advance(0);
    await sockets.at(0).end();
    bans.push(clock.nowMs() + 60_000);
    await clock.advance(59_999);
    expect(sockets.all.length).toBe(1);
    await clock.advance(1);
    expect(sockets.all.length).toBe(2);
    await feed.close();
  });

  test("waits half a minute after a breach of rules it knows nothing of", async () => {
    const { clock, feed, sockets } = feedOf();
    await clock.advance(0);
    await sockets.at(0).end(1008, "disconnected");
    await clock.advance(29_999);
    expect(sockets.all.length).toBe(1);
    await clock.advance(1);
    expect(sockets.all.length).toBe(2);
    await feed.close();
  });
});
