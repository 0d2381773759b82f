import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  foldWindow,
  MINUTES_PER_DAY,
  type MinuteContribution,
  type MinuteRange,
  type WindowFold,
} from "../../src/core/mod.ts";
import { DayMinutes } from "../../src/store/day-minutes.ts";
import { PackedMinute } from "../../src/store/packed-minute.ts";
import { ResidentDays } from "../../src/store/resident-days.ts";
import { SeriesCoverage } from "../../src/store/series-coverage.ts";

const DAY = 20_000;
const LO = DAY * MINUTES_PER_DAY;

/** Steps and volumes of every width, their limits among them. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom(255, 256, 511, 512, 513, 65_535, 65_536, 2 ** 32, 2 ** 33 + 1) },
);
const volume = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 44) },
);
const row = fc.record({ step, volume, bought: fc.constantFrom(0, 0.25, 0.5, 1) });

const contribution = (minute: number): fc.Arbitrary<MinuteContribution> =>
  fc
    .tuple(
      fc.constantFrom(0, 511, 512, 335_000, 2 ** 40),
      fc.oneof(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.array(fc.record({ step: fc.constant(1), volume: fc.constant(7), bought: fc.constant(0) }), {
          minLength: 600,
          maxLength: 600,
        }),
      ),
    )
    .map(([first, rows]) => {
      const bins = new Float64Array(rows.length);
      for (let i = 0, bin = first; i < rows.length; i++, bin += rows[i - 1]!.step) bins[i] = bin;
      const binVolumes = Float64Array.from(rows, (each) => each.volume);
      const binBuyVolumes = Float64Array.from(rows, (each) => Math.floor(each.volume * each.bought));
      const sum = (column: Float64Array) => column.reduce((a, b) => a + b, 0);
      return {
        minute,
        open: bins[0]!,
        high: bins.at(-1)!,
        low: bins[0]!,
        close: bins.at(-1)!,
        volume: sum(binVolumes),
        buyVolume: sum(binBuyVolumes),
        quoteVolume: BigInt(sum(binVolumes)) * 3n,
        squareVolume: BigInt(sum(binVolumes)) ** 2n,
        count: rows.length,
        rawCount: 2 * rows.length,
        firstId: minute,
        lastId: minute + 1,
        firstTimeUs: minute * 60_000_000,
        lastTimeUs: minute * 60_000_000 + 1,
        ...{ bins, binVolumes, binBuyVolumes },
      };
    });

function unpacked(minute: MinuteContribution): MinuteContribution {
  const { bins, binVolumes, binBuyVolumes } = minute;
  return { ...minute, bins, binVolumes, binBuyVolumes };
}

function plain({ profile, ...sums }: WindowFold) {
  const { bins, volumes, buyVolumes } = profile.rows();
  return { ...sums, total: profile.total, rows: [[...bins], [...volumes], [...buyVolumes]] };
}

test("PackedMinute, gives back what it was made of, whatever the width of its columns", () => {
  fc.assert(
    fc.property(contribution(LO), (from) => {
      expect(unpacked(new PackedMinute(from))).toEqual(from);
      expect(unpacked(new PackedMinute(new PackedMinute(from)))).toEqual(from);
    }),
  );
});

test("PackedMinute, does not change with the columns it was made of", () => {
  const [from] = fc.sample(contribution(LO), 1);
  const packed = new PackedMinute(from!);
  const before = unpacked(packed);
  from!.binVolumes.fill(1);
  from!.bins.fill(1);
  expect(unpacked(packed)).toEqual(before);
});

/** Some minutes of two days, put and taken away in any order. */
const replacements = fc.array(
  fc
    .constantFrom(0, 1, 39, 40, 700, 720, 721, 1_439, 1_440, 1_441, 2_200, 2_879)
    .chain((at) =>
      fc.record({ minute: fc.constant(LO + at), to: fc.option(contribution(LO + at), { nil: undefined }) }),
    ),
  { minLength: 1, maxLength: 25 },
);
const edge = fc.constantFrom(0, 1, 39, 41, 100, 719, 721, 1_000, 1_439, 1_440, 1_500, 2_500, 2_880);
const window = fc.tuple(edge, edge).map(
  ([a, b]): MinuteRange => ({
    lo: LO + Math.min(a, b),
    hi: LO + Math.max(a, b),
  }),
);

test("ResidentDays.fold(), any window of any history folds to what its minutes fold to from scratch", () => {
  fc.assert(
    fc.property(replacements, fc.array(window, { minLength: 1, maxLength: 6 }), (steps, windows) => {
      const days = new ResidentDays(new SeriesCoverage(), () => {});
      const known = new Map<number, MinuteContribution>();
      for (const { minute, to } of steps) {
        days.open(Math.floor(minute / MINUTES_PER_DAY)).replace(minute, to);
        if (to === undefined) known.delete(minute);
        else known.set(minute, to);
        // Sums that are kept have to follow the next replacement.
        days.fold({ lo: LO, hi: LO + MINUTES_PER_DAY });
      }
      for (const range of [...windows, { lo: LO, hi: LO + MINUTES_PER_DAY }, { lo: LO, hi: LO + 2_880 }]) {
        const within = [...known.values()]
          .filter(({ minute }) => minute >= range.lo && minute < range.hi)
          .sort((a, b) => a.minute - b.minute);
        const expected = plain(foldWindow(within));
        expect(plain(days.fold(range))).toEqual(expected);
        const { total, rows, ...sums } = expected;
        expect(days.sums(range)).toEqual(sums);
      }
    }),
  );
});

test("ResidentDays.rescale(), brings minutes with all their rows to finer scales", () => {
  const days = new ResidentDays(new SeriesCoverage(), () => {});
  const from = { ...fc.sample(contribution(LO), { numRuns: 1, seed: 3 })[0]!, volume: 10, buyVolume: 4 };
  const small = {
    ...from,
    bins: Float64Array.of(3, 900),
    binVolumes: Float64Array.of(6, 4),
    binBuyVolumes: Float64Array.of(4, 0),
  };
  days.open(DAY).replace(LO, small);
  const former = { scales: { priceScale: 2, sizeScale: 3 }, binUnits: 5 };
  days.rescale(former, { priceScale: 2, sizeScale: 4 });
  const { bins, volumes, buyVolumes } = days.fold({ lo: LO, hi: LO + MINUTES_PER_DAY }).profile.rows();
  expect([[...bins], [...volumes], [...buyVolumes]]).toEqual([
    [3, 900],
    [60, 40],
    [40, 0],
  ]);
});

test("DayMinutes.at(), a minute reads as it was put in, more than once", () => {
  const day = new DayMinutes(DAY);
  const [from] = fc.sample(contribution(LO + 5), 1);
  day.replace(LO + 5, from);
  const found = day.at(LO + 5)!;
  expect(unpacked(found)).toEqual(from!);
  expect(unpacked(found)).toEqual(from!);
  expect(day.at(LO + 6)).toBeUndefined();
});
