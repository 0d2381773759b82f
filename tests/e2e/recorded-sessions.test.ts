import { afterAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import {
  Coverage,
  formatDay,
  type Instrument,
  MS_PER_DAY,
  parseUnits,
  type TradeKind,
} from "../../src/core/mod.ts";
import { LiveIngest, type LiveSegment } from "../../src/live/mod.ts";
import { type SimulatorServer, startSimulatorServer } from "../../src/runtime/mod.ts";
import { readRecording } from "../../src/simulator/mod.ts";
import { ProfileStore, type SeriesStore } from "../../src/store/mod.ts";
import { Binance } from "../../src/venues/mod.ts";
import { ScaledClock } from "../support/scaled-clock.ts";
import { testWithData } from "../support/shared-data.ts";
import { until } from "../support/until.ts";

/**
 * Recorded WebSocket sessions of Binance, played by the simulated exchange, through the live feed and the seam into the store:
 * each trade stands in the minute of its own time.
 */
const SCALE = 120;
/** Digits that hold every price and size of the recordings. */
const DIGITS = 8;
const TIMEOUT_MS = 300_000;

const RecordedTrade = v.object({
  e: v.picklist(["trade", "aggTrade"]),
  s: v.string(),
  q: v.string(),
  T: v.number(),
  m: v.boolean(),
});
type RecordedTrade = v.InferOutput<typeof RecordedTrade>;

const open: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of open) await each.close();
}, TIMEOUT_MS);

function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Every trade of some recorded lines, read without the code under test. */
function tradesOf(lines: readonly string[]): RecordedTrade[] {
  return lines.flatMap((line) => {
    if (!/"e":"(trade|aggTrade)"/.test(line)) return [];
    const parsed = v.safeParse(
      v.pipe(v.string(), v.parseJson(), v.object({ data: RecordedTrade })),
      line.slice(line.indexOf("{")),
    );
    return parsed.success ? [parsed.output.data] : [];
  });
}

/** Per minute of T: count, volume, aggressor-buy volume. */
function minutesOf(trades: readonly RecordedTrade[]): [number, number[]][] {
  const minutes = new Map<number, number[]>();
  for (const { T, q, m } of trades) {
    const minute = Math.floor(T / 60_000);
    const size = parseUnits(q, DIGITS);
    const [count = 0, volume = 0, buys = 0] = minutes.get(minute) ?? [];
    minutes.set(minute, [count + 1, volume + size, buys + (m ? 0 : size)]);
  }
  return [...minutes].sort(([a], [b]) => a - b);
}

function storedMinutes(series: SeriesStore, minutes: readonly number[]): [number, number[]][] {
  return minutes.map((minute) => {
    const { count, volume, buyVolume } = series.window({ lo: minute, hi: minute + 1 }).fold;
    return [minute, [count, Number(volume), Number(buyVolume)]];
  });
}

/** Plays a recording to the end. The clock stands where the recorder stood. */
async function played(path: string, kind: TradeKind, symbols: readonly string[]) {
  const recording = await readRecording(path);
  const clock = new ScaledClock(Math.floor(recording.frames[0]!.receivedMs), SCALE);
  const exchange: SimulatorServer = startSimulatorServer({
    markets: [],
    recordings: [recording],
    pace: 1,
    clock: () => clock.nowMs(),
    timers: clock.exchangeTimers(),
  });
  const store = new ProfileStore();
  const series = symbols.map((symbol, i) => {
    const instrument: Instrument = {
      venue: "binance",
      market: "spot",
      symbol,
      priceScale: DIGITS,
      sizeScale: DIGITS,
      tickUnits: 1,
      lotUnits: 1,
    };
    return store.open({ seriesId: i + 1, instrument, binUnits: 1_000 });
  });
  const segments: LiveSegment[] = [];
  const refetched: number[] = [];
  const live = new LiveIngest({
    venue: new Binance({ restUrl: exchange.restUrl, wsUrl: exchange.wsUrl, clock }),
    store,
    clock,
    kind,
    commit: async (segment) => {
      segments.push(segment);
      return "committed";
    },
    refetch: (_, minute) => refetched.push(minute),
    log: { info: () => undefined, warn: () => undefined },
  });
  open.push({
    async close() {
      await live.stop();
      clock.stop();
      await exchange.stop();
    },
  });
  clock.start();
  live.start(series);
  const { length } = recording.frames;
  const counters = await until(
    `${length} frames`,
    () => {
      const now = live.feed?.counters;
      return now !== undefined && now.frames >= length ? now : undefined;
    },
    TIMEOUT_MS - 10_000,
  );
  // Trades are folded into the store a moment after they came.
  await clock.reached(clock.nowMs() + 1_000);
  return { series, segments, refetched, counters, length };
}

const RAW: readonly (readonly [file: string, trades: number, ofNextDay: number])[] = [
  ["binance_spot_btcusdt_20240808", 9_757, 19],
  ["binance_spot_btcusdt_20240809", 10_147, 0],
  ["binance_usdm_btcusdt_20240718", 974, 0],
  ["binance_usdm_btcusdt_20240719", 9_727, 0],
];

describe("recorded sessions of raw trades", () => {
  for (const [file, count, ofNextDay] of RAW)
    testWithData(
      [`ws/${file}.log.gz`, `derived/${file}.trades.log.gz`],
      `${file}, each trade stands in the minute of its own time`,
      async ([session = "", trades = ""]) => {
        const expected = tradesOf(linesOf(trades));
        expect(expected.length).toBe(count);
        const { series, segments, refetched, counters, length } = await played(session, "raw", ["BTCUSDT"]);
        expect([counters.trades, counters.faulty, counters.dropped, counters.connects]).toEqual([
          count,
          0,
          0,
          1,
        ]);
        // The connection is asked for a sign of life when the recording is over; its answer is no trade either.
        expect(counters.ignored).toBe(counters.frames - count);
        expect(counters.frames - length).toBeLessThanOrEqual(2);
        const [store] = series;
        const minutes = minutesOf(expected);
        expect(
          storedMinutes(
            store!,
            minutes.map(([minute]) => minute),
          ),
        ).toEqual(minutes);

        // A whole minute between the first and the last one was proven, and holds the same.
        expect(refetched).toEqual([]);
        const first = minutes[0]![0];
        const last = minutes.at(-1)![0];
        if (last - first >= 2) expect(store!.covered.missing({ lo: first + 1, hi: last })).toEqual([]);
        const written = Coverage.of(segments.map(({ range }) => range));
        for (const { range } of segments) expect(store!.covered.within(range).ranges).toEqual([range]);
        expect(store!.covered.has(first)).toBe(false);
        expect(written.has(first)).toBe(false);

        const day = `${file.slice(-8, -4)}-${file.slice(-4, -2)}-${file.slice(-2)}`;
        const late = expected.filter(({ T }) => formatDay(Math.floor(T / MS_PER_DAY)) !== day);
        expect(late.length).toBe(ofNextDay);
      },
      TIMEOUT_MS,
    );
});

const AGGREGATE: readonly (readonly [file: string, trades: number])[] = [
  ["BINANCE", 2],
  ["BINANCE_DELIVERY", 51],
  ["BINANCE_FUTURES", 91],
  ["BINANCE_TR", 0],
  ["BINANCE_US", 11],
];

describe("recorded sessions of aggregate trades", () => {
  for (const [file, count] of AGGREGATE)
    testWithData(
      [`ws_cryptofeed/${file}.ws.1.0.gz`],
      `${file}, each trade stands in the minute of its own time`,
      async ([session = ""]) => {
        const [subscribe = "", ...lines] = linesOf(session);
        const symbols = [...subscribe.matchAll(/[=/]([a-z0-9_]+)@aggTrade/g)].map(([, name = ""]) =>
          name.toUpperCase(),
        );
        expect(symbols.length).toBeGreaterThan(0);
        const noJson = lines.filter((line) => !/^[\d.]+:? \{/.test(line)).length;
        const expected = tradesOf(lines);
        expect(expected.length).toBe(count);
        const { series, counters } = await played(session, "aggregate", symbols);
        expect([counters.trades, counters.faulty, counters.dropped]).toEqual([count, noJson, 0]);
        expect(counters.ignored).toBe(counters.frames - count - noJson);
        for (const store of series) {
          const minutes = minutesOf(expected.filter(({ s }) => s === store.instrument.symbol));
          expect(
            storedMinutes(
              store,
              minutes.map(([minute]) => minute),
            ),
          ).toEqual(minutes);
        }
      },
      TIMEOUT_MS,
    );

  testWithData(
    ["ws/binance_usdm_btcusdt_20240718.log.gz"],
    "raw trades are no aggregates: their ids are not mixed",
    async ([session = ""]) => {
      const { series, counters } = await played(session, "aggregate", ["BTCUSDT"]);
      expect([counters.trades, counters.faulty]).toEqual([0, 0]);
      const [trade] = tradesOf(linesOf(session));
      const minute = Math.floor(trade!.T / 60_000);
      expect(storedMinutes(series[0]!, [minute - 1, minute, minute + 1]).map(([, sums]) => sums[0])).toEqual([
        0, 0, 0,
      ]);
    },
    TIMEOUT_MS,
  );
});
