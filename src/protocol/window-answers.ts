import * as v from "valibot";
import {
  CERTAINTIES,
  type Doubt,
  decimal,
  formatMinute,
  formatTime,
  type GridOf,
  type KnownWindow,
  type MinuteRange,
  type PocVerdict,
  PROFILE_PERIODS,
  type ProfilePeriod,
  type Share,
  VALUE_AREA_MIGRATIONS,
  type ValueAreaMethod,
  type WindowComparison,
  type WindowLevels,
} from "../core/mod.ts";
import { coverageToWire, WireCoverage, WireValueArea } from "./level-set.ts";
import { decimalToWire, WireNumber } from "./number.ts";
import {
  boundsToWire,
  valueToWire,
  WireCertainty,
  WireInterval,
  WireWindowLevels,
  windowLevelsToWire,
} from "./window-levels.ts";

const Time = v.string();
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What every answer about windows of one symbol says of itself. */
const About = {
  symbol: v.string(),
  as_of: Time,
  revision: Count,
  bin_size: WireNumber,
};

/** Every level of one window, half-open. */
export const WireWindow = v.object({
  /** Of a session. */
  session: v.optional(v.string()),
  from: Time,
  to: Time,
  ...WireWindowLevels.entries,
  volume: WireNumber,
  trade_count: Count,
  coverage: WireCoverage,
  /** Every minute up to now is covered, or is being received without a break: all levels are exact. */
  whole: v.boolean(),
});
export type WireWindow = v.InferOutput<typeof WireWindow>;

/** `GET /api/v1/profiles/{symbol}`, oldest first. */
export const WirePeriods = v.object({
  ...About,
  period: v.picklist(PROFILE_PERIODS),
  value_area: WireValueArea,
  profiles: v.array(WireWindow),
});
export type WirePeriods = v.InferOutput<typeof WirePeriods>;

/** `GET /api/v1/compare/{symbol}`; `overlap`, `poc_shift` and `migration` are null when a window has no volume. */
export const WireComparison = v.object({
  ...About,
  value_area: WireValueArea,
  a: WireWindow,
  b: WireWindow,
  /** Common share of both profiles, 0 to 1, to 6 digits. */
  overlap: v.nullable(WireNumber),
  /** POC of b minus POC of a. */
  poc_shift: v.nullable(WireNumber),
  /** How the value area went from a to b. */
  migration: v.nullable(v.picklist(VALUE_AREA_MIGRATIONS)),
  /** How far each of the three can be trusted; null beside null. */
  certainty: v.object({
    overlap: WireCertainty,
    poc_shift: WireCertainty,
    migration: WireCertainty,
  }),
  /** Of `poc_shift` when it is `bounded`. */
  bounds: v.object({ poc_shift: v.optional(WireInterval) }),
});
export type WireComparison = v.InferOutput<typeof WireComparison>;

/** `GET /api/v1/naked-pocs/{symbol}`, the newest session first. */
export const WireNakedPocs = v.object({
  ...About,
  /** The sessions that were looked at: the last ones that have ended and traded. */
  sessions: v.array(v.string()),
  /** The last price known, null when nothing traded. */
  last: v.nullable(WireNumber),
  naked_pocs: v.array(
    v.object({
      session: v.string(),
      /** Lower edge of the row. */
      price: WireNumber,
      /** Price minus last. */
      distance: v.nullable(WireNumber),
      certainty: v.picklist(CERTAINTIES),
      /** Where the POC is proven to lie when it is `bounded`, else null: then all of this is naked. */
      bounds: v.nullable(WireInterval),
    }),
  ),
  /** Sessions that are left out although it is not proven that their POC was touched. */
  undecided: v.array(v.string()),
  /** Of all minutes from the first of the sessions until now. */
  coverage: v.nullable(WireCoverage),
});
export type WireNakedPocs = v.InferOutput<typeof WireNakedPocs>;

/** A window with its levels and what is known of it. */
export interface LevelsOfWindow extends Pick<KnownWindow, "coverage" | "whole"> {
  readonly session?: string;
  readonly range: MinuteRange;
  readonly levels: WindowLevels;
  readonly doubts: readonly Doubt[];
}

interface Answer extends GridOf {
  readonly symbol: string;
  readonly asOfMs: number;
  /** Nothing of the answer is older than this revision. */
  readonly revision: number;
  /** `binUnits` are those of the store; the answer is in bins so many times as wide. */
  readonly coarser: number;
}

interface AreaAnswer extends Answer {
  readonly method: ValueAreaMethod;
  readonly share: Share;
}

export interface KnownPeriods extends AreaAnswer {
  readonly period: ProfilePeriod;
  readonly windows: readonly LevelsOfWindow[];
}

export interface KnownComparison extends AreaAnswer {
  readonly a: LevelsOfWindow;
  readonly b: LevelsOfWindow;
  readonly comparison: WindowComparison;
}

export interface KnownNakedPocs extends Answer {
  readonly sessions: readonly string[];
  readonly last: number | null;
  /** Those that are naked. */
  readonly pocs: readonly PocVerdict[];
  readonly undecided: readonly string[];
  readonly coverage: KnownWindow["coverage"] | null;
}

export function periodsToWire(known: KnownPeriods): WirePeriods {
  return {
    ...aboutToWire(known),
    period: known.period,
    value_area: areaToWire(known),
    profiles: known.windows.map(windowToWire),
  };
}

export function comparisonToWire(known: KnownComparison): WireComparison {
  const { overlap, pocShift, migration } = known.comparison;
  const bounds = boundsToWire(pocShift);
  return {
    ...aboutToWire(known),
    value_area: areaToWire(known),
    a: windowToWire(known.a),
    b: windowToWire(known.b),
    overlap: valueToWire(overlap.value),
    poc_shift: valueToWire(pocShift.value),
    migration: migration.value,
    certainty: {
      overlap: overlap.certainty,
      poc_shift: pocShift.certainty,
      migration: migration.certainty,
    },
    bounds: bounds === undefined ? {} : { poc_shift: bounds },
  };
}

export function nakedPocsToWire(known: KnownNakedPocs): WireNakedPocs {
  const { priceScale } = known.scales;
  const price = (units: number): WireNumber => decimalToWire(decimal(units, priceScale));
  return {
    ...aboutToWire(known),
    sessions: [...known.sessions],
    last: known.last === null ? null : price(known.last),
    naked_pocs: known.pocs.map(({ session, poc, certainty, bounds }) => ({
      session,
      price: price(poc),
      distance: known.last === null ? null : price(poc - known.last),
      certainty,
      bounds: bounds === undefined ? null : [price(bounds[0]), price(bounds[1])],
    })),
    undecided: [...known.undecided],
    coverage: known.coverage && coverageToWire(known.coverage),
  };
}

function windowToWire({ session, range, levels, doubts, coverage, whole }: LevelsOfWindow): WireWindow {
  return {
    ...(session === undefined ? {} : { session }),
    from: formatMinute(range.lo),
    to: formatMinute(range.hi),
    ...windowLevelsToWire(levels, doubts),
    volume: decimalToWire(levels.volume),
    trade_count: levels.count,
    coverage: coverageToWire(coverage),
    whole,
  };
}

function aboutToWire({ symbol, asOfMs, revision, binUnits, coarser, scales }: Answer) {
  return {
    symbol,
    as_of: formatTime(asOfMs),
    revision,
    bin_size: decimalToWire(decimal(BigInt(binUnits) * BigInt(coarser), scales.priceScale)),
  };
}

function areaToWire({ method, share }: AreaAnswer) {
  return { method, share: share.part / share.whole };
}
