import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  certifyOrder,
  type PendingChunk,
  ProfileState,
  requestsFor,
  type SkeletonCandle,
} from "../../../src/core/mod.ts";
import { seededRandom } from "../../support/trades.ts";
import { madeDay, SHAPES } from "./made-days.ts";
import { chunksOf, skeletonOf } from "./no-falsehood.ts";

function candle(minute: number, low: number, high: number, volume: number, rawCount = 10): SkeletonCandle {
  const quoteVolume = BigInt(((low + high) * volume) / 2);
  return { minute, open: low, close: high, low, high, volume, quoteVolume, rawCount };
}

function stateOf(candles: readonly SkeletonCandle[]): ProfileState {
  const state = new ProfileState({ binUnits: 10 });
  for (const each of candles) state.addCandle(each);
  return state;
}

const chunk = (lo: number, requests = 1): PendingChunk => ({ lo, hi: lo + 1, requests });
const first = (chunks: readonly PendingChunk[]) => chunks.map(({ lo }) => lo);

/** One minute in bins 1 to 3 where the POC is contended, others far away or small. */
const CONTENDED = [
  candle(0, 10, 14, 1_000),
  candle(1, 20, 24, 1_000),
  candle(2, 12, 36, 400),
  candle(3, 60, 99, 400),
  candle(4, 12, 36, 40),
];

describe("certifyOrder()", () => {
  test("answers every pending chunk once", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), fc.integer(), fc.nat(7), (shape, seed, inFlight) => {
        const random = seededRandom(seed);
        const day = madeDay(shape, { random, minutes: 40 });
        const pending = chunksOf(day.range, 5);
        const busy = pending.splice(inFlight, 1);
        const order = certifyOrder(skeletonOf(day), pending, { inFlight: busy });
        expect([...order].sort((a, b) => a.lo - b.lo)).toEqual(pending);
      }),
    );
  });

  test("takes first what can move the POC, then what cannot, the most recent first", () => {
    expect(
      first(
        certifyOrder(
          stateOf(CONTENDED),
          [0, 1, 2, 3, 4].map((lo) => chunk(lo)),
        ),
      ),
    ).toEqual([2, 4, 3, 1, 0]);
  });

  test("weighs the requests that a chunk costs", () => {
    const twins = [candle(0, 10, 14, 1_000), candle(1, 20, 24, 1_000), candle(2, 12, 36, 400)];
    const state = stateOf([...twins, candle(3, 12, 36, 400)]);
    expect(certifyOrder(state, [chunk(2, 1), chunk(3, 1)])[0]!.lo).toBe(3);
    expect(certifyOrder(state, [chunk(2, 1), chunk(3, 4)])[0]!.lo).toBe(2);
  });

  test("leaves to the chunks in flight what they are likely to prove", () => {
    const state = stateOf([
      candle(0, 10, 14, 900),
      candle(1, 20, 24, 1_000),
      // Either of the next two is likely to bring bin 1 most of what it needs against bin 2; the last, against bin 7.
      candle(2, 12, 24, 300),
      candle(3, 12, 24, 300),
      candle(4, 70, 74, 1_000),
      candle(5, 70, 89, 500),
    ]);
    const pending = [chunk(3), chunk(5)];
    expect(certifyOrder(state, pending)[0]!.lo).toBe(3);
    expect(certifyOrder(state, pending, { inFlight: [{ lo: 2, hi: 3 }] })[0]!.lo).toBe(5);
  });

  test("once the POC is certain, takes what may lie in the bins that are still open", () => {
    const state = stateOf([
      candle(0, 20, 24, 9_000),
      candle(1, 12, 36, 40),
      candle(2, 60, 99, 40),
      candle(3, 12, 36, 40),
    ]);
    const pending = [1, 2, 3].map((lo) => chunk(lo));
    expect(first(certifyOrder(state, pending))).toEqual([3, 2, 1]);
    expect(certifyOrder(state, pending, { open: [[6, 9]] })[0]!.lo).toBe(2);
  });

  test("is the most recent first where nothing is known", () => {
    const pending = [5, 9, 7].map((lo) => chunk(lo));
    expect(first(certifyOrder(new ProfileState({ binUnits: 10 }), pending))).toEqual([9, 7, 5]);
  });
});

describe("requestsFor()", () => {
  test("is one for each page begun, one at least", () => {
    expect([0, 1, 1_000, 1_001, 7_500].map(requestsFor)).toEqual([1, 1, 1, 2, 8]);
  });
});
