import { beforeEach, expect, test } from "bun:test";
import { foldMinutes, type MinuteContributions, type SkeletonCandle } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { batchOfTrades, instrumentNamed, SCALES } from "../support/trades.ts";

const DAY = 20_000;
const LO = DAY * 1_440 + 600;
const RANGE = { lo: LO, hi: LO + 10 };
const BIN = 10;

let series: SeriesStore;
beforeEach(() => {
  series = new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN });
});

/** A trade in each of the minutes, of the given size. */
function traded(minutes: readonly number[], size = 3): MinuteContributions {
  const trades = minutes.map((minute) => ({
    id: minute,
    timeMs: minute * 60_000,
    price: 100,
    size,
    buy: true,
  }));
  return minutes.length === 0
    ? { scales: SCALES, binUnits: BIN, minutes: [] }
    : foldMinutes(batchOfTrades(trades), BIN);
}

function candles(minutes: readonly number[], size = 3) {
  const list: SkeletonCandle[] = traded(minutes, size).minutes.map(
    ({ minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount }) => ({
      ...{ minute, open, high, low, close, volume, quoteVolume, buyVolume, rawCount },
    }),
  );
  return { scales: SCALES, candles: list, quoteDigits: Number.POSITIVE_INFINITY };
}

const checks = () => series.certainty.checks;
const look = (max = 500) => checks().look(max);

test("MinuteChecks, compares a covered minute once its candle is told, and once only", () => {
  series.commit(RANGE, traded([LO, LO + 1]));
  expect(look()).toMatchObject({ mismatching: [], more: false });
  expect(checks().within(RANGE).unchecked.size).toBe(10);
  series.putCandles(RANGE, candles([LO, LO + 1]));
  expect(look().matching.size).toBe(10);
  expect(look().matching.size).toBe(0);
  expect(checks().within(RANGE).unchecked.size).toBe(0);
});

test("MinuteChecks, finds what differs, whichever of the two came last, and sees it corrected", () => {
  series.putCandles(RANGE, candles([LO], 3));
  series.commit(RANGE, traded([LO], 4));
  const found = look().mismatching;
  expect(found.map(({ minute, field }) => [minute, field])).toEqual([[LO, "volume"]]);
  expect(Number(found[0]?.ours)).toBeGreaterThan(Number(found[0]?.theirs));
  expect(checks().mismatchAt(LO)).toEqual(found[0]!);
  series.commit({ lo: LO, hi: LO + 1 }, traded([LO], 3));
  expect(checks().mismatchAt(LO)).toBeUndefined();
  expect(look().matching.ranges).toEqual([{ lo: LO, hi: LO + 1 }]);
  expect(checks().within(RANGE).mismatching.size).toBe(0);
});

test("MinuteChecks, a minute with trades that the venue shows as empty differs, an empty one of both agrees", () => {
  series.commit(RANGE, traded([LO + 3]));
  series.putCandles(RANGE, candles([]));
  expect(look().mismatching.map(({ minute, theirs }) => [minute, Number(theirs)])).toEqual([[LO + 3, 0]]);
});

test("MinuteChecks, takes no more minutes than it is told, and goes on from there", () => {
  series.commit(RANGE, traded([LO]));
  series.putCandles(RANGE, candles([LO]));
  const sizes: number[] = [];
  for (let more = true; more; ) {
    const looked = look(4);
    sizes.push(looked.matching.size);
    more = looked.more;
  }
  expect(sizes).toEqual([4, 4, 2]);
});

test("MinuteChecks, an uncovered minute counts neither as differing nor as unchecked", () => {
  series.commit(RANGE, traded([LO]));
  series.putCandles(RANGE, candles([]));
  look();
  series.uncover({ lo: LO, hi: LO + 1 });
  const { mismatching, unchecked } = checks().within(RANGE);
  expect([mismatching.size, unchecked.size]).toEqual([0, 0]);
});

test("MinuteChecks, a day that is not in memory is not taken for a day without trades", () => {
  series.resetCommitted([RANGE]);
  series.putCandles(RANGE, candles([LO]));
  expect(look()).toMatchObject({ mismatching: [], more: false });
  series.beginLoad(DAY);
  series.endLoad(DAY, traded([LO]));
  expect(look().matching.size).toBe(10);
});

test("MinuteChecks, again() compares everything anew", () => {
  series.commit(RANGE, traded([LO]));
  series.putCandles(RANGE, candles([LO]));
  look();
  checks().again();
  expect(look().matching.size).toBe(10);
});
