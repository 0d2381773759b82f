import { expect, test } from "bun:test";
import {
  DEFAULT_SHARE,
  foldWindow,
  type MinuteContribution,
  type SkeletonCandle,
  TOLD_BINS_MAX,
  TOLD_ROWS_MAX,
  ToldProof,
} from "../../../src/core/mod.ts";

const QUESTION = { binUnits: 1, coarser: 1, method: "ranked", share: DEFAULT_SHARE } as const;
const candle = (minute: number, low: number, high: number): SkeletonCandle => ({
  ...{ minute, open: low, high, low, close: high, volume: 10 },
  quoteVolume: BigInt(5 * (low + high)),
});
/** A proof that was worked out, and the steps that it took. */
function proofOf(candles: readonly SkeletonCandle[], coarser = 1) {
  const proof = new ToldProof({ fold: foldWindow([]), partial: [], candles }, { ...QUESTION, coarser });
  let steps = 1;
  while (proof.step()) steps++;
  return { proof, steps };
}

test("ToldProof, sums and profile of candles alone", () => {
  const { proof } = proofOf([candle(1, 100, 100), candle(2, 100, 102), candle(5, 98, 99)]);
  expect(proof.sums).toEqual({
    volume: 30,
    quoteVolume: { low: 2_995n, high: 2_995n },
    buyVolume: { low: 0, high: 30 },
    ...{ open: 100, high: 102, low: 98, last: 99 },
  });
  // Of the second minute it is least with all at 101 and most with half at each end, of the third it is a whole number.
  expect(proof.squareVolume.high - proof.squareVolume.low).toBe(10n + 2n);
  expect(proof.area("ranked", DEFAULT_SHARE)?.poc).toEqual({ kind: "certain", bin: 100 });
  expect(proof.area("one_row", DEFAULT_SHARE)).toBeUndefined();
});

test("ToldProof, what a fold has of a minute that a candle tells does not count twice", () => {
  const minute = {
    ...{ minute: 1, open: 100, high: 100, low: 100, close: 100, volume: 4, buyVolume: 4, count: 1 },
    ...{ quoteVolume: 400n, squareVolume: 40_000n, rawCount: 1, firstId: 1, lastId: 1 },
    ...{ firstTimeUs: 0, lastTimeUs: 0 },
    ...{ bins: Float64Array.of(100), binVolumes: Float64Array.of(4), binBuyVolumes: Float64Array.of(4) },
  } satisfies MinuteContribution;
  const loaded = { ...minute, minute: 0 };
  const told = { fold: foldWindow([loaded, minute]), partial: [minute], candles: [candle(1, 100, 100)] };
  const proof = new ToldProof(told, QUESTION);
  while (proof.step());
  expect(proof.sums).toMatchObject({ volume: 14, quoteVolume: { low: 1_400n, high: 1_400n } });
  expect(proof.area("ranked", DEFAULT_SHARE)?.poc).toEqual({ kind: "certain", bin: 100 });
  expect(told.fold.profile.total).toBe(8);
});

test("ToldProof, a step is a piece of the work, and the work does not end without it", () => {
  const wide = Array.from({ length: 100 }, (_, minute) => candle(minute, 0, 2_000));
  const { steps } = proofOf(wide);
  expect(steps).toBeGreaterThan(20);
  expect(proofOf([candle(0, 0, 2_000)]).steps).toBe(3);
});

test("ToldProof, a window of too many bins or rows has its sums and no profile", () => {
  const minutes = Math.ceil(TOLD_BINS_MAX / 10_000) + 1;
  const many = proofOf(Array.from({ length: minutes }, (_, minute) => candle(minute, 0, 10_000))).proof;
  expect([many.sums.volume, many.area("ranked", DEFAULT_SHARE)]).toEqual([10 * minutes, undefined]);
  const wide = [candle(0, 0, 0), candle(1, TOLD_ROWS_MAX, TOLD_ROWS_MAX)];
  expect(proofOf(wide).proof.area("ranked", DEFAULT_SHARE)).toBeUndefined();
  expect(proofOf(wide).proof.sums.high).toBe(TOLD_ROWS_MAX);
  expect(proofOf(wide, 2).proof.area("ranked", DEFAULT_SHARE)).toBeDefined();
});
