import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { foldMinutes, type MinuteContribution, TradeBatchBuilder, vwap } from "../../../src/core/mod.ts";
import { testWithData } from "../../support/shared-data.ts";

/**
 * Bars that tardis-node computed of 757 BitMEX trades, per second of exchange time and per 100 trades. Its rule is ours: open
 * and close by the order of the trades, buy volume by the aggressor, vwap = Σ price·amount / Σ amount (theirs in doubles).
 * A bar of theirs is one of our minutes here: a second, or a hundred trades, is put in place of a minute.
 */
const TRADES = "derived/bitmex_XBTUSD_20190401.trades.jsonl";
const BARS = "derived/bitmex_XBTUSD_20190401.trade_bars.jsonl";

interface Trade {
  readonly price: number;
  readonly amount: number;
  readonly side: string;
  readonly timestamp: string;
}
interface Bar {
  readonly kind: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly buyVolume: number;
  readonly sellVolume: number;
  readonly trades: number;
  readonly vwap: number;
  readonly openTimestamp: string;
  readonly closeTimestamp: string;
}

function linesOf<Line>(path: string): Line[] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}

/** Bars of the trades; `barOf` gives the number of the bar that a trade falls into. */
function barsOf(trades: readonly Trade[], barOf: (trade: Trade, at: number) => number): MinuteContribution[] {
  const builder = new TradeBatchBuilder("raw", { priceScale: 1, sizeScale: 0 });
  for (const [at, trade] of trades.entries())
    builder.push({
      ...{ id: at, firstId: at, lastId: at },
      timeUs: barOf(trade, at) * 60_000_000,
      price: String(trade.price),
      size: String(trade.amount),
      buy: trade.side === "buy",
    });
  return [...foldMinutes(builder.build(), 5).minutes];
}

function expectBars(
  ours: readonly MinuteContribution[],
  theirs: readonly Bar[],
  trades: readonly Trade[],
): void {
  expect(
    ours.map((bar) => ({
      open: bar.open / 10,
      high: bar.high / 10,
      low: bar.low / 10,
      close: bar.close / 10,
      volume: bar.volume,
      buyVolume: bar.buyVolume,
      sellVolume: bar.volume - bar.buyVolume,
      trades: bar.count,
      openTimestamp: trades[bar.firstId]!.timestamp,
      closeTimestamp: trades[bar.lastId]!.timestamp,
    })),
  ).toEqual(
    theirs.map(
      ({ open, high, low, close, volume, buyVolume, sellVolume, trades, openTimestamp, closeTimestamp }) => ({
        ...{ open, high, low, close, volume, buyVolume, sellVolume, trades },
        ...{ openTimestamp, closeTimestamp },
      }),
    ),
  );
  for (const [i, bar] of ours.entries()) {
    // At ten digits, so that the rounded answer is finer than their doubles.
    const exact = vwap(bar.quoteVolume * 10n ** 9n, bar.volume, { priceScale: 10, sizeScale: 0 })!;
    expect(Math.abs(Number(exact.units) / 1e12 - theirs[i]!.vwap)).toBeLessThan(1e-8);
  }
}

testWithData(
  [TRADES, BARS],
  "foldMinutes(), equals tardis-node's 33 bars of a second",
  ([path = "", barPath = ""]) => {
    const trades = linesOf<Trade>(path);
    const theirs = linesOf<Bar>(barPath).filter(({ kind }) => kind === "time");
    const ours = barsOf(trades, ({ timestamp }) => Math.floor(Date.parse(timestamp) / 1_000));
    expect([trades.length, theirs.length, ours.length]).toEqual([757, 33, 34]);
    // The last second was still running when their recording ended.
    expectBars(ours.slice(0, -1), theirs, trades);
  },
);

testWithData(
  [TRADES, BARS],
  "foldMinutes(), equals tardis-node's 7 bars of 100 trades",
  ([path = "", barPath = ""]) => {
    const trades = linesOf<Trade>(path);
    const theirs = linesOf<Bar>(barPath).filter(({ kind }) => kind === "tick");
    const ours = barsOf(trades, (_, at) => Math.floor(at / 100));
    expect([theirs.length, ours.length]).toEqual([7, 8]);
    expectBars(ours.slice(0, -1), theirs, trades);
  },
);
