import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  deriveLevels,
  foldMinutes,
  foldSums,
  foldWindow,
  formatDecimal,
  formatUnits,
  intersectRanges,
  LEVEL_NAMES,
  type LevelInputs,
  type LevelName,
  type LevelSet,
  type MinuteRange,
  rangeLength,
  type Scales,
  TradeBatchBuilder,
  utcSession,
  VALUE_AREA_METHODS,
} from "../../src/core/mod.ts";

const SCALES: Scales = { priceScale: 1, sizeScale: 2 };
const BIN_UNITS = 5;
const session = utcSession(18_180);
const { lo: DAY } = session.range;

/** Minute of the session, price and size in units, aggressor. */
type Print = readonly [minute: number, price: number, size: number, buy?: boolean];

/** Inputs as a store would hand them over: prints of the session and the day before, with what is covered until now. */
function inputsOf(
  prints: readonly Print[],
  { now = 1_440, missing = [] }: { readonly now?: number; readonly missing?: readonly MinuteRange[] } = {},
): LevelInputs {
  const builder = new TradeBatchBuilder("aggregate", SCALES);
  [...prints]
    .sort(([a], [b]) => a - b)
    .forEach(([minute, price, size, buy = true], id) => {
      builder.push({
        id,
        timeUs: (DAY + minute) * 60_000_000,
        price: formatUnits(price, 1),
        size: formatUnits(size, 2),
        firstId: id,
        lastId: id,
        buy,
      });
    });
  const { minutes } = foldMinutes(builder.build(), BIN_UNITS);
  const inside = ({ lo, hi }: MinuteRange) => minutes.filter((m) => lo <= m.minute && m.minute < hi);
  const coverageOf = (range: MinuteRange) => {
    const begun = { lo: range.lo, hi: Math.min(range.hi, DAY + now) };
    const gaps = missing
      .map(({ lo, hi }) => intersectRanges({ lo: DAY + lo, hi: DAY + hi }, begun))
      .filter((gap) => gap !== undefined);
    const expectedMinutes = rangeLength(begun);
    const missed = gaps.reduce((sum, gap) => sum + rangeLength(gap), 0);
    return { expectedMinutes, coveredMinutes: expectedMinutes - missed, missing: gaps };
  };
  const known = (range: MinuteRange) => {
    const coverage = coverageOf(range);
    return { coverage, whole: coverage.coveredMinutes >= coverage.expectedMinutes };
  };
  const window = (range: MinuteRange) => ({ fold: foldWindow(inside(range)), ...known(range) });
  const sums = (range: MinuteRange) => ({ fold: foldSums(inside(range)), ...known(range) });
  return {
    symbol: "binance:XRPETH",
    session,
    asOfMs: (DAY + now) * 60_000,
    nowMinute: DAY + now,
    revision: 7,
    scales: SCALES,
    binUnits: BIN_UNITS,
    current: window(session.range),
    previous: window(session.previous),
    openingRange: sums(session.openingRange),
    initialBalance: sums(session.initialBalance),
  };
}

function printed(set: LevelSet): Record<LevelName, string | null> {
  const entries = LEVEL_NAMES.map((name) => {
    const value = set.levels[name];
    return [name, value === null ? null : formatDecimal(value)] as const;
  });
  return Object.fromEntries(entries) as Record<LevelName, string | null>;
}

const PRINTS: readonly Print[] = [
  [-900, 900, 300],
  [-800, 950, 100, false],
  [0, 1_000, 100],
  [30, 1_020, 300],
  [70, 1_050, 200, false],
  [480, 1_030, 50],
  [489, 990, 50, false],
  [490, 1_100, 10],
];

test("deriveLevels(), derives every level of a complete session", () => {
  const set = deriveLevels(inputsOf(PRINTS));
  expect(printed(set)).toEqual({
    VWAP: "102.535",
    POC: "102",
    VAH: "105",
    VAL: "102",
    HIGH: "110",
    LOW: "99",
    OPEN: "100",
    LAST: "110",
    CD: "2.1",
    rangeToday: "11",
    ORH: "103",
    ORL: "99",
    IBH: "102",
    IBL: "100",
    PDH: "95",
    PDL: "90",
    VAHprev: "90",
    VALprev: "90",
    POCprev: "90",
    VWAPprev: "91.25",
  });
  expect(Object.values(set.certainty).every((c) => c === "exact")).toBe(true);
  expect(set).toMatchObject({
    symbol: "binance:XRPETH",
    session: "2019-10-11",
    revision: 7,
    precision: "PRECISE",
    openingRange: "complete",
    tradeCount: 6,
    volume: { units: 710n, scale: 2 },
    binSize: { units: 5n, scale: 1 },
    valueArea: { method: "ranked", share: { part: 7, whole: 10 } },
  });
});

test("deriveLevels(), carries every level, null where nothing is known", () => {
  const set = deriveLevels(inputsOf([], { missing: [{ lo: -1_440, hi: 1_440 }] }));
  expect(Object.keys(set.levels).sort()).toEqual([...LEVEL_NAMES].sort());
  expect(Object.values(set.levels).every((value) => value === null)).toBe(true);
  expect(Object.values(set.certainty).every((value) => value === null)).toBe(true);
  expect(set.precision).toBe("IMPRECISE (backfill pending)");
});

test("deriveLevels(), knows that a level does not exist when the window is complete and empty", () => {
  const { levels, certainty } = deriveLevels(inputsOf([]));
  expect([levels.VWAP, levels.CD, levels.rangeToday, certainty.VWAP, certainty.PDH]).toEqual([
    null,
    null,
    null,
    "exact",
    "exact",
  ]);
});

test("deriveLevels(), takes each level's certainty from its own window", () => {
  const { certainty, precision, coverage } = deriveLevels(
    inputsOf(PRINTS, { missing: [{ lo: 485, hi: 500 }] }),
  );
  expect([certainty.VWAP, certainty.ORH, certainty.ORL]).toEqual(["estimate", "estimate", "estimate"]);
  expect([certainty.IBH, certainty.PDH, certainty.VWAPprev]).toEqual(["exact", "exact", "exact"]);
  expect(precision).toBe("IMPRECISE (backfill 98.9%)");
  expect(coverage.missing).toEqual([{ lo: DAY + 485, hi: DAY + 500 }]);
  const other = deriveLevels(inputsOf(PRINTS, { missing: [{ lo: -10, hi: 0 }] }));
  expect([other.certainty.PDH, other.certainty.POCprev, other.certainty.VWAP, other.precision]).toEqual([
    "estimate",
    "estimate",
    "exact",
    "PRECISE",
  ]);
});

describe("deriveLevels(), the opening range", () => {
  test.each([
    [479, "pending", null, null, null],
    [480, "developing", null, null, null],
    [481, "developing", "103", "103", "exact"],
    [489, "developing", "103", "103", "exact"],
    [490, "complete", "103", "99", "exact"],
  ] as const)("at minute %i is %s", (now, state, high, low, certainty) => {
    const known = PRINTS.filter(([minute]) => minute < now);
    const set = deriveLevels(inputsOf(known, { now }));
    expect(set.openingRange).toBe(state);
    expect([printed(set).ORH, printed(set).ORL, set.certainty.ORH]).toEqual([high, low, certainty]);
  });
});

test("deriveLevels(), answers in coarser bins, labelled by their lower edges", () => {
  const set = deriveLevels(inputsOf(PRINTS), { coarser: 4 });
  expect(printed(set)).toMatchObject({ POC: "102", VAH: "104", VAL: "102", VWAP: "102.535" });
  expect(formatDecimal(set.binSize)).toBe("2");
});

test("deriveLevels(), names the value area's method and share", () => {
  const share = { part: 1, whole: 1 };
  for (const method of VALUE_AREA_METHODS) {
    const set = deriveLevels(inputsOf(PRINTS), { method, share });
    expect(set.valueArea).toEqual({ method, share });
    expect(printed(set)).toMatchObject({ VAH: "110", VAL: "99" });
  }
});

test("deriveLevels(), keeps the order of its levels for any prints", () => {
  const print = fc.tuple(
    fc.integer({ min: -1_440, max: 1_439 }),
    fc.integer({ min: 1, max: 5_000 }),
    fc.integer({ min: 1, max: 10_000 }),
    fc.boolean(),
  );
  const method = fc.constantFrom(...VALUE_AREA_METHODS);
  fc.assert(
    fc.property(fc.array(print, { minLength: 1, maxLength: 40 }), method, (prints, method) => {
      const { levels, tradeCount, volume } = deriveLevels(inputsOf(prints), { method });
      expect(tradeCount).toBe(prints.filter(([minute]) => minute >= 0).length);
      if (tradeCount === 0) return;
      const units = (name: LevelName) => levels[name]!.units;
      expect(units("LOW") * 100n <= units("VWAP") && units("VWAP") <= units("HIGH") * 100n).toBe(true);
      expect(units("VAL") <= units("POC") && units("POC") <= units("VAH")).toBe(true);
      // A bin is labelled by its lower edge, so VAL may lie below the low by less than a bin.
      expect(units("LOW") - BigInt(BIN_UNITS) < units("VAL") && units("VAH") <= units("HIGH")).toBe(true);
      expect(units("rangeToday")).toBe(units("HIGH") - units("LOW"));
      const delta = units("CD");
      expect((delta < 0n ? -delta : delta) <= volume.units).toBe(true);
    }),
  );
});

test("deriveLevels(), gives the same set for the same inputs, bit for bit", () => {
  expect(deriveLevels(inputsOf(PRINTS))).toEqual(deriveLevels(inputsOf(PRINTS)));
});
