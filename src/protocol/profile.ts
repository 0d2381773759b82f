import * as v from "valibot";
import {
  decimal,
  formatMinute,
  formatTime,
  type KnownWindow,
  type MinuteRange,
  type ProfileRows,
  precisionLabel,
  type Scales,
  type Share,
  type ValueAreaMethod,
  valueArea,
  vwap,
  type WindowFold,
} from "../core/mod.ts";
import { coverageToWire, WireCoverage, WireValueArea } from "./level-set.ts";
import { decimalToWire, unitsToWire, WireNumber } from "./number.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** All of a profile but its bins. */
export const WireProfileSummary = v.object({
  symbol: v.string(),
  /** The minutes of the profile, half-open. */
  from: v.string(),
  to: v.string(),
  as_of: v.string(),
  revision: Count,
  poc: v.nullable(WireNumber),
  vah: v.nullable(WireNumber),
  val: v.nullable(WireNumber),
  vwap: v.nullable(WireNumber),
  high: v.nullable(WireNumber),
  low: v.nullable(WireNumber),
  /** Aggressor-buy minus aggressor-sell volume. */
  delta: v.nullable(WireNumber),
  total_volume: WireNumber,
  trade_count: Count,
  coverage: WireCoverage,
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

/** The profile of any minutes with all that is needed to write it down. */
export interface KnownProfile {
  readonly symbol: string;
  readonly range: MinuteRange;
  readonly asOfMs: number;
  readonly revision: number;
  readonly scales: Scales;
  /** Width of the bins in the fold's profile, price units. */
  readonly binUnits: number;
  readonly window: KnownWindow<WindowFold>;
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
}

/** Derives a profile's levels and gives its rows by slices. */
export function viewProfile(known: KnownProfile): ProfileView {
  const { scales, window, method, share, coarser } = known;
  const { priceScale, sizeScale } = scales;
  const { fold, coverage } = window;
  const binUnits = known.binUnits * coarser;
  const rows = fold.profile.rows(coarser);
  const area = valueArea(rows, method, { share });
  const price = (units: number | null | undefined) =>
    units === null || units === undefined ? null : unitsToWire(units, priceScale);
  const edge = (bin: number | undefined) => price(bin === undefined ? null : bin * binUnits);
  const mean = vwap(fold.quoteVolume, fold.volume, scales);
  const summary: WireProfileSummary = {
    symbol: known.symbol,
    from: formatMinute(known.range.lo),
    to: formatMinute(known.range.hi),
    as_of: formatTime(known.asOfMs),
    revision: known.revision,
    poc: edge(area?.poc),
    vah: edge(area?.vah),
    val: edge(area?.val),
    vwap: mean === null ? null : decimalToWire(mean),
    high: price(fold.high),
    low: price(fold.low),
    delta:
      fold.count > 0
        ? decimalToWire(decimal(2n * BigInt(fold.buyVolume) - BigInt(fold.volume), sizeScale))
        : null,
    total_volume: unitsToWire(fold.volume, sizeScale),
    trade_count: fold.count,
    coverage: coverageToWire(coverage),
    precision: precisionLabel(coverage),
    value_area: { method, share: share.part / share.whole },
    bin_size: unitsToWire(binUnits, priceScale),
  };
  return {
    summary,
    rowCount: rows.bins.length,
    bins: (from, to) => wireBins(rows, { from, to, binUnits, scales }),
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
