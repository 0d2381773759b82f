import { afterEach, expect, test } from "bun:test";
import {
  type CalendarRules,
  type Decimal,
  foldMinutes,
  formatDecimal,
  formatMinute,
  minuteOfMs,
  parseSessionHours,
} from "../../src/core/mod.ts";
import { settle } from "../support/fake-clock.ts";
import { batchOfTrades, type MadeTrade } from "../support/trades.ts";
import { until } from "../support/until.ts";
import { BIN_UNITS, SessionBench } from "./session-bench.ts";

const benches: SessionBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

async function followed(now: string, rules?: CalendarRules): Promise<SessionBench> {
  const bench = await SessionBench.open(now, rules);
  benches.push(bench);
  await bench.follow();
  return bench;
}

let ids = 0;
const trade = (time: string, price: number, size = 10): MadeTrade => ({
  ...{ id: ++ids, timeMs: Date.parse(time), price, size, buy: true },
});

/** Trades come in live; minutes up to `sealed` are proven whole. */
function live(bench: SessionBench, trades: readonly MadeTrade[], sealed?: { lo: string; hi: string }): void {
  bench.series.putLive(
    foldMinutes(batchOfTrades(trades), BIN_UNITS),
    sealed && { lo: minuteOfMs(Date.parse(sealed.lo)), hi: minuteOfMs(Date.parse(sealed.hi)) },
  );
}

const shown = (value: Decimal | null) => (value === null ? null : formatDecimal(value));
function summary(bench: SessionBench) {
  const { session, levels, tradeCount } = bench.levelsNow();
  return [session, tradeCount, shown(levels.HIGH), shown(levels.PDH), shown(levels.VWAPprev)];
}

test("SessionRoll, at midnight today becomes the previous day and nothing is counted twice", async () => {
  const bench = await followed("2026-01-02T23:58:30Z");
  live(bench, [trade("2026-01-02T23:58:01Z", 100), trade("2026-01-02T23:58:20Z", 300)]);
  expect(summary(bench)).toEqual(["2026-01-02", 2, "3", null, null]);
  await bench.clock.run(89_999);
  live(bench, [trade("2026-01-02T23:59:59.999Z", 200)]);
  expect(summary(bench)).toEqual(["2026-01-02", 3, "3", null, null]);
  const before = bench.levelsNow().levels.VWAP;
  const { changes } = bench;
  await bench.clock.run(1);
  expect(bench.changes).toBe(changes + 1);
  expect(summary(bench)).toEqual(["2026-01-03", 0, null, "3", shown(before)]);
  live(bench, [trade("2026-01-03T00:00:00Z", 700)]);
  expect(summary(bench)).toEqual(["2026-01-03", 1, "7", "3", shown(before)]);
  expect(bench.log.map(({ message }) => message)).toContain(
    "session 2026-01-03 began; 2026-01-02 is the previous one",
  );
});

test("SessionRoll, a late trade goes to the day of its own timestamp", async () => {
  const bench = await followed("2026-01-02T23:59:50Z");
  const [first, second] = [trade("2026-01-02T23:59:10Z", 100), trade("2026-01-02T23:59:49Z", 150)];
  live(bench, [first, second]);
  await bench.clock.run(11_000);
  live(bench, [trade("2026-01-03T00:00:00.500Z", 120)]);
  const late = trade("2026-01-02T23:59:59.900Z", 900, 30);
  // The open minute is folded anew with the late trade in it.
  live(bench, [first, second, late]);
  expect(summary(bench).slice(0, 4)).toEqual(["2026-01-03", 1, "1.2", "9"]);
  expect(bench.series.window(bench.session.previous).fold.volume).toBe(50);
  expect(bench.series.window(bench.session.range).fold.volume).toBe(10);
  live(bench, [first, second, late], { lo: "2026-01-02T23:59:00Z", hi: "2026-01-03T00:00:00Z" });
  expect(bench.series.window(bench.session.previous).fold.volume).toBe(50);
});

test("SessionRoll, a session that crosses midnight does not roll at midnight, and trades between two belong to none", async () => {
  const globex = { hours: parseSessionHours("18:00-17:00 America/Chicago sun-thu") };
  // Monday's session: Sunday 18:00 to Monday 17:00 in Chicago, 00:00 to 23:00 UTC.
  const bench = await followed("2026-01-05T22:59:00Z", globex);
  live(bench, [trade("2026-01-05T10:00:00Z", 500), trade("2026-01-05T22:59:59Z", 400)]);
  await bench.clock.run(61_000);
  live(bench, [trade("2026-01-05T23:30:00Z", 9_000)]);
  expect(summary(bench).slice(0, 3)).toEqual(["2026-01-05", 2, "5"]);
  expect(bench.log.map(({ message }) => message)).toEqual(["session 2026-01-05 ended"]);
  await bench.clock.run(3_600_000);
  live(bench, [trade("2026-01-06T00:00:00Z", 600)]);
  expect(summary(bench).slice(0, 4)).toEqual(["2026-01-06", 1, "6", "5"]);
  expect(formatMinute(bench.session.range.lo)).toBe("2026-01-06T00:00:00.000Z");
});

test("SessionRoll, over a weekend the previous session stays in memory, and the days between do not", async () => {
  const equities = { hours: parseSessionHours("09:30-16:00 America/New_York mon-fri") };
  const bench = await followed("2026-01-02T20:59:30Z", equities);
  live(bench, [trade("2026-01-02T20:59:29Z", 300)]);
  const days: unknown[] = [];
  for (let hour = 0; hour < 66; hour++) {
    await bench.clock.run(3_600_000);
    const now = bench.clock.nowMs();
    live(bench, [trade(new Date(now).toISOString(), 100 + hour)]);
    days.push(bench.session.name);
  }
  expect(new Set(days.slice(0, 65))).toEqual(new Set(["2026-01-02"]));
  expect(summary(bench).slice(0, 4)).toEqual(["2026-01-05", 1, "1.65", "3"]);
});

test("SessionRoll, a followed series that cannot be read is let go, and is tried again at a roll", async () => {
  const bench = await SessionBench.open("2026-01-02T23:59:00Z");
  benches.push(bench);
  const { lo } = bench.session.range;
  bench.commit({ lo, hi: lo + 5 }, []);
  await bench.restart();
  bench.failReads = 1;
  expect(await bench.follow().catch((error: unknown) => `${error}`)).toContain("the tape is gone");
  await bench.follow();
  expect(bench.series.absentDays(bench.session.range)).toEqual([]);
  expect(bench.log.filter(({ message }) => message.includes("could not be loaded"))).toEqual([]);
});

test("ProfileKeeper, the finished day is saved at the roll, and again when a correction changes it", async () => {
  const bench = await followed("2026-01-02T23:59:30Z");
  const { range } = bench.session;
  bench.commit({ lo: range.lo, hi: range.hi - 1 }, [trade("2026-01-02T12:00:00Z", 300)]);
  await bench.clock.run(120_000);
  expect((await bench.profiles.stats()).files).toBe(0);
  // Its last minute comes, by a job that ends.
  bench.commit({ lo: range.hi - 1, hi: range.hi }, [trade("2026-01-02T23:59:10Z", 400)]);
  bench.sessions.jobEnded();
  await until("the profile to be saved", async () => (await bench.profiles.stats()).files === 1);
  await settle();
  const saves = () =>
    bench.log.filter(({ message }) => message === "profile of session 2026-01-02 saved").length;
  await until("it to be told", () => saves() === 1);
  await bench.clock.run(300_000);
  await settle();
  expect(saves()).toBe(1);
  bench.commit({ lo: range.lo, hi: range.lo + 1 }, [trade("2026-01-02T00:00:10Z", 500)]);
  await until("the correction to be saved", async () => {
    await bench.clock.run(60_000);
    return saves() === 2;
  });
  await bench.restart();
  expect(shown((await bench.levels()).levels.PDH)).toBe("5");
  expect(bench.steps.at(-1)).toEqual(["profile cache", 1_440]);
});

test("ProfileKeeper, trades that change while they are folded are not saved under the name of others", async () => {
  const bench = await followed("2026-01-03T00:00:30Z");
  const { previous } = bench.session;
  bench.commit(previous, [trade("2026-01-02T12:00:00Z", 300)]);
  let listings = 0;
  bench.onListing = () => {
    // Between the first listing and the second.
    if (++listings === 1)
      bench.commit({ lo: previous.lo, hi: previous.lo + 1 }, [trade("2026-01-02T00:00:10Z", 700)]);
  };
  bench.sessions.jobEnded();
  await until("both listings", () => listings >= 2);
  await settle();
  expect((await bench.profiles.stats()).files).toBe(0);
  await until("the new trades to be saved", async () => {
    await bench.clock.run(60_000);
    return (await bench.profiles.stats()).files === 1;
  });
  await bench.restart();
  expect(shown((await bench.levels()).levels.PDH)).toBe("7");
  expect(bench.steps.at(-1)?.[0]).toBe("profile cache");
});
