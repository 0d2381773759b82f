import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  failureOf,
  foldMinutes,
  type Instrument,
  MINUTES_PER_DAY,
  type MinuteRange,
  minuteOfUs,
  type TradeBatch,
} from "../../src/core/mod.ts";
import type { FeedListener, Venue } from "../../src/venues/mod.ts";
import { until } from "./support/manual-clock.ts";

/** What an adapter's test brings for the suite of the port: the adapter, and an exchange under the test's hand. */
export interface ContractWorld {
  readonly venue: Venue;
  readonly symbol: string;
  /** A closed window with trades in some of its minutes. */
  readonly range: MinuteRange;
  /** Ids of the trades of `range`, where the exchange can tell them. */
  readonly truth: readonly number[];
  /** Makes the exchange print until it is called off. */
  trade(): () => void;
  /** Breaks every live connection. */
  cut(): void;
  stop(): Promise<void>;
}

/** The suite that every adapter passes. */
export function venueContract(name: string, build: () => Promise<ContractWorld>): void {
  describe(`${name} as a Venue`, () => {
    const signal = new AbortController().signal;
    let world: ContractWorld;
    let instrument: Instrument;

    beforeAll(async () => {
      world = await build();
      instrument = await world.venue.instrument(world.symbol, { signal });
    });
    afterAll(() => world.stop());

    test("instrument() names itself and has positive steps", () => {
      const { venue, symbol } = world;
      expect(instrument).toMatchObject({ venue: venue.name, market: venue.market, symbol });
      for (const units of [instrument.tickUnits, instrument.lotUnits]) {
        expect(Number.isSafeInteger(units)).toBe(true);
        expect(units).toBeGreaterThan(0);
      }
    });

    test("instrument() fails permanent for a symbol the venue does not have", async () => {
      const thrown: unknown = await world.venue
        .instrument("NOSUCHSYMBOL", { signal })
        .catch((e: unknown) => e);
      expect(failureOf(thrown).kind).toBe("permanent");
    });

    test("serverTimeMs() is milliseconds", async () => {
      const time = await world.venue.serverTimeMs({ signal });
      expect(time).toBeGreaterThan(1e12);
      expect(time).toBeLessThan(1e13);
    });

    test("trades() gives every trade of the window once, in id order", async () => {
      const { range, truth, venue } = world;
      const { batch, duplicates, idGaps, requests } = await venue.trades(instrument, range, { signal });
      expect([...batch.id]).toEqual([...truth]);
      expect([batch.kind, duplicates, idGaps.length]).toEqual(["aggregate", 0, 0]);
      expect(requests).toBeGreaterThan(0);
      expectWithin(batch, range);
    });

    test("trades() of two halves are the trades of the whole", async () => {
      const { range, truth, venue } = world;
      const middle = Math.floor((range.lo + range.hi) / 2);
      const halves = [
        { lo: range.lo, hi: middle },
        { lo: middle, hi: range.hi },
      ];
      const ids: number[] = [];
      for (const half of halves) ids.push(...(await venue.trades(instrument, half, { signal })).batch.id);
      expect(ids).toEqual([...truth]);
    });

    test("trades() of an empty range asks for nothing", async () => {
      const { range, venue } = world;
      const empty = await venue.trades(instrument, { lo: range.lo, hi: range.lo }, { signal });
      expect([empty.batch.length, empty.requests]).toEqual([0, 0]);
    });

    test("candles() ascend inside the window and agree with its trades", async () => {
      const { range, venue } = world;
      const { candles, scales } = await venue.candles(instrument, range, { signal });
      const minutes = candles.map((candle) => candle.minute);
      expect(minutes).toEqual([...new Set(minutes)].sort((a, b) => a - b));
      const { batch } = await venue.trades(instrument, range, { signal });
      expect(batch.scales).toEqual(scales);
      const folded = foldMinutes(batch, 1).minutes;
      const candleOf = new Map(candles.map((candle) => [candle.minute, candle]));
      expect(folded.length).toBeGreaterThan(0);
      for (const minute of folded) {
        const { open, high, low, close, volume, buyVolume, quoteVolume, rawCount } = minute;
        const buyQuoteVolume = quoteOfBuys(batch, minute.minute);
        const expected = { open, high, low, close, volume, buyVolume, buyQuoteVolume, quoteVolume, rawCount };
        expect(candleOf.get(minute.minute)).toEqual({ minute: minute.minute, ...expected });
      }
    });

    test("newestTrade() and newestPrice() tell where the tape stands", async () => {
      const newest = await world.venue.newestTrade(instrument, { signal });
      expect(newest?.id).toBeGreaterThanOrEqual(world.truth.at(-1) ?? Number.POSITIVE_INFINITY);
      const price = await world.venue.newestPrice(instrument, { signal });
      expect(price).toBeGreaterThan(0);
    });

    test("every call ends aborted by its signal", async () => {
      const { range, venue } = world;
      const aborted = { signal: AbortSignal.abort() };
      for (const call of [
        venue.instrument(world.symbol, aborted),
        venue.serverTimeMs(aborted),
        venue.trades(instrument, range, aborted),
        venue.candles(instrument, range, aborted),
        venue.newestTrade(instrument, aborted),
        venue.newestPrice(instrument, aborted),
      ])
        expect(failureOf(await call.catch((e: unknown) => e)).kind).toBe("aborted");
    });

    test("openFeed() tells up, trades, down and up again, and nothing after close()", async () => {
      const told: string[] = [];
      let trades = 0;
      const listener: FeedListener = {
        up: (symbol) => told.push(`up ${symbol}`),
        down: (symbol) => told.push(`down ${symbol}`),
        trades: (symbol, batch) => {
          expect([symbol, batch.kind, told.at(-1)]).toEqual([world.symbol, "aggregate", `up ${symbol}`]);
          trades += batch.length;
        },
      };
      const feed = world.venue.openFeed({ instruments: [instrument], kind: "aggregate", listener });
      const quiet = world.trade();
      await until(() => trades > 3, "first trades");
      world.cut();
      await until(() => told.length >= 3, "another connection");
      const before = trades;
      await until(() => trades > before, "trades of the other connection");
      expect(told).toEqual([`up ${world.symbol}`, `down ${world.symbol}`, `up ${world.symbol}`]);
      expect(feed.counters).toMatchObject({ trades, faulty: 0, connects: 2 });
      await feed.close();
      const [lines, count] = [told.length, trades];
      await new Promise((resolve) => setTimeout(resolve, 30));
      quiet();
      expect([told.length, trades]).toEqual([lines, count]);
    });
  });
}

function expectWithin(batch: TradeBatch, range: MinuteRange): void {
  const outside = batch.timeUs.filter((time) => time < range.lo * 6e7 || time >= range.hi * 6e7);
  expect([...outside]).toEqual([]);
  expect(range.hi - range.lo).toBeLessThanOrEqual(MINUTES_PER_DAY);
}

/** Σ price·size of a minute's trades whose aggressor bought. */
function quoteOfBuys({ length, timeUs, price, size, buy }: TradeBatch, minute: number): bigint {
  let sum = 0n;
  for (let i = 0; i < length; i++)
    if (buy[i] === 1 && minuteOfUs(timeUs[i]!) === minute) sum += BigInt(price[i]!) * BigInt(size[i]!);
  return sum;
}
