import { expect, test } from "bun:test";
import fc from "fast-check";
import { XRPETH_DAY, xrpethDay } from "../../scripts/bench/certify-day.ts";
import {
  Coverage,
  dayOfMinute,
  foldMinutes,
  type LevelSet,
  type MinuteRange,
  type Session,
  utcSession,
  VALUE_AREA_METHODS,
} from "../../src/core/mod.ts";
import {
  DayLoader,
  levelsPending,
  prepareLevels,
  RESIDENT_DAYS_MAX,
  readLevels,
  SeriesStore,
} from "../../src/store/mod.ts";
import { SKELETON_DAYS_MAX } from "../../src/store/skeleton.ts";
import { testWithData } from "../support/shared-data.ts";
import { batchOfTrades, instrumentNamed, SCALES, seededRandom } from "../support/trades.ts";
import { AREA_LEVELS, expectTrue, TOLD_LEVELS } from "./level-truth.ts";
import { chunksOf, EVERYTHING, type MarketDay, madeDay, madeDays, shortSession } from "./market-day.ts";
import { BIN_UNITS } from "./minute-model.ts";

const LO = 20_000 * 1_440 + 700;
const SESSION = shortSession(LO);
const ALL: MinuteRange = { lo: SESSION.previous.lo, hi: SESSION.range.hi };
const ENDED = { nowMinute: ALL.hi + 5, expectedEnd: ALL.hi + 5 };

interface Reading {
  readonly method: (typeof VALUE_AREA_METHODS)[number];
  readonly coarser: number;
}
const READINGS: readonly Reading[] = [
  ...VALUE_AREA_METHODS.map((method) => ({ method, coarser: 1 })),
  { method: "ranked", coarser: 4 },
];

function newStore(): SeriesStore {
  return new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN_UNITS });
}

const now = async <T>(piece: () => T): Promise<T> => piece();

/** Level sets by every method, their profiles made ready. */
async function setsOf(store: SeriesStore, at = ENDED, session = SESSION): Promise<LevelSet[]> {
  const sets: LevelSet[] = [];
  for (const reading of READINGS) {
    const question = { session, asOfMs: 0, ...reading, ...at };
    await prepareLevels(store, question, now);
    sets.push(readLevels(store, question));
  }
  return sets;
}

/** A VWAP is printed with as many digits as the scales have. */
function completeSets(day: MarketDay, scales = SCALES): Promise<LevelSet[]> {
  const store = newStore();
  store.growScales(scales);
  store.commit(ALL, day.contributions(ALL));
  return setsOf(store);
}

test("readLevels(), no claim is ever taken back: any day, any order of candles, commits, corrections and finer scales", async () => {
  let certain = 0;
  await fc.assert(
    fc.asyncProperty(madeDays, async ({ seed, shape, early, ...tells }) => {
      const random = seededRandom(seed);
      const day = madeDay(seed, shape, ALL);
      const finer = { priceScale: SCALES.priceScale + 1, sizeScale: SCALES.sizeScale + 1 };
      const complete = [await completeSets(day), await completeSets(day, finer)];
      const store = newStore();
      const put = (range: MinuteRange) => store.putCandles(range, day.candles(range, tells));
      const commit = (range: MinuteRange) => store.commit(range, day.contributions(range));
      const steps = [
        ...(early ? [() => put(ALL)] : []),
        ...chunksOf([ALL], random).flatMap((range) => {
          const again: MinuteRange = { lo: range.lo, hi: range.lo + 1 };
          const odds = random();
          return [
            ...(early ? [] : [() => put(range)]),
            () => commit(range),
            ...(odds < 0.15 ? [() => commit(again)] : []),
            ...(odds > 0.85 ? [() => store.uncover(again), () => commit(again)] : []),
            ...(odds > 0.45 && odds < 0.5 ? [() => store.growScales(finer)] : []),
          ];
        }),
      ];
      for (const [at, step] of steps.entries()) {
        step();
        const final = complete[store.grid.scales.priceScale - SCALES.priceScale]!;
        for (const [i, set] of (await setsOf(store)).entries()) {
          expectTrue(
            set,
            final[i]!,
            `${shape} ${seed}, step ${at}, ${READINGS[i]!.method}/${READINGS[i]!.coarser}`,
          );
          if (!early) continue;
          for (const name of TOLD_LEVELS)
            expect(["exact", "bounded"]).toContain(set.certainty[name] ?? "none");
          for (const name of AREA_LEVELS)
            expect(["exact", "certain", "bounded"]).toContain(set.certainty[name] ?? "none");
          if (set.certainty.POC === "certain") certain++;
        }
      }
      for (const set of await setsOf(store))
        expect(Object.values(set.certainty).every((each) => each === "exact")).toBe(true);
    }),
    { numRuns: 30 },
  );
  expect(certain).toBeGreaterThan(0);
}, 60_000);

test("readLevels(), live minutes count on top of what candles tell, and a break in them ends what is proven", async () => {
  await fc.assert(
    fc.asyncProperty(madeDays, async ({ seed, shape }) => {
      const random = seededRandom(seed);
      const day = madeDay(seed, shape, ALL);
      const joined = LO + 5 + Math.floor(random() * 30);
      const broken = { lo: joined + 10, hi: joined + 13 };
      const store = newStore();
      store.putCandles({ lo: ALL.lo, hi: joined }, day.candles({ lo: ALL.lo, hi: joined }, EVERYTHING));
      store.receivingFrom = joined;
      const waiting = chunksOf([{ lo: ALL.lo, hi: joined }], random);
      for (let now = joined; now < SESSION.range.hi; now++) {
        const at = { nowMinute: now, expectedEnd: now - 1 };
        const seen = 1 + Math.floor(random() * 5);
        const live: MinuteRange = { lo: Math.max(joined, now - 1), hi: now + 1 };
        const soFar = (range: MinuteRange) => day.contributions(range, (m) => (m === now ? seen : Infinity));
        if (now === broken.lo) store.receivingFrom = undefined;
        if (now === broken.hi + 2) {
          // The minute that was open when it broke was never proved whole either.
          const lost = { lo: broken.lo - 1, hi: broken.hi };
          store.putCandles(lost, day.candles(lost, EVERYTHING));
          store.receivingFrom = broken.hi;
        }
        const isBroken = now >= broken.lo && now < broken.hi + 2;
        if (!isBroken) {
          // The minute before is sealed while the running one fills.
          if (live.lo < now) store.putLive(soFar(live), { lo: live.lo, hi: now });
          else store.putLive(soFar(live), undefined);
        } else if (now >= broken.hi) store.putLive(soFar({ lo: broken.hi, hi: now + 1 }), undefined);
        const chunk = random() < 0.5 ? waiting.pop() : undefined;
        if (chunk !== undefined) store.commit(chunk, day.contributions(chunk));

        const complete = newStore();
        complete.commit({ lo: ALL.lo, hi: now }, day.contributions({ lo: ALL.lo, hi: now }));
        complete.receivingFrom = now;
        complete.putLive(soFar({ lo: now, hi: now + 1 }), undefined);
        const finals = await setsOf(complete, at);
        for (const [i, set] of (await setsOf(store, at)).entries()) {
          expectTrue(set, finals[i]!, `${shape} ${seed}, minute ${now - LO}, ${READINGS[i]!.method}`);
          if (isBroken && set.levels.VWAP !== null) expect(set.certainty.VWAP).toBe("estimate");
          if (!isBroken && set.levels.VWAP !== null) expect(set.certainty.VWAP).toBe("exact");
        }
      }
    }),
    { numRuns: 8 },
  );
}, 60_000);

testWithData(
  [XRPETH_DAY],
  "readLevels(), no claim is ever taken back: the XRPETH day, in any order",
  async ([path = ""]) => {
    const { grid, minutes, candles } = xrpethDay(path);
    const scales = { priceScale: 8, sizeScale: 0 };
    const session: Session = utcSession(dayOfMinute(minutes[0]!.minute));
    const at = { nowMinute: session.range.hi, expectedEnd: session.range.hi };
    const newDay = () =>
      new SeriesStore({ seriesId: 1, instrument: instrumentNamed("XRPETH", scales), ...grid });
    const commit = (store: SeriesStore, { lo, hi }: MinuteRange) => {
      const own = minutes.filter(({ minute }) => minute >= lo && minute < hi);
      store.commit({ lo, hi }, { scales, ...grid, minutes: own });
    };
    const whole = newDay();
    commit(whole, session.range);
    const complete = await setsOf(whole, at, session);
    for (const seed of [1, 2]) {
      const random = seededRandom(seed);
      const store = newDay();
      store.putCandles(session.range, { scales, candles, quoteDigits: 8 });
      const chunks = Array.from({ length: 144 }, (_, i) => session.range.lo + i * 10)
        .map((lo) => ({ order: random(), range: { lo, hi: lo + 10 } }))
        .sort((a, b) => a.order - b.order);
      for (const [done, { range }] of chunks.entries()) {
        for (const [i, set] of (await setsOf(store, at, session)).entries()) {
          expectTrue(set, complete[i]!, `order ${seed}, ${done} chunks, ${READINGS[i]!.method}`);
          expect([set.certainty.VWAP, set.certainty.CD, set.certainty.ORH]).toEqual([
            "exact",
            "exact",
            "exact",
          ]);
          expect(["certain", "bounded"]).toContain(set.certainty.POC ?? "none");
        }
        commit(store, range);
      }
    }
  },
  60_000,
);

/** A store with candles of everything and no trades, and the day they were made from. */
function toldStore() {
  const day = madeDay(7, "trend", ALL);
  const store = newStore();
  store.putCandles(ALL, day.candles(ALL, EVERYTHING));
  return { day, store };
}

test("SeriesStore.distrust(), windows of those minutes take nothing from candles, and say why until it is lifted", async () => {
  const { day, store } = toldStore();
  const minutes = Coverage.of([{ lo: LO + 25, hi: LO + 26 }]);
  store.distrust(minutes, "volume 7 in the candle, 8 in the trades");
  const [set] = await setsOf(store);
  expect(set!.doubts).toEqual([
    { range: { lo: LO + 25, hi: LO + 26 }, reason: "volume 7 in the candle, 8 in the trades" },
  ]);
  expect([set!.certainty.VWAP, set!.certainty.ORH, set!.certainty.IBH, set!.certainty.PDH]).toEqual([
    null,
    null,
    "exact",
    "exact",
  ]);
  store.commit({ lo: LO, hi: LO + 20 }, day.contributions({ lo: LO, hi: LO + 20 }));
  const [partly] = await setsOf(store);
  expect([partly!.certainty.VWAP, partly!.certainty.POC, partly!.certainty.POCprev]).toEqual([
    "estimate",
    "estimate",
    "bounded",
  ]);
  const revision = store.revision;
  store.trust(minutes);
  expect(store.revision).toBeGreaterThan(revision);
  const [again] = await setsOf(store);
  expect([again!.certainty.VWAP, again!.certainty.POC, again!.doubts]).toEqual(["exact", "bounded", []]);
});

test("SeriesStore.distrust(), trades that are all there stay exact, with the doubt beside them", async () => {
  const { day, store } = toldStore();
  store.commit(ALL, day.contributions(ALL));
  store.distrust(Coverage.of([{ lo: LO + 1, hi: LO + 2 }]), "count 3 in the candle, 2 in the trades");
  const [set] = await setsOf(store);
  expect([set!.certainty.VWAP, set!.doubts.length]).toEqual(["exact", 1]);
});

test("SeriesStore.putCandles(), a candle that contradicts itself proves nothing until its trades are here", async () => {
  const { day, store } = toldStore();
  const range = { lo: LO + 40, hi: LO + 43 };
  const told = day.candles(range, EVERYTHING);
  const [first, ...others] = told.candles;
  store.putCandles(range, { ...told, candles: [{ ...first!, quoteVolume: 1n }, ...others] });
  const [set] = await setsOf(store);
  expect(set!.doubts.map(({ reason }) => reason)).toEqual([
    "the venue's candle of this minute contradicts itself in quoteVolume",
  ]);
  expect([set!.certainty.VWAP, set!.certainty.PDH]).toEqual([null, "exact"]);
  store.commit(range, day.contributions(range));
  const [after] = await setsOf(store);
  expect([after!.certainty.VWAP, after!.doubts]).toEqual(["exact", []]);
});

test("SeriesStore.putCandles(), quote volumes that the venue rounded prove nothing", async () => {
  const { day, store } = toldStore();
  store.putCandles(ALL, { ...day.candles(ALL, EVERYTHING), quoteDigits: 4 });
  const traded = LO + [...Array(20).keys()].findIndex((i) => (day.trades.get(LO + i)?.length ?? 0) > 0);
  expect(store.candleOf(traded)).toMatchObject({ quoteVolume: undefined, buyQuoteVolume: undefined });
  const [set] = await setsOf(store);
  expect([set!.certainty.VWAP, set!.certainty.HIGH, set!.certainty.CD]).toEqual([
    "bounded",
    "exact",
    "exact",
  ]);
});

test("SeriesStore.withoutCandles(), names minutes nobody told of, whether their trades are here or not", () => {
  const { day, store } = toldStore();
  const beyond = { lo: ALL.hi, hi: ALL.hi + 10 };
  store.commit(beyond, day.contributions(beyond));
  expect(store.withoutCandles({ lo: ALL.lo - 5, hi: beyond.hi })).toEqual([
    { lo: ALL.lo - 5, hi: ALL.lo },
    beyond,
  ]);
  expect(store.candleOf(ALL.lo - 1)).toBeUndefined();
  store.putCandles(beyond, day.candles(beyond, EVERYTHING));
  expect(store.withoutCandles(beyond)).toEqual([]);
  expect(store.candleOf(beyond.lo)).toBeNull();
});

test("readLevels(), a change of many minutes waits for whoever prepares, and nothing is claimed meanwhile", async () => {
  const { store } = toldStore();
  const question = { session: SESSION, asOfMs: 0, ...READINGS[0]!, ...ENDED };
  expect(levelsPending(store, question)).toBe(true);
  const before = readLevels(store, question);
  expect([before.certainty.VWAP, before.certainty.POC]).toEqual(["exact", null]);
  const revision = store.revision;
  await prepareLevels(store, question, now);
  expect(levelsPending(store, question)).toBe(false);
  expect(readLevels(store, question).certainty.POC).toBe("bounded");
  expect(store.revision).toBeGreaterThan(revision);
});

test("SeriesStore, candles leave memory with their day, and what they proved is an estimate again", async () => {
  const { day, store } = toldStore();
  store.commit({ lo: LO, hi: LO + 20 }, day.contributions({ lo: LO, hi: LO + 20 }));
  const question = { session: SESSION, asOfMs: 0, ...READINGS[0]!, ...ENDED };
  await prepareLevels(store, question, now);
  expect(readLevels(store, question).certainty.POC).toBe("bounded");
  for (let i = 1; i <= RESIDENT_DAYS_MAX + 1; i++) {
    const later = { lo: ALL.lo + i * 1_440, hi: ALL.lo + i * 1_440 + 1 };
    store.commit(later, { ...day.contributions({ lo: 0, hi: 0 }), minutes: [] });
  }
  expect(store.absentDays(ALL).length).toBe(1);
  expect(store.withoutCandles(ALL)).toEqual([ALL]);
  const loader = new DayLoader(async () => day.contributions({ lo: LO, hi: LO + 20 }));
  await loader.load(store, ALL);
  const [set] = await setsOf(store);
  expect([set!.certainty.VWAP, set!.certainty.POC, set!.certainty.IBH]).toEqual([
    "estimate",
    "estimate",
    "exact",
  ]);
  store.putCandles(ALL, day.candles(ALL, EVERYTHING));
  const [again] = await setsOf(store);
  expect([again!.certainty.VWAP, again!.certainty.POC]).toEqual(["exact", "bounded"]);
});

test("SeriesStore.putCandles(), keeps so many days at most, and pinned ones first", () => {
  const { day, store } = toldStore();
  store.pin(dayOfMinute(ALL.lo));
  for (let i = 1; i <= SKELETON_DAYS_MAX + 3; i++) {
    const range = { lo: ALL.lo + i * 1_440, hi: ALL.lo + i * 1_440 + 5 };
    store.putCandles(range, day.candles(range, EVERYTHING));
  }
  const all = { lo: ALL.lo, hi: ALL.lo + (SKELETON_DAYS_MAX + 4) * 1_440 };
  const told =
    Coverage.of([all]).size - store.withoutCandles(all).reduce((sum, { lo, hi }) => sum + hi - lo, 0);
  expect(told).toBe(ALL.hi - ALL.lo + (SKELETON_DAYS_MAX - 1) * 5);
  expect(store.withoutCandles(ALL)).toEqual([]);
});

test("readLevels(), while only the running minute is not received from its start, the candles make the best guess", async () => {
  const day = madeDay(11, "trend", ALL);
  const running = LO + 40;
  const at = { nowMinute: running, expectedEnd: running };
  const sofar = { lo: ALL.lo, hi: running };
  const store = newStore();
  store.putCandles({ lo: ALL.lo, hi: running - 1 }, day.candles({ lo: ALL.lo, hi: running - 1 }, EVERYTHING));
  const [early] = await setsOf(store, at);
  // The minute that has just ended is on its way.
  expect([early!.certainty.VWAP, early!.certainty.ORH, early!.certainty.PDH]).toEqual([
    "estimate",
    "exact",
    "exact",
  ]);
  store.putCandles(sofar, day.candles(sofar, EVERYTHING));
  const joined = { id: 1, timeMs: running * 60_000, price: 11_000, size: 5, buy: true };
  store.putLive(foldMinutes(batchOfTrades([joined]), BIN_UNITS), undefined);
  const [set] = await setsOf(store, at);
  const complete = newStore();
  complete.commit(sofar, day.contributions(sofar));
  complete.putLive(foldMinutes(batchOfTrades([joined]), BIN_UNITS), undefined);
  const [whole] = await setsOf(complete, at);
  for (const name of ["VWAP", "HIGH", "LOW", "OPEN", "LAST", "CD"] as const)
    expect([name, set!.levels[name], set!.certainty[name]]).toEqual([name, whole!.levels[name], "estimate"]);
  expect([set!.certainty.POC, set!.levels.POC === null, set!.bounds.POC]).toEqual([
    "estimate",
    false,
    undefined,
  ]);
  const [late] = await setsOf(store, { nowMinute: running + 4, expectedEnd: running + 4 });
  expect([late!.certainty.VWAP, late!.tradeCount]).toEqual(["estimate", 1]);
  expect(late!.levels.LAST).toEqual(late!.levels.OPEN);
});
