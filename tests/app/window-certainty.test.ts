import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  Coverage,
  dayRange,
  decimal,
  formatDay,
  MINUTES_PER_DAY,
  type MinuteRange,
  parseSessionHours,
  SessionCalendar,
  VALUE_AREA_METHODS,
} from "../../src/core/mod.ts";
import {
  comparisonToWire,
  nakedPocsToWire,
  periodsToWire,
  viewProfile,
  type WireComparison,
  type WireNakedPocs,
  type WireWindowLevels,
} from "../../src/protocol/mod.ts";
import { RESIDENT_DAYS_MAX } from "../../src/store/mod.ts";
import { chunksOf, EVERYTHING, type MarketDay, madeDay, madeDays, type SHAPES } from "../store/market-day.ts";
import { BIN_UNITS } from "../store/minute-model.ts";
import { SCALES, seededRandom } from "../support/trades.ts";
import { AREA_LEVELS, expectTrueNaked, expectTrueWindow, TOLD_LEVELS } from "./window-truth.ts";
import { WindowWorld, type WindowWorldOptions } from "./window-world.ts";

const DAY = 20_000;
const DAYS = 4;
const MINUTES = 40;
const BTC = { venue: "binance", symbol: "BTCUSDT" };
const PART = Array.from({ length: DAYS }, (_, day): MinuteRange => {
  const { lo } = dayRange(DAY + day);
  return { lo, hi: lo + MINUTES };
});
const ALL: MinuteRange = { lo: dayRange(DAY).lo, hi: dayRange(DAY + DAYS - 1).lo + MINUTES };
const NAMES = PART.map((_, day) => formatDay(DAY + day));
const FINER = { priceScale: SCALES.priceScale + 1, sizeScale: SCALES.sizeScale + 1 };

/** Sessions of 40 minutes at the begin of each day; the last one has ended, and live trades are received since, but none came. */
function newWorld(tape?: WindowWorldOptions["tape"]) {
  const calendar = new SessionCalendar({ hours: parseSessionHours("00:00-00:40 UTC") });
  const made = new WindowWorld(ALL.hi + 5, { calendar, ...(tape !== undefined && { tape }) });
  made.series.receivingFrom = ALL.hi;
  return made;
}

interface Asked {
  readonly range: MinuteRange;
  readonly method: (typeof VALUE_AREA_METHODS)[number];
  readonly coarser: number;
}

interface Answers {
  readonly windows: readonly WireWindowLevels[];
  readonly comparison: WireComparison;
  readonly naked: WireNakedPocs;
}

/** Everything that can be asked of windows. */
async function answersOf(made: WindowWorld, { range, method, coarser }: Asked): Promise<Answers> {
  const { binUnits, scales } = made.series.grid;
  const reading = { symbol: BTC, method, binSize: decimal(binUnits * coarser, scales.priceScale) };
  const profile = await made.service.profile({ ...reading, range, bins: false }, made.options);
  if (profile.kind !== "found") throw new Error(profile.kind);
  const of = { kind: "sessions", names: [NAMES[2]!, NAMES[0]!] } as const;
  const composite = found(await made.service.composite({ ...reading, of, bins: false }, made.options));
  const periods = found(
    await made.service.periods({ ...reading, period: "1h", range: PART[1]! }, made.options),
  );
  const named = (day: number) => ({ kind: "session", name: NAMES[day]! }) as const;
  const comparison = comparisonToWire(
    found(await made.service.compare({ ...reading, a: named(0), b: named(DAYS - 1) }, made.options)),
  );
  const naked = nakedPocsToWire(
    found(
      await made.service.nakedPocs({ symbol: BTC, sessions: DAYS, binSize: reading.binSize }, made.options),
    ),
  );
  return {
    windows: [
      viewProfile(profile.profile).summary,
      viewProfile(composite).summary,
      ...periodsToWire(periods).profiles,
      comparison.a,
      comparison.b,
    ],
    comparison,
    naked,
  };
}

function found<T>(outcome: { kind: string; answer?: T }): T {
  expect(outcome.kind).toBe("found");
  return outcome.answer!;
}

function expectTrue(told: Answers, complete: Answers, during: string): void {
  for (const [at, window] of told.windows.entries())
    expectTrueWindow(window, complete.windows[at]!, `${during}, window ${at}`);
  const { certainty, bounds } = told.comparison;
  for (const name of ["overlap", "poc_shift", "migration"] as const)
    if (certainty[name] === "exact" || certainty[name] === "certain")
      expect([during, name, told.comparison[name]]).toEqual([during, name, complete.comparison[name]]);
  const shift = bounds.poc_shift;
  expect(shift !== undefined).toBe(certainty.poc_shift === "bounded");
  if (shift !== undefined) {
    const final = Number(complete.comparison.poc_shift);
    expect([during, Number(shift[0]) <= final && final <= Number(shift[1])]).toEqual([during, true]);
  }
  expectTrueNaked(told.naked, complete.naked, during);
}

/** A market that trades in the sessions alone. */
function madeMarket(seed: number, shape: (typeof SHAPES)[number]): MarketDay {
  const market = madeDay(seed, shape, ALL);
  for (const minute of market.trades.keys())
    if (!PART.some(({ lo, hi }) => minute >= lo && minute < hi)) market.trades.set(minute, []);
  return market;
}

test("WindowService, no claim is ever taken back: any windows, any order of candles, commits, corrections and finer scales", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(madeDays, async ({ seed, shape, early, ...tells }) => {
      const random = seededRandom(seed);
      const market = madeMarket(seed, shape);
      const asked = (): Asked => {
        const [a, b] = [random(), random()].map((at) => ALL.lo + Math.floor(at * (ALL.hi - ALL.lo)));
        const inside = PART[Math.floor(random() * DAYS)]!;
        const range =
          random() < 0.5
            ? { lo: Math.min(a!, b!), hi: Math.max(a!, b!) + 1 }
            : { lo: inside.lo + Math.floor(random() * 20), hi: inside.hi - Math.floor(random() * 19) };
        const method = VALUE_AREA_METHODS[Math.floor(random() * 3)]!;
        return { range, method, coarser: 1 + Math.floor(random() * 4) };
      };
      const complete = [newWorld(), newWorld()];
      complete[1]!.series.growScales(FINER);
      for (const { series } of complete) series.commit(ALL, market.contributions(ALL));
      const world = newWorld();
      const store = world.series;
      const put = (range: MinuteRange) => store.putCandles(range, market.candles(range, tells));
      const commit = (range: MinuteRange) => store.commit(range, market.contributions(range));
      if (early) put(ALL);
      else for (const gap of Coverage.of(PART).missing(ALL)) put(gap);
      const steps = chunksOf(PART, random).flatMap((range) => {
        const again: MinuteRange = { lo: range.lo, hi: range.lo + 1 };
        const odds = random();
        return [
          ...(early ? [] : [() => put(range)]),
          () => commit(range),
          ...(odds < 0.15 ? [() => commit(again)] : []),
          ...(odds > 0.85 ? [() => store.uncover(again), () => commit(again)] : []),
          ...(odds > 0.45 && odds < 0.5 ? [() => store.growScales(FINER)] : []),
        ];
      });
      const check = async (at: number) => {
        const question = asked();
        const final = complete[store.grid.scales.priceScale - SCALES.priceScale]!;
        const told = await answersOf(world, question);
        expectTrue(told, await answersOf(final, question), `${shape} ${seed}, step ${at}`);
        for (const window of told.windows) {
          for (const name of AREA_LEVELS) seen.add(`${name} ${window.certainty[name]}`);
          if (!early) continue;
          for (const name of TOLD_LEVELS)
            expect(["exact", "bounded"]).toContain(window.certainty[name] ?? "none");
          for (const name of [...AREA_LEVELS, "deviation"] as const)
            expect(["exact", "certain", "bounded"]).toContain(window.certainty[name] ?? "none");
        }
        for (const { certainty } of told.naked.naked_pocs) seen.add(`naked ${certainty}`);
        if (told.naked.undecided.length > 0) seen.add("undecided");
      };
      for (const [at, step] of steps.entries()) {
        step();
        await check(at);
      }
      // That nothing traded between the sessions is told by candles alone.
      const last = await answersOf(world, { range: ALL, method: "ranked", coarser: 1 });
      for (const { certainty } of last.windows)
        for (const each of Object.values(certainty)) expect(["exact", "certain"]).toContain(each ?? "none");
      for (const { certainty } of last.naked.naked_pocs) expect(certainty).toBe("exact");
    }),
    { numRuns: 8 },
  );
  for (const name of AREA_LEVELS)
    for (const certainty of ["exact", "certain", "bounded", "estimate"])
      expect([...seen]).toContain(`${name} ${certainty}`);
  for (const each of ["naked exact", "naked estimate"]) expect([...seen]).toContain(each);
}, 120_000);

test("WindowService.compare(), live minutes count on top of what candles tell, and a break in them ends what is proven", async () => {
  await fc.assert(
    fc.asyncProperty(madeDays, async ({ seed, shape }) => {
      const random = seededRandom(seed);
      const market = madeMarket(seed, shape);
      const session = PART[1]!;
      const joined = session.lo + 2 + Math.floor(random() * 8);
      const broken = { lo: joined + 8, hi: joined + 11 };
      const world = newWorld();
      const past = { lo: ALL.lo, hi: joined };
      world.series.putCandles(past, market.candles(past, EVERYTHING));
      world.series.receivingFrom = joined;
      const asked = async (of: WindowWorld) => {
        const range = { kind: "range", range: session } as const;
        const b = { kind: "range", range: { lo: session.lo + 5, hi: session.hi } } as const;
        return comparisonToWire(
          found(await of.service.compare({ symbol: BTC, a: range, b, method: "one_row" }, of.options)),
        );
      };
      for (let now = joined; now < session.hi; now++) {
        const seen = 1 + Math.floor(random() * 5);
        const soFar = (range: MinuteRange) =>
          market.contributions(range, (minute) => (minute === now ? seen : Infinity));
        const { series } = world;
        if (now === broken.lo) series.receivingFrom = undefined;
        if (now === broken.hi + 2) {
          const lost = { lo: broken.lo - 1, hi: broken.hi };
          series.putCandles(lost, market.candles(lost, EVERYTHING));
          series.receivingFrom = broken.hi;
        }
        const isBroken = now >= broken.lo && now < broken.hi + 2;
        const live = { lo: Math.max(joined, now - 1), hi: now + 1 };
        // The minute before is sealed while the running one fills.
        if (!isBroken) series.putLive(soFar(live), live.lo < now ? { lo: live.lo, hi: now } : undefined);
        else if (now >= broken.hi) series.putLive(soFar({ lo: broken.hi, hi: now + 1 }), undefined);
        const whole = newWorld();
        whole.series.commit({ lo: ALL.lo, hi: now }, market.contributions({ lo: ALL.lo, hi: now }));
        whole.series.receivingFrom = now;
        whole.series.putLive(soFar({ lo: now, hi: now + 1 }), undefined);
        whole.nowMinute = now;
        world.nowMinute = now;
        const [told, final] = [await asked(world), await asked(whole)];
        for (const side of ["a", "b"] as const) {
          expectTrueWindow(told[side], final[side], `${shape} ${seed}, minute ${now - session.lo}, ${side}`);
          if (told[side].vwap !== null)
            expect(told[side].certainty.vwap).toBe(isBroken ? "estimate" : "exact");
        }
      }
    }),
    { numRuns: 8 },
  );
}, 60_000);

/** A market, and a world that knows its candles alone. */
function toldWorld() {
  const market = madeMarket(7, "trend");
  const world = newWorld((minutes) => {
    const taped = minutes.ranges.map((range) => market.contributions(range));
    return { scales: SCALES, binUnits: BIN_UNITS, minutes: taped.flatMap((of) => of.minutes) };
  });
  world.series.putCandles(ALL, market.candles(ALL, EVERYTHING));
  return { market, world };
}

async function profileOf(world: WindowWorld, range: MinuteRange) {
  const outcome = await world.service.profile({ symbol: BTC, range, bins: false }, world.options);
  if (outcome.kind !== "found") throw new Error(outcome.kind);
  return viewProfile(outcome.profile).summary;
}

test("WindowService.profile(), of candles alone is exact but for what needs prices within minutes", async () => {
  const { world } = toldWorld();
  const summary = await profileOf(world, PART[1]!);
  expect(summary).toMatchObject({ whole: false, trade_count: 0, total_volume: 0, doubts: [] });
  for (const name of TOLD_LEVELS) expect([name, summary.certainty[name]]).toEqual([name, "exact"]);
  for (const name of [...AREA_LEVELS, "deviation"] as const)
    expect([name, summary.certainty[name], summary.bounds[name]?.length]).toEqual([name, "bounded", 2]);
  expect(summary.bands).toHaveLength(3);
});

test("WindowService.profile(), an unknown minute makes the window an estimate, and one that does not hold it none", async () => {
  const { market, world } = toldWorld();
  const other = newWorld();
  const unknown = PART[1]!.lo + 10;
  for (const range of Coverage.of([{ lo: unknown, hi: unknown + 1 }]).missing(ALL))
    other.series.putCandles(range, market.candles(range, EVERYTHING));
  const commit = { lo: unknown + 1, hi: unknown + 9 };
  for (const { series } of [world, other]) series.commit(commit, market.contributions(commit));
  expect((await profileOf(world, PART[1]!)).certainty).toMatchObject({ vwap: "exact", poc: "bounded" });
  expect((await profileOf(other, PART[1]!)).certainty).toMatchObject({ vwap: "estimate", poc: "estimate" });
  expect((await profileOf(other, { lo: unknown + 1, hi: PART[1]!.hi })).certainty.vwap).toBe("exact");
});

test("WindowService.profile(), trades of a minute that was not received whole are not counted beside its candle", async () => {
  const { market, world } = toldWorld();
  const complete = newWorld();
  complete.series.commit(ALL, market.contributions(ALL));
  const broken = PART[3]!;
  world.series.putLive(
    market.contributions(broken, () => 1),
    undefined,
  );
  const summary = await profileOf(world, broken);
  expectTrueWindow(summary, await profileOf(complete, broken), "open minutes");
  expect([summary.certainty.vwap, summary.trade_count > 0]).toEqual(["exact", true]);
  // A trade outside of its minute's candle: one of the two is not to be believed.
  const minute =
    broken.lo +
    [...Array(MINUTES).keys()].findIndex((i) => (market.trades.get(broken.lo + i)?.length ?? 0) > 1);
  const [first] = market.contributions({ lo: minute, hi: minute + 1 }, () => 1).minutes;
  world.series.putLive(
    { scales: SCALES, binUnits: BIN_UNITS, minutes: [{ ...first!, high: 1_000_000 }] },
    undefined,
  );
  expect((await profileOf(world, broken)).certainty.vwap).toBe("estimate");
});

test("WindowService.profile(), folded days forget trades of open minutes that left memory", async () => {
  const { market, world } = toldWorld();
  const { series } = world;
  // Days that are folded together once more, and stay so.
  const days = { lo: ALL.lo, hi: ALL.lo + 8 * MINUTES_PER_DAY };
  const told = () => series.putCandles(days, market.candles(days, EVERYTHING));
  world.nowMinute = days.hi + 5;
  series.receivingFrom = days.hi;
  told();
  const at = [...Array(MINUTES).keys()].find((i) => (market.trades.get(PART[0]!.lo + i)?.length ?? 0) > 1);
  const open = { lo: PART[0]!.lo + at!, hi: PART[0]!.lo + at! + 1 };
  for (const range of Coverage.of([open]).missing(PART[0]!))
    series.commit(range, market.contributions(range));
  series.putLive(
    market.contributions(open, () => 1),
    undefined,
  );
  const before = await profileOf(world, days);
  const [some] = market.contributions(PART[1]!).minutes;
  // Live trades of later days, and so many of them that the first one makes room.
  for (let later = 9; later < RESIDENT_DAYS_MAX + 12; later++) {
    const { lo } = dayRange(DAY + later);
    const live = { scales: SCALES, binUnits: BIN_UNITS, minutes: [{ ...some!, minute: lo }] };
    series.putLive(live, undefined);
    series.commit({ lo, hi: lo + 1 }, live);
  }
  expect(series.absentDays(days)).toEqual([DAY]);
  told();
  const complete = newWorld();
  complete.series.commit(days, market.contributions(days));
  const summary = await profileOf(world, days);
  expectTrueWindow(summary, await profileOf(complete, days), "after the day left memory");
  expect(summary.certainty.vwap).toBe("exact");
  expect(summary.trade_count).toBe(before.trade_count - 1);
});

test("WindowService.profile(), candles in doubt prove nothing, and the reason stands beside", async () => {
  const { market, world } = toldWorld();
  const { series } = world;
  series.commit(PART[0]!, market.contributions(PART[0]!));
  const minutes = Coverage.of([{ lo: PART[0]!.lo, hi: PART[0]!.lo + 1 }]);
  series.distrust(minutes, "volume 7 in the candle, 8 in the trades");
  const doubted = await profileOf(world, ALL);
  expect(doubted.certainty).toMatchObject({ vwap: "estimate", poc: "estimate" });
  expect(doubted.doubts.map(({ reason }) => reason)).toEqual(["volume 7 in the candle, 8 in the trades"]);
  expect((await profileOf(world, PART[0]!)).certainty.vwap).toBe("exact");
  expect((await profileOf(world, PART[1]!)).certainty.vwap).toBe("exact");
  series.trust(minutes);
  expect((await profileOf(world, ALL)).certainty.vwap).toBe("exact");
});

test("WindowService, asks for the candles of what it reads once its days are loaded", async () => {
  const { world } = toldWorld();
  await profileOf(world, PART[1]!);
  expect(world.candlesAsked).toEqual([[PART[1]!]]);
});

test("WindowService.profile(), a proof is given up with its request", async () => {
  const { world } = toldWorld();
  const gone = new AbortController();
  const asked = world.service.profile({ symbol: BTC, range: ALL, bins: false }, { signal: gone.signal });
  gone.abort(new Error("nobody listens"));
  expect(asked).rejects.toThrow("nobody listens");
});
