import * as v from "valibot";
import {
  CERTAINTIES,
  coverageRatio,
  formatMinute,
  formatTime,
  LEVEL_NAMES,
  type LevelName,
  type LevelSet,
  VALUE_AREA_METHODS,
  type WindowCoverage,
} from "../core/mod.ts";
import { JobStatus } from "./job-status.ts";
import { decimalToWire, WireNumber } from "./number.ts";

const Time = v.string();
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Which minutes of a window are known; `missing` are half-open `[from, to)`. */
export const WireCoverage = v.object({
  expected_minutes: Count,
  covered_minutes: Count,
  /** In [0, 1], rounded down, so that 1 means complete. */
  ratio: v.number(),
  missing: v.array(v.tuple([Time, Time])),
});
export type WireCoverage = v.InferOutput<typeof WireCoverage>;

export const WireValueArea = v.object({ method: v.picklist(VALUE_AREA_METHODS), share: v.number() });

/** The backfill that works on a level set's session. */
export const BackfillOfLevels = v.object({ job_id: v.string(), status: JobStatus, percentage: v.number() });
export type BackfillOfLevels = v.InferOutput<typeof BackfillOfLevels>;

/** A level set as HTTP answers it and as `levels:…` channels push it. A level that is not known is null, never 0 and never absent. */
export const WireLevelSet = v.object({
  symbol: v.string(),
  session: v.string(),
  as_of: Time,
  revision: Count,
  levels: v.object(v.entriesFromList(LEVEL_NAMES, v.nullable(WireNumber))),
  /** Null beside a level that is not known and may yet come. */
  certainty: v.object(v.entriesFromList(LEVEL_NAMES, v.nullable(v.picklist(CERTAINTIES)))),
  /**
   * Proven intervals of `bounded` levels, `[low, high]` by level name; empty while nothing is bounded. Null stands only in a
   * set that was put together from changes, beside a level that is no longer bounded.
   */
  bounds: v.record(v.string(), v.nullable(v.tuple([WireNumber, WireNumber]))),
  /** Why candles of its windows are not believed, the oldest first; half-open `[from, to)`. Empty when nothing is in doubt. */
  doubts: v.array(v.object({ from: Time, to: Time, reason: v.string() })),
  coverage: WireCoverage,
  precision: v.string(),
  value_area: WireValueArea,
  opening_range: v.picklist(["pending", "developing", "complete"]),
  bin_size: WireNumber,
  trade_count: Count,
  volume: WireNumber,
  backfill: v.nullable(BackfillOfLevels),
});
export type WireLevelSet = v.InferOutput<typeof WireLevelSet>;

/** A level set as it crosses the wire, with the backfill that works on its session, or null when none does. */
export function levelSetToWire(set: LevelSet, backfill: BackfillOfLevels | null): WireLevelSet {
  return {
    symbol: set.symbol,
    session: set.session,
    as_of: formatTime(set.asOfMs),
    revision: set.revision,
    levels: eachLevel((name) => {
      const value = set.levels[name];
      return value === null ? null : decimalToWire(value);
    }),
    certainty: eachLevel((name) => set.certainty[name]),
    bounds: boundsToWire(set.bounds),
    doubts: set.doubts.map(({ range, reason }) => ({
      from: formatMinute(range.lo),
      to: formatMinute(range.hi),
      reason,
    })),
    coverage: coverageToWire(set.coverage),
    precision: set.precision,
    value_area: {
      method: set.valueArea.method,
      share: set.valueArea.share.part / set.valueArea.share.whole,
    },
    opening_range: set.openingRange,
    bin_size: decimalToWire(set.binSize),
    trade_count: set.tradeCount,
    volume: decimalToWire(set.volume),
    backfill,
  };
}

function boundsToWire(bounds: LevelSet["bounds"]): WireLevelSet["bounds"] {
  const wire: WireLevelSet["bounds"] = {};
  for (const name of LEVEL_NAMES) {
    const interval = bounds[name];
    if (interval !== undefined) wire[name] = [decimalToWire(interval[0]), decimalToWire(interval[1])];
  }
  return wire;
}

export function coverageToWire(coverage: WindowCoverage): WireCoverage {
  return {
    expected_minutes: coverage.expectedMinutes,
    covered_minutes: coverage.coveredMinutes,
    ratio: coverageRatio(coverage),
    missing: coverage.missing.map(({ lo, hi }) => [formatMinute(lo), formatMinute(hi)]),
  };
}

function eachLevel<T>(of: (name: LevelName) => T): Record<LevelName, T> {
  return {
    VWAP: of("VWAP"),
    POC: of("POC"),
    VAH: of("VAH"),
    VAL: of("VAL"),
    HIGH: of("HIGH"),
    LOW: of("LOW"),
    OPEN: of("OPEN"),
    LAST: of("LAST"),
    CD: of("CD"),
    rangeToday: of("rangeToday"),
    ORH: of("ORH"),
    ORL: of("ORL"),
    IBH: of("IBH"),
    IBL: of("IBL"),
    PDH: of("PDH"),
    PDL: of("PDL"),
    VAHprev: of("VAHprev"),
    VALprev: of("VALprev"),
    POCprev: of("POCprev"),
    VWAPprev: of("VWAPprev"),
  };
}
