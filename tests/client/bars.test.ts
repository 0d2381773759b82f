import { describe, expect, test } from "bun:test";
import { BarsMerge } from "../../src/client/bars-merge.ts";
import type { WireBar } from "../../src/protocol/mod.ts";

function bar(minute: number, close: number, closed = true): WireBar {
  return {
    time: `2026-01-02T00:${String(minute).padStart(2, "0")}:00.000Z`,
    open: 100,
    high: 110,
    low: 90,
    close,
    volume: 5,
    quote_volume: 500,
    buy_volume: 2,
    vwap: 100,
    trade_count: 3,
    covered: 1,
    candle_minutes: 0,
    missing_minutes: 0,
    quality: 100,
    closed,
  };
}

/** As the channel has them. */
function byTime(bars: readonly WireBar[]): Record<string, WireBar> {
  return Object.fromEntries(bars.map((of) => [of.time, of]));
}

const WHOLE = {
  symbol: "binance:BTCUSDT",
  interval: "5m",
  bars: byTime([bar(5, 101), bar(0, 100), bar(10, 102, false)]),
  loading: true,
  revision: 4,
};

describe("bars", () => {
  test("come ascending, and frozen", () => {
    const state = new BarsMerge().whole(WHOLE);
    expect(state).toEqual({
      symbol: "binance:BTCUSDT",
      interval: "5m",
      bars: [bar(0, 100), bar(5, 101), bar(10, 102, false)],
      loading: true,
      revision: 4,
    });
    expect([state, state.bars, state.bars[0]].every(Object.isFrozen)).toBe(true);
  });

  test("a frame changes some, adds some and takes away what has left; the others stay the same objects", () => {
    const merge = new BarsMerge();
    const before = merge.whole(WHOLE);
    const after = merge.changed({
      bars: { [bar(0, 100).time]: null, ...byTime([bar(10, 103), bar(15, 104, false)]) },
      loading: false,
      revision: 5,
      previous_revision: 4,
    });
    expect(after).toEqual({
      ...before,
      bars: [bar(5, 101), bar(10, 103), bar(15, 104, false)],
      loading: false,
      revision: 5,
    });
    expect(after?.bars[0]).toBe(before.bars[1]!);
    // What was handed out before stands.
    expect(before.bars).toHaveLength(3);
  });

  test("a frame that builds on another revision is not merged; one without a revision before it is whole", () => {
    const merge = new BarsMerge();
    expect(merge.changed({ revision: 5, previous_revision: 4 })).toBeUndefined();
    merge.whole(WHOLE);
    expect(merge.changed({ revision: 9, previous_revision: 8 })).toBeUndefined();
    const anew = { ...WHOLE, bars: byTime([bar(20, 1)]), revision: 1, previous_revision: null };
    expect(merge.changed(anew)?.bars).toEqual([bar(20, 1)]);
  });

  test("a bar of another form is refused", () => {
    const merge = new BarsMerge();
    merge.whole(WHOLE);
    const strange = { ...bar(5, 1), close: true };
    expect(() => merge.changed({ bars: { x: strange }, revision: 5, previous_revision: 4 })).toThrow();
  });
});
