import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  foldMinutes,
  InvariantError,
  type MinuteContribution,
  minuteOfUs,
  pickRows,
  rescaleBatch,
  rescaleContributions,
  sortedUnique,
  TradeBatchBuilder,
} from "../../src/core/mod.ts";
import { arbitraryTrades, batchOf, type PlainTrade, SCALE_0 } from "./trades.ts";

/** A contribution computed the slow way, in bigint, with typed arrays as lists. */
function naiveFold(trades: readonly PlainTrade[], binUnits: number) {
  const byMinute = Map.groupBy(trades, (t) => Math.floor(t.timeUs / 60_000_000));
  return [...byMinute]
    .sort(([a], [b]) => a - b)
    .map(([minute, rows]) => {
      const sum = (of: (t: PlainTrade) => number) => rows.reduce((total, t) => total + BigInt(of(t)), 0n);
      const prices = rows.map((t) => t.price);
      const times = rows.map((t) => t.timeUs);
      const binOf = (t: PlainTrade) => Number(BigInt(t.price) / BigInt(binUnits));
      const bins = [...Map.groupBy(rows, binOf)].sort(([a], [b]) => a - b);
      const volumeOf = (part: readonly PlainTrade[]) => part.reduce((total, t) => total + t.size, 0);
      return {
        minute,
        open: prices[0],
        high: prices.reduce((a, b) => Math.max(a, b)),
        low: prices.reduce((a, b) => Math.min(a, b)),
        close: prices.at(-1),
        volume: Number(sum((t) => t.size)),
        buyVolume: Number(sum((t) => (t.buy ? t.size : 0))),
        quoteVolume: rows.reduce((total, t) => total + BigInt(t.price) * BigInt(t.size), 0n),
        squareVolume: rows.reduce((total, t) => total + BigInt(t.price) ** 2n * BigInt(t.size), 0n),
        count: rows.length,
        rawCount: Number(sum((t) => t.raw)),
        firstId: rows[0]?.id,
        lastId: rows.at(-1)?.id,
        firstTimeUs: times.reduce((a, b) => Math.min(a, b)),
        lastTimeUs: times.reduce((a, b) => Math.max(a, b)),
        bins: bins.map(([bin]) => bin),
        binVolumes: bins.map(([, part]) => volumeOf(part)),
        binBuyVolumes: bins.map(([, part]) => volumeOf(part.filter((t) => t.buy))),
      };
    });
}

function plain({ bins, binVolumes, binBuyVolumes, ...rest }: MinuteContribution) {
  return { ...rest, bins: [...bins], binVolumes: [...binVolumes], binBuyVolumes: [...binBuyVolumes] };
}

const binUnits = fc.integer({ min: 1, max: 50 });

test("foldMinutes(), equals a fold in bigint", () => {
  fc.assert(
    fc.property(arbitraryTrades(), binUnits, (trades, bin) => {
      const folded = foldMinutes(batchOf(trades), bin);
      expect(folded.minutes.map(plain) as unknown[]).toEqual(naiveFold(trades, bin));
      expect([folded.scales, folded.binUnits]).toEqual([SCALE_0, bin]);
    }),
  );
});

test("foldMinutes(), is exact where products and their sums exceed 2^53", () => {
  const huge = arbitraryTrades({ priceMax: Number.MAX_SAFE_INTEGER, sizeMax: 2 ** 46, maxLength: 30 });
  fc.assert(
    fc.property(huge, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (trades, bin) => {
      expect(foldMinutes(batchOf(trades), bin).minutes.map(plain) as unknown[]).toEqual(
        naiveFold(trades, bin),
      );
    }),
  );
  // Products that fit a double each, and whose odd sum does not.
  const root = 94_906_265;
  const at = { timeUs: 0, raw: 1, buy: true, price: root };
  const trades = [root, root - 1, root].map((size, i) => ({ ...at, id: i + 1, size }));
  expect(foldMinutes(batchOf(trades), 1).minutes[0]?.quoteVolume).toBe(BigInt(root) * BigInt(3 * root - 1));
  // Far from the first price on both sides, so that the deviations and their products leave the doubles.
  const far = [2 ** 40, 1, 2 ** 41].map((price, i) => ({ ...at, price, id: i + 1, size: 2 ** 13 + i }));
  const { quoteVolume, squareVolume } = foldMinutes(batchOf(far), 1).minutes[0]!;
  const sum = (power: bigint) => far.reduce((s, t) => s + BigInt(t.price) ** power * BigInt(t.size), 0n);
  expect([quoteVolume, squareVolume]).toEqual([sum(1n), sum(2n)]);
});

test("foldMinutes(), does not depend on the order in which trades arrived", () => {
  const shuffled = arbitraryTrades().chain((trades) =>
    fc.tuple(
      fc.constant(trades),
      fc.shuffledSubarray([...trades.keys()], { minLength: trades.length, maxLength: trades.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, binUnits, ([trades, order], bin) => {
      const batch = batchOf(trades);
      const arrived = pickRows(batch, [...order, ...order]);
      expect(foldMinutes(sortedUnique(arrived).batch, bin)).toEqual(foldMinutes(batch, bin));
    }),
  );
});

test("foldMinutes(), does not depend on how the minutes are split over batches", () => {
  fc.assert(
    fc.property(arbitraryTrades(), binUnits, fc.integer({ min: 0, max: 5 }), (trades, bin, cut) => {
      const batch = batchOf(trades);
      const rows = [...trades.keys()];
      const before = rows.filter((row) => minuteOfUs(trades[row]!.timeUs) < cut);
      const after = rows.filter((row) => minuteOfUs(trades[row]!.timeUs) >= cut);
      const parts = [before, after].flatMap((part) => foldMinutes(pickRows(batch, part), bin).minutes);
      expect(parts).toEqual([...foldMinutes(batch, bin).minutes]);
    }),
  );
});

test("foldMinutes(), puts a trade into the minute of its own timestamp", () => {
  const at = { price: 1, size: 1, raw: 1, buy: true };
  const times = [59_999_999, 60_000_000, 59_999_999, 119_999_999];
  const { minutes } = foldMinutes(batchOf(times.map((timeUs, i) => ({ ...at, id: i + 1, timeUs }))), 1);
  expect(minutes.map((m) => [m.minute, m.count, m.firstId, m.lastId])).toEqual([
    [0, 2, 1, 3],
    [1, 2, 2, 4],
  ]);
});

test("foldMinutes(), refuses a minute whose volume is no safe integer", () => {
  const at = { timeUs: 0, price: 1, raw: 1, buy: true };
  const batch = batchOf([1, 2].map((id) => ({ ...at, id, size: 2 ** 52 })));
  expect(() => foldMinutes(batch, 1)).toThrow(InvariantError);
});

test("foldMinutes(), of nothing is nothing", () => {
  expect(foldMinutes(batchOf([]), 7)).toEqual({ scales: SCALE_0, binUnits: 7, minutes: [] });
});

test("rescaleContributions(), equals folding the rescaled trades", () => {
  const digits = fc.nat({ max: 4 });
  fc.assert(
    fc.property(arbitraryTrades(), binUnits, digits, digits, (trades, bin, priceScale, sizeScale) => {
      const scales = { priceScale, sizeScale };
      const batch = batchOf(trades);
      const rescaled = rescaleContributions(foldMinutes(batch, bin), scales);
      expect(rescaled).toEqual(foldMinutes(rescaleBatch(batch, scales), bin * 10 ** priceScale));
    }),
  );
});

test("rescaleContributions(), refuses prices and volumes that no longer fit, and coarser scales", () => {
  const fold = (price: string, size: string) => {
    const builder = new TradeBatchBuilder("raw", SCALE_0);
    builder.push({ id: 1, timeUs: 1, price, size, firstId: 1, lastId: 1, buy: true });
    return foldMinutes(builder.build(), 1);
  };
  const finer = { priceScale: 2, sizeScale: 2 };
  expect(() => rescaleContributions(fold("9007199254740991", "1"), finer)).toThrow(InvariantError);
  expect(() => rescaleContributions(fold("1", "9007199254740991"), finer)).toThrow(InvariantError);
  expect(() => rescaleContributions(fold("1.5", "1"), SCALE_0)).toThrow(InvariantError);
});
