import { expect, test } from "bun:test";
import { readSessionFacts } from "../../src/app/session-facts.ts";
import { type MinuteRange, MS_PER_DAY, msOfMinute, SessionCalendar, utcSession } from "../../src/core/mod.ts";
import type { JobStatus } from "../../src/protocol/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { BIN_UNITS, contributionsOf } from "../store/minute-model.ts";
import { instrumentNamed, SCALES } from "../support/trades.ts";

const DAY = 20_000;
const SESSION = utcSession(DAY);
/** Ten minutes into the day. */
const END = SESSION.range.lo + 10;
const YESTERDAY = SESSION.previous;
const TODAY: MinuteRange = { lo: SESSION.range.lo, hi: END };

class Bench {
  readonly series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });

  commit(range: MinuteRange, traded = true): void {
    const minutes = traded ? Array.from({ length: range.hi - range.lo }, (_, i) => range.lo + i) : [];
    const trade = (minute: number) => ({
      id: minute,
      timeMs: msOfMinute(minute),
      price: 100,
      size: 1,
      buy: true,
    });
    this.series.commit(
      range,
      contributionsOf(
        minutes.map((minute) => ({ scales: SCALES, trades: [trade(minute)] })),
        { scales: SCALES, binUnits: BIN_UNITS },
      ),
    );
  }

  facts(backfill: JobStatus = "in_progress") {
    const engine = {
      store: { bySymbol: () => this.series },
      levels: { currentSession: () => SESSION, expectedEnd: () => END },
    };
    const { tradingEnabled, precision } = readSessionFacts({
      engine,
      calendar: new SessionCalendar(),
      symbol: "binance:BTCUSDT",
      backfill,
      nowMs: msOfMinute(END),
    });
    return [tradingEnabled, precision];
  }
}

test("readSessionFacts(), each stage from nothing to everything", () => {
  const bench = new Bench();
  expect(bench.facts("idle")).toEqual([false, "IMPRECISE (backfill pending)"]);
  bench.commit(TODAY);
  // Today alone is 10 of 1,450 minutes: without yesterday there is nothing to trade on.
  expect(bench.facts()).toEqual([false, "IMPRECISE (backfill 0.6%)"]);
  bench.commit({ lo: YESTERDAY.lo + 1, hi: YESTERDAY.hi });
  expect(bench.facts()).toEqual([false, "IMPRECISE (backfill 99.9%)"]);
  bench.commit({ lo: YESTERDAY.lo, hi: YESTERDAY.lo + 1 });
  expect(bench.facts("complete")).toEqual([true, "PRECISE"]);
});

test("readSessionFacts(), yesterday alone is not enough; one minute of today is, however the backfill ended", () => {
  const bench = new Bench();
  bench.commit(YESTERDAY);
  expect(bench.facts()).toEqual([false, "IMPRECISE (backfill 99.3%)"]);
  bench.commit({ lo: TODAY.lo, hi: TODAY.lo + 1 });
  for (const status of ["error", "cancelled", "disabled"] as const)
    expect(bench.facts(status)).toEqual([true, "IMPRECISE (backfill 99.3%)"]);
});

test("readSessionFacts(), a live trade that no minute covers yet is data of the session", () => {
  const bench = new Bench();
  bench.commit(YESTERDAY);
  const trade = { id: 1, timeMs: msOfMinute(END), price: 100, size: 1, buy: true };
  bench.series.putLive(
    contributionsOf([{ scales: SCALES, trades: [trade] }], { scales: SCALES, binUnits: BIN_UNITS }),
    undefined,
  );
  expect(bench.facts()[0]).toBe(true);
});

test("readSessionFacts(), a whole day without a trade has no levels", () => {
  const bench = new Bench();
  bench.commit(YESTERDAY, false);
  bench.commit(TODAY);
  expect(bench.facts("complete")).toEqual([false, "PRECISE"]);
});

test("readSessionFacts(), a day that is on the tape and not in memory cannot be told yet", () => {
  const bench = new Bench();
  bench.series.resetCommitted([{ lo: YESTERDAY.lo, hi: END }]);
  expect(bench.facts()).toEqual([false, "PRECISE"]);
});

test("readSessionFacts(), nothing is called pending that is not", () => {
  const told = (["idle", "pending", "in_progress", "paused", "complete"] as const).map(
    (s) => new Bench().facts(s)[1],
  );
  expect(new Set(told)).toEqual(new Set(["IMPRECISE (backfill pending)"]));
  expect((["error", "cancelled", "disabled"] as const).map((s) => new Bench().facts(s)[1])).toEqual([
    "IMPRECISE (backfill error)",
    "IMPRECISE (backfill cancelled)",
    "IMPRECISE (backfill disabled)",
  ]);
});

test("readSessionFacts(), before anything is open the day is known all the same", () => {
  const calendar = new SessionCalendar();
  const asked = { engine: undefined, calendar, symbol: "binance:BTCUSDT", nowMs: DAY * MS_PER_DAY };
  expect(readSessionFacts({ ...asked, backfill: "idle" })).toEqual({
    symbol: "binance:BTCUSDT",
    session: SESSION.name,
    sessionOpen: true,
    sessionRange: SESSION.range,
    tradingEnabled: false,
    precision: "IMPRECISE (backfill pending)",
  });
});
