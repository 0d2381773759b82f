import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  contributionRows,
  foldMinutes,
  foldSums,
  foldWindow,
  mergeFolds,
  minuteOfUs,
  type WindowFold,
} from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf, type PlainTrade } from "./trades.ts";

test("foldWindow(), equals sums over the trades themselves", () => {
  fc.assert(
    fc.property(arbitraryTrades(), fc.integer({ min: 1, max: 9 }), (trades, bin) => {
      const { profile, ...sums } = foldWindow(foldMinutes(batchOf(trades), bin).minutes);
      // Within a minute the ids order the trades, between minutes the time does.
      const ordered = trades.toSorted(
        (a, b) => Math.floor(a.timeUs / 60e6) - Math.floor(b.timeUs / 60e6) || a.id - b.id,
      );
      const minuteOf = (t: PlainTrade | undefined) => (t === undefined ? null : minuteOfUs(t.timeUs));
      const prices = trades.map((t) => t.price);
      const sum = (of: (t: (typeof trades)[number]) => number) =>
        trades.reduce((total, t) => total + of(t), 0);
      expect(sums).toEqual({
        volume: sum((t) => t.size),
        buyVolume: sum((t) => (t.buy ? t.size : 0)),
        quoteVolume: trades.reduce((total, t) => total + BigInt(t.price) * BigInt(t.size), 0n),
        squareVolume: trades.reduce((total, t) => total + BigInt(t.price) ** 2n * BigInt(t.size), 0n),
        count: trades.length,
        open: ordered[0]?.price ?? null,
        high: prices.length === 0 ? null : Math.max(...prices),
        low: prices.length === 0 ? null : Math.min(...prices),
        last: ordered.at(-1)?.price ?? null,
        firstMinute: minuteOf(ordered[0]),
        lastMinute: minuteOf(ordered.at(-1)),
      });
      expect(profile.total).toBe(sums.volume);
    }),
  );
});

/** One fold per set of minutes, as they fall into groups. */
function foldGroups(trades: readonly PlainTrade[], groups: number): WindowFold[] {
  const { minutes } = foldMinutes(batchOf(trades), 3);
  return Array.from({ length: groups }, (_, group) =>
    foldWindow(minutes.filter(({ minute }) => minute % groups === group)),
  );
}

/** A fold as plain values. */
function shown({ profile, ...sums }: WindowFold) {
  return { ...sums, rows: profile.rows(), total: profile.total };
}

test("mergeFolds(), equals the fold of all minutes, in any order and grouping", () => {
  const cases = fc.tuple(arbitraryTrades(), fc.shuffledSubarray([0, 1, 2], { minLength: 3 }));
  fc.assert(
    fc.property(cases, ([trades, order]) => {
      const folds = foldGroups(trades, 3);
      const whole = shown(foldWindow(foldMinutes(batchOf(trades), 3).minutes));
      const [a, b, c] = order.map((at) => folds[at]!);
      expect(shown(mergeFolds([a!, b!, c!]))).toEqual(whole);
      expect(shown(mergeFolds([mergeFolds([a!, b!]), c!]))).toEqual(whole);
      expect(shown(mergeFolds([a!, mergeFolds([c!, b!])]))).toEqual(whole);
      expect(shown(mergeFolds([mergeFolds([]), ...folds]))).toEqual(whole);
    }),
  );
});

test("mergeFolds(), leaves what it merges as it was", () => {
  const trades = [1, 2].map((id) => ({ id, timeUs: id * 60e6, price: 5, size: 2, raw: 1, buy: true }));
  const folds = foldGroups(trades, 2);
  const before = folds.map(shown);
  expect(mergeFolds(folds).profile.total).toBe(4);
  expect(folds.map(shown)).toEqual(before);
});

test("foldSums(), of nothing has no prices", () => {
  expect(foldSums([])).toEqual({
    volume: 0,
    buyVolume: 0,
    quoteVolume: 0n,
    squareVolume: 0n,
    count: 0,
    open: null,
    high: null,
    low: null,
    last: null,
    firstMinute: null,
    lastMinute: null,
  });
});

test("contributionRows(), shares the contribution's memory", () => {
  const trade = { id: 1, timeUs: 0, price: 5, size: 2, raw: 1, buy: true };
  const minute = foldMinutes(batchOf([trade]), 1).minutes[0]!;
  expect(contributionRows(minute).volumes).toBe(minute.binVolumes);
});
