import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  dayRange,
  intersectRanges,
  MINUTES_PER_DAY,
  type MinuteRange,
  type WindowFold,
} from "../../src/core/mod.ts";
import { DayLoader, DayProfiles, daysAndParts, SeriesStore } from "../../src/store/mod.ts";
import { instrumentNamed, SCALES, seededRandom } from "../support/trades.ts";
import { BIN_UNITS, contributionsOf, MinuteModel, minuteTrades } from "./minute-model.ts";

/** A multiple of 8, so that blocks of 8 days begin with it. */
const FIRST_DAY = 20_000;
const DAYS = 20;
const LO = dayRange(FIRST_DAY).lo;
const ALL: MinuteRange = { lo: LO, hi: LO + DAYS * MINUTES_PER_DAY };

/** A series, what it is to know, and a loader that reads the model's tape. */
class World {
  readonly model = new MinuteModel();
  readonly series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  readonly loader = new DayLoader(async (series, minutes) => this.model.tape(minutes, series.grid));
  #seed = 0;

  commit(range: MinuteRange): void {
    const trades = minuteTrades(range, ++this.#seed, SCALES);
    this.model.commit(trades);
    this.series.commit(range, contributionsOf(trades.values(), this.series.grid));
  }

  live(range: MinuteRange): void {
    const trades = minuteTrades(range, ++this.#seed, SCALES);
    const traded = new Map([...trades].filter(([, { trades }]) => trades.length > 0));
    this.model.live(traded, "open");
    this.series.putLive(contributionsOf(traded.values(), this.series.grid), undefined);
  }

  uncover(range: MinuteRange): void {
    this.model.uncover(range);
    this.series.uncover(range);
  }

  /** Brings a window into memory as a reader would: loads, keeps, and builds its blocks. */
  async fold(profiles: DayProfiles, ranges: readonly MinuteRange[]): Promise<WindowFold> {
    for (;;) {
      const absent = profiles.absent(this.series, ranges);
      for (const part of absent) {
        await this.loader.load(this.series, part);
        profiles.keep(this.series, part);
      }
      if (absent.length === 0) break;
    }
    for (const block of profiles.missingBlocks(this.series, ranges)) profiles.keep(this.series, block);
    const fold = profiles.fold(this.series, ranges);
    expect(fold).toBeDefined();
    return fold!;
  }
}

function expectSame(fold: WindowFold, expected: WindowFold): void {
  const plain = ({ profile, ...sums }: WindowFold) => ({ ...sums, rows: profile.rows() });
  expect(plain(fold)).toEqual(plain(expected));
}

test("DayProfiles.fold(), equals the fold of the minutes, whatever was kept, changed and corrected before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const profiles = new DayProfiles();
      const world = new World();
      const somewhere = (most: number): MinuteRange => {
        const lo = ALL.lo + Math.floor(random() * (ALL.hi - ALL.lo - most));
        return { lo, hi: lo + 1 + Math.floor(random() * most) };
      };
      for (let day = 0; day < DAYS; day++)
        world.commit({ lo: LO + day * MINUTES_PER_DAY, hi: LO + day * MINUTES_PER_DAY + 4 });
      for (let step = 0; step < 8; step++) {
        const kind = random();
        if (kind < 0.4) world.commit(somewhere(60));
        else if (kind < 0.55) world.uncover(somewhere(2_000));
        else if (kind < 0.7) {
          const at = somewhere(5);
          if (world.series.absentDays(at).length === 0) world.live(at);
        }
        const range = random() < 0.3 ? ALL : somewhere(ALL.hi - ALL.lo - 1);
        expectSame(await world.fold(profiles, [range]), world.model.fold(range, world.series.grid));
      }
    }),
    { numRuns: 12 },
  );
});

test("DayProfiles.fold(), several ranges are one window, and finer scales end what was kept", async () => {
  const profiles = new DayProfiles();
  const world = new World();
  for (let day = 0; day < DAYS; day++) world.commit({ lo: LO + day * 1_440, hi: LO + day * 1_440 + 9 });
  const [first, second] = [dayRange(FIRST_DAY + 1), { lo: dayRange(FIRST_DAY + 3).lo + 5, hi: ALL.hi }];
  const expectComposite = async () => {
    const fold = await world.fold(profiles, [first, second]);
    const [a, b] = [first, second].map((range) => world.model.fold(range, world.series.grid));
    expect(fold.volume).toBe(a!.volume + b!.volume);
    expect(fold).toMatchObject({
      open: a!.open,
      last: b!.last,
      quoteVolume: a!.quoteVolume + b!.quoteVolume,
    });
  };
  await expectComposite();
  world.series.growScales({ priceScale: 3, sizeScale: 3 });
  await expectComposite();
});

test("DayProfiles, a year is kept as blocks that fewer pieces are folded out of, and one commit ends only its own", async () => {
  const profiles = new DayProfiles();
  const world = new World();
  for (let day = 0; day < 16; day++) world.commit({ lo: LO + day * 1_440, hi: LO + day * 1_440 + 3 });
  const window = { lo: LO, hi: LO + 16 * MINUTES_PER_DAY };
  expect(profiles.missingBlocks(world.series, [window])).toHaveLength(2);
  await world.fold(profiles, [window]);
  expect(profiles.missingBlocks(world.series, [window])).toHaveLength(0);
  world.commit({ lo: LO + 5, hi: LO + 6 });
  expect(profiles.missingBlocks(world.series, [window])).toEqual([{ lo: LO, hi: LO + 8 * MINUTES_PER_DAY }]);
  expectSame(await world.fold(profiles, [window]), world.model.fold(window, world.series.grid));
});

test("DayProfiles, never holds more bytes than it may, the pieces longest unused go", async () => {
  const profiles = new DayProfiles({ bytesMax: 9_000 });
  const world = new World();
  for (let day = 0; day < DAYS; day++) world.commit({ lo: LO + day * 1_440, hi: LO + day * 1_440 + 30 });
  for (const part of daysAndParts(ALL)) {
    await world.loader.load(world.series, part);
    profiles.keep(world.series, part);
    expect(profiles.bytes).toBeLessThanOrEqual(9_000);
  }
  expect(profiles.bytes).toBeGreaterThan(4_000);
  // The newest are there without a load, the oldest are not.
  const absent = profiles.absent(world.series, [ALL]);
  expect(absent[0]).toEqual(dayRange(FIRST_DAY));
  expect(absent).not.toContainEqual(dayRange(FIRST_DAY + DAYS - 1));
});

test("DayProfiles.fold(), a volume that is no exact integer is refused", () => {
  const series = new SeriesStore({
    seriesId: 1,
    instrument: instrumentNamed("BTCUSDT"),
    binUnits: BIN_UNITS,
  });
  for (const day of [0, 1]) {
    const minute = LO + day * MINUTES_PER_DAY;
    const trades = [{ id: day, timeMs: minute * 60_000, price: 100, size: 2 ** 52 + 2, buy: true }];
    series.commit({ lo: minute, hi: minute + 1 }, contributionsOf([{ scales: SCALES, trades }], series.grid));
  }
  const profiles = new DayProfiles();
  expect(profiles.fold(series, [dayRange(FIRST_DAY)])?.volume).toBe(2 ** 52 + 2);
  expect(profiles.fold(series, [ALL])).toBeUndefined();
});

test("DayProfiles.spans(), the ranges of a kept day's minutes are those of its trades", async () => {
  const profiles = new DayProfiles();
  const world = new World();
  for (let day = 0; day < DAYS; day++) world.commit({ lo: LO + day * 1_440, hi: LO + day * 1_440 + 20 });
  const day = dayRange(FIRST_DAY);
  await world.fold(profiles, [ALL]);
  expect(world.series.absentDays(day)).toEqual([FIRST_DAY]);
  expect(profiles.withoutSpans(world.series, ALL)).toEqual([]);
  const spans = profiles.spans(world.series, day)!;
  const minutes = contributionsOf(world.model.committed.values(), world.series.grid).minutes.filter(
    ({ minute }) => intersectRanges({ lo: minute, hi: minute + 1 }, day) !== undefined,
  );
  expect([...spans.minutes]).toEqual(minutes.map(({ minute }) => minute));
  expect([...spans.lows]).toEqual(minutes.map(({ low }) => low));
  expect([...spans.highs]).toEqual(minutes.map(({ high }) => high));
});
