import * as v from "valibot";
import {
  type Doubt,
  formatMinute,
  formatTime,
  type KnownWindow,
  type MinuteRange,
  type ProfileRows,
  precisionLabel,
  type Scales,
  type Share,
  type ValueAreaMethod,
  type WindowFold,
  windowLevels,
} from "../core/mod.ts";
import { coverageToWire, WireCoverage, WireValueArea } from "./level-set.ts";
import { decimalToWire, unitsToWire, WireNumber } from "./number.ts";
import { WireWindowLevels, windowLevelsToWire } from "./window-levels.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** All of a profile but its bins. */
export const WireProfileSummary = v.object({
  symbol: v.string(),
  /** The minutes of the profile, half-open. */
  from: v.string(),
  to: v.string(),
  as_of: v.string(),
  revision: Count,
  /** Of a composite: the names of its sessions. */
  sessions: v.optional(v.array(v.string())),
  ...WireWindowLevels.entries,
  total_volume: WireNumber,
  trade_count: Count,
  coverage: WireCoverage,
  /** Every minute up to now is covered, or is being received without a break: all levels are exact. */
  whole: v.boolean(),
  precision: v.string(),
  value_area: WireValueArea,
  bin_size: WireNumber,
});
export type WireProfileSummary = v.InferOutput<typeof WireProfileSummary>;

/** One row: lower edge of the bin, its volume, the aggressor-buy part of it. */
export const WireBin = v.tuple([WireNumber, WireNumber, WireNumber]);
export type WireBin = v.InferOutput<typeof WireBin>;

/** `GET /api/v1/profile/{symbol}`: the summary and the bins that hold volume, ascending. */
export const WireProfile = v.object({ ...WireProfileSummary.entries, bins: v.array(WireBin) });
export type WireProfile = v.InferOutput<typeof WireProfile>;

/** What a route that knows `bins=false` answers: with it, `bins` is absent. */
export const ProfileAnswer = v.object({
  ...WireProfileSummary.entries,
  bins: v.optional(WireProfile.entries.bins),
});

/** The profile of any minutes with all that is needed to write it down. */
export interface KnownProfile {
  readonly symbol: string;
  readonly range: MinuteRange;
  /** Of a composite: the names of its sessions, which lie in the range. */
  readonly sessions?: readonly string[];
  readonly asOfMs: number;
  readonly revision: number;
  readonly scales: Scales;
  /** Width of the bins in the fold's profile, price units. */
  readonly binUnits: number;
  readonly window: KnownWindow<WindowFold>;
  /** Why candles of the window are not believed. */
  readonly doubts?: readonly Doubt[];
  readonly method: ValueAreaMethod;
  readonly share: Share;
  /** Answers in bins this many times as wide. */
  readonly coarser: number;
}

/** The rows of a profile, folded but not yet written, so that writing can take turns with other work. */
export interface ProfileView {
  readonly summary: WireProfileSummary;
  readonly rowCount: number;
  /** Rows `[from, to)` as they cross the wire. */
  bins(from: number, to: number): WireBin[];
  /** Gives back the memory of a profile that is nobody else's: of rows not gathered by then, none can be asked for. */
  release(): void;
}

/** Derives a profile's levels and gives its rows by slices; they are gathered when the first is asked for. */
export function viewProfile(known: KnownProfile): ProfileView {
  const { scales, window, method, share, coarser, sessions } = known;
  const { fold, coverage, whole } = window;
  const binUnits = known.binUnits * coarser;
  const levels = windowLevels(window, { scales, binUnits: known.binUnits }, { method, share, coarser });
  const summary: WireProfileSummary = {
    symbol: known.symbol,
    from: formatMinute(known.range.lo),
    to: formatMinute(known.range.hi),
    ...(sessions === undefined ? {} : { sessions: [...sessions] }),
    as_of: formatTime(known.asOfMs),
    revision: known.revision,
    ...windowLevelsToWire(levels, known.doubts),
    total_volume: decimalToWire(levels.volume),
    trade_count: levels.count,
    coverage: coverageToWire(coverage),
    whole,
    precision: precisionLabel(coverage),
    value_area: { method, share: share.part / share.whole },
    bin_size: unitsToWire(binUnits, scales.priceScale),
  };
  let gathered: ProfileRows | undefined;
  const rows = () => {
    gathered ??= fold.profile.rows(coarser);
    return gathered;
  };
  return {
    summary,
    get rowCount() {
      return rows().bins.length;
    },
    bins: (from, to) => wireBins(rows(), { from, to, binUnits, scales }),
    release: () => fold.profile.release(),
  };
}

/** A whole profile at once, for small ones. */
export function profileToWire(known: KnownProfile): WireProfile {
  const view = viewProfile(known);
  return { ...view.summary, bins: view.bins(0, view.rowCount) };
}

function wireBins(
  { bins, volumes, buyVolumes }: ProfileRows,
  slice: { readonly from: number; readonly to: number; readonly binUnits: number; readonly scales: Scales },
): WireBin[] {
  const { priceScale, sizeScale } = slice.scales;
  const written: WireBin[] = [];
  const end = Math.min(slice.to, bins.length);
  for (let row = slice.from; row < end; row++) {
    written.push([
      unitsToWire(bins[row]! * slice.binUnits, priceScale),
      unitsToWire(volumes[row]!, sizeScale),
      unitsToWire(buyVolumes[row]!, sizeScale),
    ]);
  }
  return written;
}
