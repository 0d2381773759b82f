import { afterEach, describe, expect, test } from "bun:test";
import type { Database } from "../../db/mod.ts";
import { SkeletonWatch } from "../../src/app/skeleton-watch.ts";
import { createJobStore } from "../../src/backfill/mod.ts";
import { Coverage, type MinuteRange, SessionCalendar, utcSession } from "../../src/core/mod.ts";
import { DayLoader, ProfileStore } from "../../src/store/mod.ts";
import { VenueRegistry } from "../../src/venues/mod.ts";
import { DAY, FakeSource, TODAY } from "../backfill/skeleton/fakes.ts";
import { describeDatabases } from "../support/databases.ts";
import { FakeClock, instantTurns, settle } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";

const MINUTE_MS = 60_000;
const signal = new AbortController().signal;
const watches: SkeletonWatch[] = [];
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.stop();
});

let names = 0;

/** A watch over one followed series, at the minute `now` of today. */
async function world(database: Database, now = 100) {
  const source = new FakeSource();
  const clock = new FakeClock((TODAY.lo + now) * MINUTE_MS + 4_000);
  const store = new ProfileStore();
  const instrument = {
    ...{ venue: "fake", market: "spot", symbol: `WATCHED${++names}` },
    ...{ priceScale: 2, sizeScale: 2, tickUnits: 1, lotUnits: 1 },
  };
  const row = await createJobStore(database).ensureSeries({ ...instrument, binUnits: 10 });
  const series = store.open({ seriesId: row.id, instrument, binUnits: 10 });
  const log = () => undefined;
  const watch = new SkeletonWatch({
    ...{ database, store, clock, random: () => 0, turns: instantTurns(), method: "ranked" },
    venues: new VenueRegistry([], [source]),
    loader: new DayLoader(async () => ({ ...series.grid, minutes: [] })),
    open: async () => series,
    followed: () => [series],
    calendar: new SessionCalendar(),
    log: { info: log, warn: log, error: log, debug: log },
  });
  watches.push(watch);
  watch.start();
  const without = (range: MinuteRange) => Coverage.of(series.withoutCandles(range)).size;
  return { source, clock, series, watch, without };
}

/** Lets time pass for work that waits for it and for the database. */
async function pass(clock: FakeClock, work: Promise<unknown>): Promise<number> {
  let done = false;
  void work.finally(() => {
    done = true;
  });
  const from = clock.now();
  await until("the wait to end", async () => {
    await settle();
    if (!done) clock.advance(50);
    return done;
  });
  return clock.now() - from;
}

describeDatabases("SkeletonWatch", (database) => {
  const session = utcSession(DAY);

  describe("asked()", () => {
    test("brings the candles of the session and of the one before it", async () => {
      const { source, watch, series, without } = await world(database());
      await watch.asked(series, session);
      await until("both sessions", () => without({ lo: TODAY.lo - 1_440, hi: TODAY.lo + 100 }) === 0);
      expect(source.asked.length).toBeGreaterThanOrEqual(2);
      const asked = source.asked.length;
      await watch.asked(series, session);
      expect(source.asked.length).toBe(asked);
    });

    test("waits a moment and no longer for a venue that does not answer", async () => {
      const { source, clock, watch, series } = await world(database());
      source.hold = new Promise(() => undefined);
      const waitedMs = await pass(clock, watch.asked(series, session));
      expect(waitedMs).toBeGreaterThanOrEqual(300);
      expect(waitedMs).toBeLessThan(1_000);
    });
  });

  describe("bring()", () => {
    const day = (before: number): MinuteRange => ({
      lo: TODAY.lo - before * 1_440,
      hi: TODAY.lo - before * 1_440 + 1_440,
    });
    const waitMs = 300;

    test("brings the candles of the days that lack trades, and of no others", async () => {
      const { source, watch, series, without } = await world(database());
      const asked = { lo: day(3).lo + 10, hi: day(1).hi };
      series.commit(day(2), { ...series.grid, minutes: [] });
      await watch.bring(series, [[asked]], { waitMs });
      expect([without(day(3)), without(day(2)), without(day(1))]).toEqual([10, 1_440, 0]);
      const before = source.asked.length;
      await watch.bring(series, [[asked]], { waitMs });
      expect(source.asked.length).toBe(before);
    });

    test("of a window that lacks more days than are kept it brings none, or the newest where a part helps", async () => {
      const { source, watch, series, without } = await world(database());
      const year = { lo: day(300).lo, hi: day(1).hi };
      await watch.bring(series, [[year]], { waitMs });
      expect(source.asked).toEqual([]);
      await watch.bring(series, [[year]], { waitMs, partly: true });
      await until("the newest days", () => without(year) === year.hi - year.lo - 14 * 1_440);
      expect(without(day(1))).toBe(0);
    }, 30_000);

    test("waits a moment and no longer for a venue that does not answer", async () => {
      const { source, clock, watch, series } = await world(database());
      source.hold = new Promise(() => undefined);
      const waitedMs = await pass(clock, watch.bring(series, [[day(1)]], { waitMs }));
      expect(waitedMs).toBeGreaterThanOrEqual(300);
      expect(waitedMs).toBeLessThan(1_000);
    });
  });

  test("prepare(), waits a few seconds at most, and never rejects", async () => {
    const { source, clock, watch, series, without } = await world(database());
    const ref = { venue: "fake", symbol: series.instrument.symbol };
    await watch.prepare([ref], { lo: TODAY.lo, hi: TODAY.lo + 50 }, signal);
    expect(without({ lo: TODAY.lo, hi: TODAY.lo + 50 })).toBe(0);
    source.hold = new Promise(() => undefined);
    const waitedMs = await pass(clock, watch.prepare([ref], TODAY, signal));
    expect(waitedMs).toBeGreaterThanOrEqual(3_000);
    expect(waitedMs).toBeLessThan(5_000);
  });

  test("minuteEnded(), asks for a minute that nobody covered, and for live ones five at a time", async () => {
    const { source, clock, watch, series, without } = await world(database());
    const ended = async () => {
      clock.advance(MINUTE_MS);
      watch.minuteEnded();
      await settle();
    };
    watch.minuteEnded();
    await until("the last two days", () => without({ lo: TODAY.lo - 1_440, hi: TODAY.lo + 100 }) === 0);
    await ended();
    await until("a minute that nobody covered", () => without({ lo: TODAY.lo, hi: TODAY.lo + 101 }) === 0);
    const asked = source.asked.length;
    for (let minute = 101; minute < 105; minute++) {
      series.putLive({ ...series.grid, minutes: [] }, { lo: TODAY.lo + minute, hi: TODAY.lo + minute + 1 });
      expect(source.asked.length).toBe(asked);
      await ended();
    }
    await until("the five", () => without({ lo: TODAY.lo, hi: TODAY.lo + 105 }) === 0);
    expect(source.asked.slice(asked)).toEqual([{ lo: TODAY.lo + 101, hi: TODAY.lo + 105 }]);
  });

  test("committed(), brings the candles of the day where it is in memory", async () => {
    const { watch, series, without } = await world(database());
    const range = { lo: TODAY.lo + 20, hi: TODAY.lo + 30 };
    const contributions = { ...series.grid, minutes: [] };
    series.commit(range, contributions);
    const row = { ...series.instrument, id: series.seriesId, binUnits: 10 };
    watch.committed({ series: row, pieces: [{ range, contributions }] });
    await until("the candles of today", () => without({ lo: TODAY.lo, hi: TODAY.lo + 100 }) === 0);
  });
});
