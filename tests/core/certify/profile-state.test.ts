import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CERTIFY_BINS_MAX, ProfileState, pocOfState, type SkeletonCandle } from "../../../src/core/mod.ts";
import { seededRandom } from "../../support/trades.ts";
import { FIRST_MINUTE, type MadeDay, madeDay, SHAPES } from "./made-days.ts";

const MINUTES = 15;
const days = fc
  .tuple(fc.constantFrom(...SHAPES), fc.integer())
  .map(([shape, seed]) => madeDay(shape, { random: seededRandom(seed), minutes: MINUTES }));

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("candle", "no candle", "cover", "cover wrongly", "uncover"),
    minute: fc.nat(MINUTES - 1),
  }),
  { maxLength: 60 },
);
type Step = { readonly kind: string; readonly minute: number };

/** Does what a step says, with a day's minute and candle, or another minute's trades where it is loaded wrongly. */
function apply(state: ProfileState, day: MadeDay, { kind, minute: offset }: Step): void {
  const minute = FIRST_MINUTE + offset;
  const candle = day.candles.find((c) => c.minute === minute);
  const loaded = day.minutes.find((m) => m.minute === minute);
  if (kind === "candle" && candle !== undefined) state.addCandle(candle);
  else if (kind === "no candle") state.removeCandle(minute);
  else if (kind === "cover") state.cover(minute, loaded);
  else if (kind === "cover wrongly") state.cover(minute, day.minutes[offset % day.minutes.length]);
  else if (kind === "uncover") state.uncover(minute);
}

/** The same knowledge, each minute given once. */
function fromScratch(day: MadeDay, done: readonly Step[]): ProfileState {
  const state = new ProfileState(day.grid);
  for (let offset = MINUTES - 1; offset >= 0; offset--) {
    const ofMinute = done.filter((step) => step.minute === offset);
    const candle = ofMinute.findLast(({ kind }) => kind.endsWith("candle"));
    if (candle?.kind === "candle") apply(state, day, candle);
    const cover = ofMinute.findLast(({ kind }) => kind.includes("cover"));
    if (cover !== undefined && cover.kind !== "uncover") apply(state, day, cover);
  }
  return state;
}

/** All that a state claims, in terms that do not depend on how far its arrays reach. */
function claims(state: ProfileState) {
  const bounds = state.bounds();
  const rows = bounds && {
    total: bounds.total,
    lowBin: bounds.lowBin,
    highBin: bounds.highBin,
    bins: Array.from(bounds.lower, (lower, i) => [
      bounds.firstBin + i,
      lower + 0,
      bounds.upper[i]! + 0,
      state.estimate[i]! + 0,
    ]).filter(([, , upper, estimate]) => upper !== 0 || estimate !== 0),
  };
  return { rows, sums: state.sums(), poc: pocOfState(state), wrong: state.inconsistencies() };
}

describe("ProfileState", () => {
  test("after any changes equals a state of the same knowledge from scratch", () => {
    fc.assert(
      fc.property(days, steps, (day, done) => {
        const state = new ProfileState(day.grid);
        for (const step of done) apply(state, day, step);
        expect(claims(state)).toEqual(claims(fromScratch(day, done)));
      }),
      { numRuns: 300 },
    );
  });

  test("replacing a minute twice changes nothing", () => {
    fc.assert(
      fc.property(days, (day) => {
        const state = new ProfileState(day.grid);
        for (const candle of day.candles) state.addCandle(candle);
        const before = claims(state);
        for (const minute of day.minutes) {
          state.cover(minute.minute, minute);
          state.cover(minute.minute, minute);
        }
        for (const minute of day.minutes) state.uncover(minute.minute);
        for (const candle of day.candles) state.addCandle(candle);
        expect(claims(state)).toEqual(before);
      }),
    );
  });

  test("keeps exact sums and claims no bins where a stray print is too far away", () => {
    const candle = (minute: number, price: number): SkeletonCandle => ({
      minute,
      open: price,
      high: price,
      low: price,
      close: price,
      volume: 5,
      quoteVolume: BigInt(5 * price),
    });
    const state = new ProfileState({ binUnits: 1 });
    state.addCandle(candle(1, 100));
    state.addCandle(candle(2, 99 + CERTIFY_BINS_MAX));
    expect(pocOfState(state)?.kind).toBe("certain");
    state.addCandle(candle(3, 100 + CERTIFY_BINS_MAX));
    expect(state.bounds()).toBeUndefined();
    expect(pocOfState(state)).toBeUndefined();
    state.cover(2, undefined);
    state.removeCandle(3);
    expect(state.sums()).toMatchObject({ volume: 5, high: 100, low: 100 });
  });

  test("takes every sum from the trades once they are there, whatever the candle told", () => {
    const day = madeDay("trending", { random: seededRandom(1), minutes: 1 });
    const [loaded] = day.minutes;
    for (const other of [
      { quoteVolume: loaded!.quoteVolume + 1n },
      { buyVolume: loaded!.volume },
      { open: loaded!.high + 1 },
      { close: loaded!.high + 1 },
    ]) {
      const state = new ProfileState(day.grid);
      state.addCandle({ ...loaded!, ...other });
      state.sums();
      state.cover(loaded!.minute, loaded);
      const known = new ProfileState(day.grid);
      known.cover(loaded!.minute, loaded);
      expect(state.sums()).toEqual(known.sums());
    }
  });

  test("names the candles that contradict themselves while they are unseen", () => {
    const state = new ProfileState({ binUnits: 1 });
    const wrong = { minute: 4, open: 10, high: 12, low: 9, close: 13, volume: 8, quoteVolume: 80n };
    state.addCandle(wrong);
    expect(state.inconsistencies()).toEqual([{ minute: 4, field: "close" }]);
    expect(state.bounds()).toMatchObject({ lowBin: 9, highBin: 13, total: 8 });
    state.cover(4, undefined);
    expect(state.inconsistencies()).toEqual([]);
  });

  test("refuses a grid of parts", () => {
    expect(() => new ProfileState({ binUnits: 0.5 })).toThrow("whole units");
    expect(() => new ProfileState({ binUnits: 10, tickUnits: 0 })).toThrow("whole units");
  });
});
