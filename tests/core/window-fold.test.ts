import { expect, test } from "bun:test";
import fc from "fast-check";
import { contributionRows, foldMinutes, foldSums, foldWindow } from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf } from "./trades.ts";

test("foldWindow(), equals sums over the trades themselves", () => {
  fc.assert(
    fc.property(arbitraryTrades(), fc.integer({ min: 1, max: 9 }), (trades, bin) => {
      const { profile, ...sums } = foldWindow(foldMinutes(batchOf(trades), bin).minutes);
      // Within a minute the ids order the trades, between minutes the time does.
      const ordered = trades.toSorted(
        (a, b) => Math.floor(a.timeUs / 60e6) - Math.floor(b.timeUs / 60e6) || a.id - b.id,
      );
      const prices = trades.map((t) => t.price);
      const sum = (of: (t: (typeof trades)[number]) => number) =>
        trades.reduce((total, t) => total + of(t), 0);
      expect(sums).toEqual({
        volume: sum((t) => t.size),
        buyVolume: sum((t) => (t.buy ? t.size : 0)),
        quoteVolume: trades.reduce((total, t) => total + BigInt(t.price) * BigInt(t.size), 0n),
        count: trades.length,
        open: ordered[0]?.price ?? null,
        high: prices.length === 0 ? null : Math.max(...prices),
        low: prices.length === 0 ? null : Math.min(...prices),
        last: ordered.at(-1)?.price ?? null,
      });
      expect(profile.total).toBe(sums.volume);
    }),
  );
});

test("foldWindow(), of several windows adds up to the fold of the whole", () => {
  fc.assert(
    fc.property(arbitraryTrades(), fc.nat({ max: 5 }), (trades, cut) => {
      const { minutes } = foldMinutes(batchOf(trades), 3);
      const whole = foldWindow(minutes);
      const parts = [minutes.slice(0, cut), minutes.slice(cut)].map(foldWindow);
      const [first, second] = [parts[0]!, parts[1]!];
      first.profile.add(second.profile.rows());
      expect(first.profile.rows()).toEqual(whole.profile.rows());
      expect([
        first.volume + second.volume,
        first.quoteVolume + second.quoteVolume,
        first.open ?? second.open,
        second.last ?? first.last,
      ]).toEqual([whole.volume, whole.quoteVolume, whole.open, whole.last]);
    }),
  );
});

test("foldSums(), of nothing has no prices", () => {
  expect(foldSums([])).toEqual({
    volume: 0,
    buyVolume: 0,
    quoteVolume: 0n,
    count: 0,
    open: null,
    high: null,
    low: null,
    last: null,
  });
});

test("contributionRows(), shares the contribution's memory", () => {
  const trade = { id: 1, timeUs: 0, price: 5, size: 2, raw: 1, buy: true };
  const minute = foldMinutes(batchOf([trade]), 1).minutes[0]!;
  expect(contributionRows(minute).volumes).toBe(minute.binVolumes);
});
