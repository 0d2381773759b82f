import { expect, test } from "bun:test";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";
import { DOUBTS_MAX, Doubts } from "../../src/store/doubts.ts";

const range = (lo: number, hi: number): MinuteRange => ({ lo, hi });
const minutes = (...ranges: readonly MinuteRange[]) => Coverage.of(ranges);

test("Doubts.add(), joins neighbours of one reason and keeps reasons apart", () => {
  const doubts = new Doubts();
  doubts.add(minutes(range(5, 6), range(9, 10)), "volume");
  doubts.add(minutes(range(6, 7)), "volume");
  doubts.add(minutes(range(6, 8)), "high");
  expect(doubts.within(range(0, 100), 10)).toEqual([
    { range: range(5, 7), reason: "volume" },
    { range: range(6, 8), reason: "high" },
    { range: range(9, 10), reason: "volume" },
  ]);
  expect(doubts.minutes.ranges).toEqual([range(5, 8), range(9, 10)]);
});

test("Doubts.remove(), lifts every doubt of those minutes and no other", () => {
  const doubts = new Doubts();
  doubts.add(minutes(range(0, 10)), "volume");
  doubts.add(minutes(range(3, 4)), "high");
  doubts.remove(minutes(range(3, 5)));
  expect(doubts.within(range(0, 100), 10)).toEqual([
    { range: range(0, 3), reason: "volume" },
    { range: range(5, 10), reason: "volume" },
  ]);
});

test("Doubts.within(), the oldest that touch the range, so many at most", () => {
  const doubts = new Doubts();
  doubts.add(minutes(range(0, 2), range(4, 6), range(8, 10)), "volume");
  expect(doubts.within(range(1, 9), 2).map(({ range: { lo } }) => lo)).toEqual([0, 4]);
  expect(doubts.within(range(2, 4), 10)).toEqual([]);
});

test("Doubts.add(), beyond its bound no minute is forgotten", () => {
  const doubts = new Doubts();
  const all = Array.from({ length: DOUBTS_MAX + 50 }, (_, i) => range(i * 3, i * 3 + 1));
  doubts.add(minutes(...all), "volume");
  expect(doubts.within(range(0, 1e9), 1e9).length).toBe(DOUBTS_MAX);
  expect(all.every(({ lo }) => doubts.minutes.has(lo))).toBe(true);
});
