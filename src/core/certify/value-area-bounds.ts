import { DEFAULT_SHARE, type EmptyRows, type Share, type ValueAreaMethod } from "../value-area.ts";
import { pocRows } from "./poc-rows.ts";
import type { ProfileBounds } from "./profile-bounds.ts";
import { highestTaken, leastTaken } from "./ranked-highest.ts";
import { lowestTop } from "./ranked-lowest.ts";
import { mirror, type VolumeBox, volumeBox } from "./volume-box.ts";
import { type AreaRows, walkedArea } from "./walk-rows.ts";

/** A closed interval of bin numbers; one bin where both ends are equal. */
export type BinInterval = readonly [low: number, high: number];

/** Intervals that hold the value area high and low of every profile within the bounds. */
export interface ValueAreaBounds {
  readonly vah: BinInterval;
  readonly val: BinInterval;
}

export interface ValueAreaBoundsOptions {
  /** Share of the volume the area holds; default 70 %. */
  readonly share?: Share;
  /** Whether rows without volume count as rows for `one_row` and `two_row`; default `count`. */
  readonly emptyRows?: EmptyRows;
  /** Bins to a row, a whole factor; default 1. The intervals are then in rows so wide. */
  readonly coarser?: number;
  /** An interval proven to hold the POC, in the same rows; default: what the bounds say themselves. */
  readonly poc?: BinInterval;
}

/**
 * Intervals that provably contain VAH and VAL, by the rules of `valueArea()` with all its ties, of every profile that
 * satisfies `bounds`. Undefined without volume. Linear in the number of rows, apart from a logarithm for `ranked`.
 *
 * @throws InvariantError when no profile satisfies the bounds, or `poc` contradicts them.
 */
export function valueAreaBounds(
  bounds: ProfileBounds,
  method: ValueAreaMethod = "ranked",
  { share = DEFAULT_SHARE, emptyRows = "count", coarser = 1, poc }: ValueAreaBoundsOptions = {},
): ValueAreaBounds | undefined {
  if (bounds.total === 0) return undefined;
  const box = volumeBox(bounds, share, coarser);
  const firstRow = Math.floor(bounds.lowBin / coarser);
  const known: BinInterval =
    poc === undefined ? [0, box.lower.length - 1] : [poc[0] - firstRow, poc[1] - firstRow];
  const area = areaRows(box, known, method, emptyRows);
  const binsOf = ([low, high]: BinInterval): BinInterval => [low + firstRow, high + firstRow];
  return { vah: binsOf(area.top), val: binsOf(area.bottom) };
}

function areaRows(
  box: VolumeBox,
  known: BinInterval,
  method: ValueAreaMethod,
  emptyRows: EmptyRows,
): AreaRows {
  const poc = pocRows(box, known);
  if (poc.least >= box.threshold) {
    // The POC alone is the area, by any method.
    const only: BinInterval = [poc.rows[0]!, poc.rows[poc.rows.length - 1]!];
    return { top: only, bottom: only };
  }
  return method === "ranked"
    ? rankedArea(box)
    : walkedArea(box, poc, method === "one_row" ? 1 : 2, emptyRows);
}

function rankedArea(box: VolumeBox): AreaRows {
  const last = box.lower.length - 1;
  const least = leastTaken(box);
  const mirrored = mirror(box);
  const top = highestTaken(box, least);
  const bottom = highestTaken(mirrored, least);
  return {
    top: [lowestTop(box, top), top],
    bottom: [last - bottom, last - lowestTop(mirrored, bottom)],
  };
}
