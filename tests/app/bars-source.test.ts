import { expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import {
  BAR_INTERVALS,
  type BarInterval,
  barAt,
  dayRange,
  foldMinutes,
  formatMinute,
  minuteOfMs,
} from "../../src/core/mod.ts";
import { BARS_KEPT, barToWire, WireBar } from "../../src/protocol/mod.ts";
import { batchOfTrades, type MadeTrade } from "../support/trades.ts";
import { BIN_UNITS, ChannelWorld, happeningKind, NOW, type Reader } from "./channel-world.ts";

/** Members of `bars` that a reader was told are gone stay as null. */
const Held = v.looseObject({ bars: v.record(v.string(), v.nullable(WireBar)), loading: v.boolean() });

const barsOf = (reader: Reader) =>
  Object.fromEntries(Object.entries(v.parse(Held, reader.held).bars).filter(([, bar]) => bar !== null));

const trade = (minute: number, price: number, size = 1, id = minute * 100): MadeTrade => ({
  ...{ id, timeMs: minute * 60_000 + 1_000, price, size, buy: true },
});

/** The bars as they stand in the store. */
function truth({ series, nowMs }: ChannelWorld, interval: BarInterval, count = BARS_KEPT) {
  const moment = { nowMinute: minuteOfMs(nowMs), expectedEnd: minuteOfMs(nowMs - 4_000) };
  const running = barAt(interval, moment.nowMinute);
  const length = running.hi - running.lo;
  const first = barAt(interval, Math.min(series.covered.ranges[0]?.lo ?? moment.nowMinute, moment.nowMinute));
  const bars: Record<string, WireBar> = {};
  for (let at = Math.max(first.lo, running.hi - count * length); at < running.hi; at += length)
    bars[formatMinute(at)] = barToWire(
      series.bars.read({ lo: at, hi: at + length }, moment),
      series.grid.scales,
    );
  return bars;
}

test("bars channel, a bar runs, closes and is corrected, and frames carry what changed", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  world.commit({ lo: minute - 10, hi: minute }, [trade(minute - 10, 100), trade(minute - 1, 110)]);
  const reader = await world.reader("bars:BTCUSDT:5m");
  expect(reader.held).toMatchObject({ symbol: "binance:BTCUSDT", interval: "5m", loading: false });
  expect(Object.keys(barsOf(reader))).toEqual(
    ["09:50", "09:55", "10:00"].map((at) => `2026-01-02T${at}:00.000Z`),
  );
  world.live([trade(minute, 120)]);
  await world.pass(1_000);
  expect(barsOf(reader)).toEqual(truth(world, "5m"));
  expect(reader.frames.at(-1)).toEqual({
    revision: world.series.revision,
    previous_revision: expect.any(Number),
    bars: {
      "2026-01-02T10:00:00.000Z": expect.objectContaining({ close: 1.2, volume: 0.001, closed: false }),
    },
  });
  // The fifth minute ends and is proven whole, and the next bar begins: both are told in one frame.
  world.nowMs = Date.parse("2026-01-02T10:05:01Z");
  world.live([trade(minute, 120), trade(minute + 4, 130)], { lo: minute, hi: minute + 5 });
  world.live([trade(minute + 5, 140)]);
  await world.pass(100);
  barsOf(reader);
  expect(reader.frames.at(-1)).toMatchObject({
    bars: {
      "2026-01-02T10:00:00.000Z": { close: 1.3, closed: true, covered: 1 },
      "2026-01-02T10:05:00.000Z": { open: 1.4, closed: false },
    },
  });
  world.commit({ lo: minute - 10, hi: minute - 9 }, [trade(minute - 10, 90)]);
  await world.pass(100);
  expect(barsOf(reader)).toEqual(truth(world, "5m"));
  expect(reader.frames.at(-1)?.["bars"]).toEqual({
    "2026-01-02T09:50:00.000Z": expect.objectContaining({ open: 0.9, closed: true }),
  });
});

test("bars channel, a reader that skipped frames gets every closed bar, and nothing it has already", async () => {
  const world = new ChannelWorld(NOW);
  const quick = await world.reader("bars:BTCUSDT:1m");
  const slow = await world.reader("bars:BTCUSDT:1m");
  barsOf(slow);
  slow.stop();
  const first = world.minute;
  for (let ended = first; ended < first + 20; ended++) {
    world.live([trade(ended, 100 + ended - first)]);
    await world.pass(60_000);
    world.live([trade(ended, 100 + ended - first)], { lo: ended, hi: ended + 1 });
    await world.pass(100);
  }
  slow.take();
  await world.pass(100);
  expect(barsOf(slow)).toEqual(truth(world, "1m"));
  expect(barsOf(quick)).toEqual(barsOf(slow));
  // The frame that its socket had kept, and one for all the rest.
  expect(slow.frames.length).toBeLessThanOrEqual(3);
  const closed = Object.values(barsOf(slow)).filter((bar) => bar?.closed);
  expect(closed.map((bar) => bar?.close)).toEqual(Array.from({ length: 20 }, (_, i) => (100 + i) / 100));
});

test("bars channel, any reader at any speed holds what the store knows, whatever happened", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...BAR_INTERVALS),
      fc.array(
        fc.record({
          kind: happeningKind,
          back: fc.integer({ min: 0, max: 400 }),
          length: fc.integer({ min: 1, max: 30 }),
          price: fc.integer({ min: 1, max: 500 }),
        }),
        { minLength: 5, maxLength: 40 },
      ),
      async (interval, steps) => {
        const world = new ChannelWorld(NOW);
        world.commit({ lo: world.minute - 500, hi: world.minute - 499 }, [trade(world.minute - 500, 7)]);
        const reader = await world.reader(`bars:BTCUSDT:${interval}`);
        for (const { kind, back, length, price } of steps) {
          const lo = world.minute - back;
          const range = { lo, hi: Math.min(lo + length, world.minute) };
          const trades = [trade(range.lo, price, kind === "commit" ? 2 : 1)];
          const running = trade(world.minute, price);
          await world.happens({ kind, range, trades, running, ms: length * 10_000 }, reader);
        }
        await world.rests(reader);
        expect(barsOf(reader)).toEqual(truth(world, interval));
        expect(world.errors).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);

test("bars channel, the newest bars alone are held, and one that leaves is told as null", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  world.commit({ lo: minute - 400, hi: minute }, [trade(minute - 400, 100)]);
  const reader = await world.reader("bars:BTCUSDT:1m");
  expect(Object.keys(barsOf(reader))).toHaveLength(BARS_KEPT);
  await world.pass(60_000);
  expect(barsOf(reader)).toEqual(truth(world, "1m"));
  expect(reader.frames.at(-1)?.["bars"]).toMatchObject({
    [formatMinute(minute + 1 - BARS_KEPT)]: null,
    [formatMinute(minute + 1)]: { closed: false },
  });
  // Cut off for longer than that: the reply to the next subscribe has all of them.
  await world.pass(500 * 60_000);
  const again = await world.reader("bars:BTCUSDT:1m");
  expect(barsOf(again)).toEqual(truth(world, "1m"));
  expect(barsOf(reader)).toEqual(truth(world, "1m"));
});

test("bars channel, days that are not in memory follow as they are read, the newest first", async () => {
  const world = new ChannelWorld(NOW);
  const today = dayRange(Math.floor(world.minute / 1_440));
  for (let day = 40; day > 0; day--) {
    const { lo, hi } = dayRange(today.lo / 1_440 - day);
    world.commit({ lo, hi }, [trade(lo, 100 + day)], { elsewhere: true });
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  const pending = world.reader("bars:BTCUSDT:4h");
  const reader = await pending;
  await world.pass(1_600);
  await world.pass(100);
  expect(reader.held).toMatchObject({ loading: true });
  expect(Object.keys(barsOf(reader)).length).toBeLessThan(6);
  resolve();
  for (let turn = 0; turn < 100; turn++) await world.pass(110);
  expect(reader.held).toMatchObject({ loading: false });
  expect(Object.keys(barsOf(reader))).toHaveLength(40 * 6 + 3);
  expect(barsOf(reader)).toEqual(truth(world, "4h"));
  expect(world.loads).toBe(40);
  // A correction of a day that has left memory again.
  const { lo } = dayRange(today.lo / 1_440 - 30);
  world.commit({ lo, hi: lo + 1 }, [trade(lo, 777)]);
  for (let turn = 0; turn < 10; turn++) await world.pass(110);
  expect(barsOf(reader)[formatMinute(lo)]).toMatchObject({ close: 7.77, closed: true });
});

test("bars channel, who is further behind than changes are remembered gets the whole window", async () => {
  const world = new ChannelWorld(NOW);
  const reader = await world.reader("bars:BTCUSDT:1m");
  barsOf(reader);
  reader.stop();
  const other = await world.reader("bars:BTCUSDT:1m");
  const { minute } = world;
  for (let round = 0; round < 30; round++) {
    world.commit({ lo: minute - 250, hi: minute }, [trade(minute - 250, 100 + round)]);
    // Another price in each of the minutes.
    for (let at = minute - 250; at < minute; at++)
      world.series.commit(
        { lo: at, hi: at + 1 },
        foldMinutes(batchOfTrades([trade(at, 100 + round)]), BIN_UNITS),
      );
    world.changed();
    await world.pass(110);
  }
  reader.take();
  await world.pass(200);
  expect(barsOf(reader)).toEqual(truth(world, "1m"));
  expect(reader.frames.at(-1)).toMatchObject({ previous_revision: null, interval: "1m" });
  expect(barsOf(other)).toEqual(barsOf(reader));
  expect(other.frames.at(-1)?.["previous_revision"]).toBeNumber();
});
