import { expect, test } from "bun:test";
import { Adoption } from "../../src/app/adoption.ts";
import { Coverage, foldMinutes, type MinuteContributions, type MinuteRange } from "../../src/core/mod.ts";
import { ProfileStore } from "../../src/store/mod.ts";
import { batchOfTrades, instrumentNamed, SCALES } from "../support/trades.ts";

const DAY = 20_000;
const LO = DAY * 1_440;

/** One trade of that size in each minute. */
function minutesOf(range: MinuteRange, size: number): MinuteContributions {
  const trades = [];
  for (let minute = range.lo; minute < range.hi; minute++)
    trades.push({ id: minute, timeMs: minute * 60_000, price: 100, size, buy: true });
  return foldMinutes(batchOfTrades(trades), 10);
}

/** A series in memory, and what the database and the tape would answer. */
function world() {
  const store = new ProfileStore();
  const series = store.open({
    seriesId: 1,
    instrument: instrumentNamed("X"),
    binUnits: 10,
  });
  const listed: { range: MinuteRange; size: number }[] = [];
  const read: MinuteRange[][] = [];
  let during = () => {};
  const adoption = new Adoption({
    store,
    jobs: {
      coverage: async (_id, range) =>
        Coverage.of(listed.map((each) => each.range))
          .within(range)
          .ranges.map((part) => ({ ...part, segmentId: 1 })),
    },
    reader: {
      read: async (_series, minutes) => {
        read.push([...minutes.ranges]);
        const parts = listed.flatMap((each) =>
          minutes.within(each.range).ranges.flatMap((part) => minutesOf(part, each.size).minutes),
        );
        during();
        during = () => {};
        return { scales: SCALES, binUnits: 10, minutes: parts.toSorted((a, b) => a.minute - b.minute) };
      },
    },
  });
  const volume = (range: MinuteRange) => series.window(range).fold.volume;
  return { store, series, listed, read, adoption, volume, whileReading: (run: () => void) => (during = run) };
}

const piece = (from: number, to: number): MinuteRange => ({ lo: LO + from, hi: LO + to });

test("Adoption.adopt(), puts other processes' minutes into the store and announces them once", async () => {
  const { store, series, listed, adoption, volume } = world();
  let announced = 0;
  store.subscribe(() => announced++);
  listed.push({ range: piece(0, 10), size: 3 });
  await adoption.adopt(series, Coverage.of([piece(0, 20)]));
  expect(series.covered.ranges).toEqual([piece(0, 10)]);
  expect(volume(piece(0, 20))).toBe(30);
  expect(announced).toBe(1);
});

test("Adoption.adopt(), minutes that nobody owns any more are uncovered, others stay as they are", async () => {
  const { series, listed, adoption, volume } = world();
  series.commit(piece(0, 30), minutesOf(piece(0, 30), 1));
  listed.push({ range: piece(0, 10), size: 1 }, { range: piece(20, 30), size: 1 });
  await adoption.adopt(series, Coverage.of([piece(10, 20)]));
  expect(series.covered.ranges).toEqual([piece(0, 10), piece(20, 30)]);
  expect(volume(piece(0, 30))).toBe(20);
});

test("Adoption.adopt(), what this process commits during the reading is not overwritten by it", async () => {
  const { series, listed, adoption, volume, whileReading } = world();
  series.commit(piece(50, 51), minutesOf(piece(50, 51), 1));
  listed.push({ range: piece(0, 10), size: 1 });
  whileReading(() => {
    adoption.changedHere(1, [piece(5, 10)]);
    series.commit(piece(5, 10), minutesOf(piece(5, 10), 100));
  });
  await adoption.adopt(series, Coverage.of([piece(0, 10)]));
  expect(volume(piece(0, 10))).toBe(5 + 500);
});

test("Adoption.adopt(), of a day that is not in memory nothing is read; it is loaded when somebody asks", async () => {
  const { series, listed, read, adoption } = world();
  series.resetCommitted([piece(0, 10)]);
  listed.push({ range: piece(0, 20), size: 1 });
  await adoption.adopt(series, Coverage.of([piece(10, 20)]));
  expect(read.flat()).toEqual([]);
  expect(series.covered.ranges).toEqual([piece(0, 20)]);
  expect(series.absentDays(piece(0, 20))).toEqual([DAY]);
});

test("Adoption.adopt(), a day that comes into memory during the reading gets its minutes all the same", async () => {
  const { series, listed, adoption, volume, whileReading } = world();
  series.resetCommitted([piece(0, 10)]);
  listed.push({ range: piece(0, 20), size: 2 });
  whileReading(() => {
    series.beginLoad(DAY);
    series.endLoad(DAY, minutesOf(piece(0, 10), 2));
  });
  await adoption.adopt(series, Coverage.of([piece(10, 20)]));
  expect(volume(piece(0, 20))).toBe(40);
});
