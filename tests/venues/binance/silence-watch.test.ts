import { describe, expect, test } from "bun:test";
import { SilenceWatch } from "../../../src/venues/binance/silence-watch.ts";
import { ManualClock } from "../support/manual-clock.ts";

function watchOf(symbols: string[], newestId: (symbol: string) => Promise<number>) {
  const clock = new ManualClock(0);
  const silent: string[] = [];
  const asked: string[] = [];
  const watch = new SilenceWatch({
    symbols,
    timers: clock,
    silenceMsMax: 30_000,
    graceMs: 2_000,
    newestId: (symbol) => {
      asked.push(symbol);
      return newestId(symbol);
    },
    onSilent: (symbol) => silent.push(symbol),
  });
  return { clock, silent, asked, watch };
}

describe("SilenceWatch", () => {
  test("a stream that brings trades is never asked about", async () => {
    const { asked, clock, watch } = watchOf(["A"], async () => 99);
    watch.saw("A", 1);
    for (let i = 2; i < 40; i++) {
      await clock.advance(9_000);
      watch.saw("A", i);
    }
    expect(asked).toEqual([]);
    watch.stop();
  });

  test("a quiet market is no fault, with trades before or without", async () => {
    const { asked, clock, silent, watch } = watchOf(["A", "B", "C"], async (s) => (s === "C" ? -1 : 7));
    watch.saw("A", 7);
    await clock.advance(600_000);
    expect(silent).toEqual([]);
    expect(new Set(asked)).toEqual(new Set(["A", "B", "C"]));
    watch.stop();
  });

  test("newer trades at the venue make it a fault, after the grace", async () => {
    const { clock, silent, watch } = watchOf(["A"], async () => 8);
    watch.saw("A", 7);
    await clock.advance(31_000);
    expect(silent).toEqual([]);
    await clock.advance(2_000);
    expect(silent).toEqual(["A"]);
    watch.stop();
  });

  test("a stream that never brought anything is measured against the first answer, in the time of one silence", async () => {
    let newest = 7;
    const { clock, silent, watch } = watchOf(["A"], async () => newest);
    await clock.advance(11_000);
    newest = 9;
    await clock.advance(22_000);
    expect(silent).toEqual(["A"]);
    watch.stop();
  });

  test("a trade that was under way is no fault", async () => {
    const { clock, silent, watch } = watchOf(["A"], async () => 8);
    watch.saw("A", 7);
    await clock.advance(31_000);
    watch.saw("A", 8);
    await clock.advance(20_000);
    expect(silent).toEqual([]);
    watch.stop();
  });

  test("a check that fails proves nothing and is made again", async () => {
    let fails = true;
    const { asked, clock, silent, watch } = watchOf(["A"], async () => {
      if (fails) throw new Error("no answer");
      return 8;
    });
    watch.saw("A", 7);
    await clock.advance(60_000);
    expect([silent.length, asked.length > 0]).toEqual([0, true]);
    fails = false;
    await clock.advance(30_000);
    expect(silent.length).toBeGreaterThan(0);
    watch.stop();
  });

  test("asks about a few streams at a time, all of them in turn", async () => {
    const symbols = Array.from({ length: 17 }, (_, i) => `S${i}`);
    const { asked, clock, watch } = watchOf(symbols, async () => 1);
    await clock.advance(10_000);
    expect(asked.length).toBe(5);
    await clock.advance(30_000);
    expect(new Set(asked).size).toBe(17);
    watch.stop();
  });

  test("stop() leaves no timer, nor tells anything", async () => {
    const { clock, silent, watch } = watchOf(["A"], async () => 8);
    watch.saw("A", 7);
    await clock.advance(31_000);
    watch.stop();
    expect(clock.pending).toBe(0);
    await clock.advance(60_000);
    expect(silent).toEqual([]);
  });
});
