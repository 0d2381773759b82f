import { expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { DEFAULT_SHARE, foldMinutes, type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import { PROFILE_BINS_MAX, viewProfile, WireProfileState } from "../../src/protocol/mod.ts";
import { RESIDENT_DAYS_MAX } from "../../src/store/mod.ts";
import { batchOfTrades, type MadeTrade } from "../support/trades.ts";
import { BIN_UNITS, ChannelWorld, happeningKind, NOW, type Reader } from "./channel-world.ts";

const CHANNEL = "profile:BTCUSDT";

const trade = (minute: number, price: number, size = 1, id = minute * 1_000 + price): MadeTrade => ({
  ...{ id, timeMs: minute * 60_000 + 1_000, price, size, buy: price % 2 === 0 },
});

/** A state as it is held; a bin that was told to be gone stays as null. */
function held(reader: Reader): WireProfileState {
  const state = reader.held;
  const bins = Object.entries(v.parse(v.looseObject({}), state["bins"])).filter(([, bin]) => bin !== null);
  return v.parse(WireProfileState, { ...state, bins: Object.fromEntries(bins) });
}

/** The profile as HTTP tells it of the session's minutes. */
function truth({ series, nowMs, calendar }: ChannelWorld, range?: MinuteRange, coarser = 1) {
  const nowMinute = minuteOfMs(nowMs);
  const session = range ?? calendar.latest(nowMinute).range;
  const expectedEnd = session.hi <= nowMinute ? session.hi : minuteOfMs(nowMs - 4_000);
  const view = viewProfile({
    ...{ symbol: series.symbol, range: session, asOfMs: nowMs, revision: series.revision, ...series.grid },
    ...{ window: series.window(session, expectedEnd, nowMinute), coarser },
    ...{ method: "ranked", share: DEFAULT_SHARE },
  });
  const { as_of: _, revision: _r, ...summary } = view.summary;
  const bins = view.bins(0, view.rowCount).map(([price, ...volumes]) => [String(price), volumes]);
  return { ...summary, bins: Object.fromEntries(bins) };
}

test("profile channel, the whole first, then the bins that changed", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  world.commit({ lo: minute - 10, hi: minute }, [trade(minute - 10, 100, 3), trade(minute - 1, 110, 5)]);
  const reader = await world.reader(CHANNEL);
  expect(held(reader)).toMatchObject({ session: "2026-01-02", poc: 1.1, bins: { "1": [0.003, 0.003] } });
  expect(held(reader)).toMatchObject(truth(world));
  world.live([trade(minute, 115, 2)]);
  await world.pass(100);
  expect(held(reader)).toMatchObject(truth(world));
  expect(reader.frames.at(-1)).toMatchObject({ bins: { "1.15": [0.002, 0] }, total_volume: 0.01 });
  expect(Object.keys(reader.frames.at(-1)?.["bins"] ?? {})).toEqual(["1.15"]);
  // A correction takes a bin's volume away.
  world.commit({ lo: minute - 10, hi: minute - 9 }, [trade(minute - 10, 110)]);
  await world.pass(100);
  expect(reader.held["bins"]).toEqual({ "1": null, "1.1": [0.006, 0.006], "1.15": [0.002, 0] });
});

test("profile channel, any reader at any speed holds what HTTP tells, whatever happened", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          kind: happeningKind,
          back: fc.integer({ min: 0, max: 590 }),
          length: fc.integer({ min: 1, max: 90 }),
          prices: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
        }),
        { minLength: 5, maxLength: 30 },
      ),
      async (steps) => {
        const world = new ChannelWorld(NOW);
        const reader = await world.reader(CHANNEL);
        for (const { kind, back, length, prices } of steps) {
          const range = { lo: world.minute - back, hi: Math.min(world.minute - back + length, world.minute) };
          const trades = [...new Set(prices)].map((price, at) => trade(range.lo + (at % length), price));
          const own = trades.filter(({ timeMs }) => minuteOfMs(timeMs) < range.hi);
          own.sort((a, b) => a.id - b.id);
          const running = trade(world.minute, prices[0] ?? 1);
          await world.happens({ kind, range, trades: own, running, ms: length * 1_000 }, reader);
        }
        await world.rests(reader);
        const { session: _, as_of: _a, revision: _r, ...state } = held(reader);
        expect(state).toEqual(truth(world));
        expect(world.errors).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);

test("profile channel, rolls with the session: the new one comes whole", async () => {
  const world = new ChannelWorld("2026-01-02T23:59:30Z");
  const { minute } = world;
  world.commit({ lo: minute - 10, hi: minute }, [trade(minute - 10, 100)]);
  const reader = await world.reader(CHANNEL);
  const named = await world.reader(`${CHANNEL}@2026-01-02`);
  expect(held(reader).session).toBe("2026-01-02");
  await world.pass(35_000);
  world.live([trade(minute + 1, 200)]);
  await world.pass(300);
  expect(held(reader)).toMatchObject({ session: "2026-01-03", bins: { "2": [0.001, 0.001] } });
  expect(Object.keys(held(reader).bins)).toEqual(["2"]);
  expect(reader.frames.some((frame) => frame["previous_revision"] === null)).toBeTrue();
  expect(held(named)).toMatchObject({ session: "2026-01-02", poc: 1 });
  expect(held(named)).toMatchObject(truth(world, world.calendar.named("2026-01-02")?.range));
});

test("profile channel, a session out of the tape is loaded, stays in memory, and is let go", async () => {
  const world = new ChannelWorld(NOW);
  const { range } = world.calendar.named("2025-12-01")!;
  world.commit(range, [trade(range.lo + 5, 300)], { elsewhere: true });
  const reader = await world.reader(`${CHANNEL}@2025-12-01`);
  expect(held(reader)).toMatchObject({ session: "2025-12-01", poc: 3, coverage: { ratio: 1 } });
  const others = () => {
    for (let day = 2; day < 2 + RESIDENT_DAYS_MAX; day++) {
      const { lo } = { lo: range.lo + day * 1_440 };
      world.commit({ lo, hi: lo + 1 }, [trade(lo, 1)]);
    }
  };
  others();
  expect(world.series.absentDays(range)).toEqual([]);
  reader.peer.send({ id: 3, unsubscribe: { channel: `${CHANNEL}@2025-12-01` } });
  await world.pass(100);
  others();
  world.commit({ lo: range.lo - 1_440, hi: range.lo - 1_439 }, [trade(range.lo - 1_440, 1)]);
  expect(world.series.absentDays(range)).toHaveLength(1);
});

test("profile channel, many minutes at once are taken in by turns, and the last state stands meanwhile", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  world.commit({ lo: minute - 300, hi: minute }, [trade(minute - 300, 100)]);
  const reader = await world.reader(CHANNEL);
  const before = held(reader);
  const many = Array.from({ length: 300 }, (_, at) => trade(minute - 300 + at, 200 + at));
  world.turn = Promise.withResolvers<void>();
  world.commit({ lo: minute - 300, hi: minute }, many);
  await world.pass(200);
  expect(held(reader)).toEqual(before);
  world.turn.resolve();
  await world.pass(300);
  expect(held(reader)).toMatchObject(truth(world));
  expect(reader.frames.at(-1)?.["bins"]).toHaveProperty("1", null);
});

test("profile channel, more bins than it holds are told wider, and a reader is told so whole", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  const spread = (from: number, bins: number) =>
    Array.from({ length: bins }, (_, at) => trade(minute - 3, (from + at) * BIN_UNITS, 1, from + at));
  world.commit({ lo: minute - 3, hi: minute - 2 }, spread(1, PROFILE_BINS_MAX - 10));
  const reader = await world.reader(CHANNEL);
  expect(held(reader).bin_size).toBe(0.05);
  expect(Object.keys(held(reader).bins)).toHaveLength(PROFILE_BINS_MAX - 10);
  world.commit({ lo: minute - 3, hi: minute - 2 }, spread(1, PROFILE_BINS_MAX + 10));
  for (let turn = 0; turn < 10; turn++) await world.pass(110);
  const { session: _, as_of: _a, revision: _r, ...state } = held(reader);
  expect(state.bin_size).toBe(0.1);
  expect(state).toEqual(truth(world, undefined, 2));
  expect(reader.frames.at(-1)?.["previous_revision"]).toBeNull();
}, 20_000);

test("profile channel, who is further behind than changes are remembered gets it whole", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  const reader = await world.reader(CHANNEL);
  const quick = await world.reader(CHANNEL);
  held(reader);
  reader.stop();
  for (let round = 1; round <= 6; round++) {
    const trades = Array.from({ length: 2_000 }, (_, at) =>
      trade(minute - 1, (1 + at) * BIN_UNITS, round, at + 1),
    );
    world.commit({ lo: minute - 1, hi: minute }, trades);
    await world.pass(110);
    held(quick);
  }
  reader.take();
  await world.pass(110);
  expect(held(reader)).toEqual(held(quick));
  expect(held(reader)).toMatchObject(truth(world));
  expect(reader.frames.at(-1)?.["previous_revision"]).toBeNull();
  expect(quick.frames.at(-1)?.["previous_revision"]).toBeNumber();
}, 20_000);

test("profile channel, a finer grid is told whole, in the bins that it always had", async () => {
  const world = new ChannelWorld(NOW);
  const { minute } = world;
  world.commit({ lo: minute - 3, hi: minute - 2 }, [trade(minute - 3, 100)]);
  const reader = await world.reader(CHANNEL);
  world.series.commit(
    { lo: minute - 2, hi: minute - 1 },
    {
      ...foldMinutes(
        batchOfTrades([trade(minute - 2, 1_505)], { scales: { priceScale: 3, sizeScale: 3 } }),
        BIN_UNITS * 10,
      ),
    },
  );
  world.changed();
  for (let turn = 0; turn < 10; turn++) await world.pass(110);
  expect(held(reader)).toMatchObject(truth(world));
  expect(held(reader)).toMatchObject({ last: 1.505, bins: { "1": [0.001, 0.001], "1.5": [0.001, 0] } });
});
