import { expect } from "bun:test";
import type { ServerWebSocket } from "bun";
import * as v from "valibot";
import {
  foldMinutes,
  type Instrument,
  parseUnits,
  sortedUnique,
  TradeBatchBuilder,
  type TradeKind,
} from "../../../src/core/mod.ts";
import { Binance, type FeedCounters } from "../../../src/venues/mod.ts";
import { FakeBinance } from "../support/fake-binance.ts";
import { machineClock, settle, until } from "../support/manual-clock.ts";
import { frameText, recordedLines, recordedTest } from "../support/recordings.ts";

/** Digits that hold every price and size of the recordings. */
const SCALE = 8;
/** Frames sent before the socket is given time to drain. */
const BURST = 500;

const RecordedTrade = v.object({
  e: v.picklist(["trade", "aggTrade"]),
  s: v.string(),
  a: v.optional(v.number()),
  t: v.optional(v.number()),
  p: v.string(),
  q: v.string(),
  T: v.number(),
  m: v.boolean(),
});
type RecordedTrade = v.InferOutput<typeof RecordedTrade>;

/** Every trade event of some frames, read without the code under test. */
function tradesOf(frames: readonly string[]): RecordedTrade[] {
  const trades: RecordedTrade[] = [];
  for (const frame of frames) {
    if (!frame.startsWith("{") || !/"e":"(trade|aggTrade)"/.test(frame)) continue;
    const parsed = v.safeParse(v.object({ data: RecordedTrade }), JSON.parse(frame));
    if (parsed.success) trades.push(parsed.output.data);
  }
  return trades;
}

function instrumentOf(symbol: string): Instrument {
  return { venue: "binance", market: "spot", symbol, priceScale: 0, sizeScale: 0, tickUnits: 1, lotUnits: 1 };
}

type Rows = Map<string, { builder: TradeBatchBuilder; order: string[] }>;

/** Plays frames over a real socket to a live feed, and answers what the feed told. */
async function play(
  frames: readonly string[],
  kind: TradeKind,
  symbols: readonly string[],
): Promise<{ rows: Rows; counters: FeedCounters; told: string[] }> {
  const fake = new FakeBinance();
  const sendAll = async (socket: ServerWebSocket<unknown>) => {
    for (let i = 0; i < frames.length; i++) {
      socket.send(frames[i]!);
      if (i % BURST === BURST - 1) await until(() => socket.getBufferedAmount() === 0, "the socket to drain");
    }
  };
  fake.onConnect = (socket) => void sendAll(socket);
  const rows: Rows = new Map();
  for (const symbol of symbols)
    rows.set(symbol, {
      builder: new TradeBatchBuilder(kind, { priceScale: SCALE, sizeScale: SCALE }),
      order: [],
    });
  const told: string[] = [];
  const venue = new Binance({ clock: machineClock, wsUrl: fake.wsUrl, restUrl: fake.restUrl });
  const feed = venue.openFeed({
    instruments: symbols.map(instrumentOf),
    kind,
    listener: {
      up: (symbol) => told.push(`up ${symbol}`),
      down: (symbol, reason) => told.push(`down ${symbol}: ${reason}`),
      trades: (symbol, batch) => {
        rows.get(symbol)?.builder.append(batch);
        rows.get(symbol)?.order.push(String(batch.id[0]));
      },
    },
  });
  try {
    await until(() => feed.counters.frames === frames.length, `${frames.length} frames`, 50_000);
    await settle();
    return { rows, counters: feed.counters, told };
  } finally {
    await feed.close();
    await fake.stop();
  }
}

/** Per minute of T: count, Σ size and Σ size of buyers, from the recorded text. */
function minutesOf(trades: readonly RecordedTrade[]): Map<number, [number, number, number]> {
  const minutes = new Map<number, [number, number, number]>();
  for (const trade of trades) {
    const minute = Math.floor(trade.T / 60_000);
    const size = parseUnits(trade.q, SCALE);
    const [count, volume, buy] = minutes.get(minute) ?? [0, 0, 0];
    minutes.set(minute, [count + 1, volume + size, buy + (trade.m ? 0 : size)]);
  }
  return minutes;
}

function expectTrades(rows: Rows, symbol: string, trades: readonly RecordedTrade[]): void {
  const got = rows.get(symbol);
  if (got === undefined) throw new Error(`nothing was asked for ${symbol}`);
  expect(got.order).toEqual(trades.map((trade) => String(trade.a ?? trade.t)));
  const batch = got.builder.build();
  expect([...batch.price]).toEqual(trades.map((trade) => parseUnits(trade.p, SCALE)));
  expect([...batch.timeUs]).toEqual(trades.map((trade) => trade.T * 1_000));
  const folded = foldMinutes(sortedUnique(batch).batch, 1).minutes;
  const sums = folded.map((m) => [m.minute, [m.count, m.volume, m.buyVolume]]);
  expect(sums).toEqual([...minutesOf(trades)].sort(([a], [b]) => a - b));
}

const RAW_SESSIONS: [file: string, trades: number, ofNextDay: number][] = [
  ["binance_spot_btcusdt_20240808", 9_757, 19],
  ["binance_spot_btcusdt_20240809", 10_147, 0],
  ["binance_usdm_btcusdt_20240718", 974, 0],
  ["binance_usdm_btcusdt_20240719", 9_727, 0],
];

for (const [file, count, ofNextDay] of RAW_SESSIONS) {
  recordedTest(
    `openFeed() gives exactly the raw trades of ${file}, each in the minute of its own time`,
    async () => {
      const frames = recordedLines(`ws/${file}.log.gz`).map(frameText);
      const trades = tradesOf(recordedLines(`derived/${file}.trades.log.gz`).map(frameText));
      expect(trades.length).toBe(count);
      expect(tradesOf(frames)).toEqual(trades);
      const { counters, rows, told } = await play(frames, "raw", ["BTCUSDT"]);
      expect(told).toEqual(["up BTCUSDT"]);
      expectTrades(rows, "BTCUSDT", trades);
      const ignored = frames.length - count;
      expect(counters).toEqual({
        frames: frames.length,
        trades: count,
        ignored,
        faulty: 0,
        dropped: 0,
        connects: 1,
      });
      const day = file.slice(-8);
      const late = trades.filter((t) => new Date(t.T).toISOString().slice(0, 10).replaceAll("-", "") !== day);
      if (ofNextDay > 0) expect(late.length).toBe(ofNextDay);
    },
  );
}

recordedTest("openFeed() of aggregates takes nothing from a session of raw trades", async () => {
  const frames = recordedLines("ws/binance_usdm_btcusdt_20240718.log.gz").map(frameText);
  const { counters } = await play(frames, "aggregate", ["BTCUSDT"]);
  expect([counters.trades, counters.ignored, counters.faulty]).toEqual([0, frames.length, 0]);
});

const AGGREGATE_SESSIONS: [file: string, trades: number][] = [
  ["BINANCE", 2],
  ["BINANCE_DELIVERY", 51],
  ["BINANCE_FUTURES", 91],
  ["BINANCE_TR", 0],
  ["BINANCE_US", 11],
];

for (const [file, count] of AGGREGATE_SESSIONS) {
  recordedTest(`openFeed() gives exactly the aggregate trades of ${file}`, async () => {
    const [subscribe = "", ...lines] = recordedLines(`ws_cryptofeed/${file}.ws.1.0.gz`);
    const symbols = [...subscribe.matchAll(/[=/]([a-z0-9_]+)@aggTrade/g)].map((match) =>
      match[1]!.toUpperCase(),
    );
    const frames = lines.map(frameText);
    const noJson = frames.filter((frame) => !frame.startsWith("{")).length;
    const trades = tradesOf(frames);
    expect(trades.length).toBe(count);
    const { counters, rows } = await play(frames, "aggregate", symbols);
    for (const symbol of symbols)
      expectTrades(
        rows,
        symbol,
        trades.filter((trade) => trade.s === symbol),
      );
    expect([counters.trades, counters.faulty, counters.dropped]).toEqual([count, noJson, 0]);
    expect(counters.ignored).toBe(frames.length - count - noJson);
  });
}
