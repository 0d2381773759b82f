import { type Decimal, decimal, divideHalfEven } from "./decimal.ts";
import type { Reading } from "./level-reading.ts";
import type { Certainty } from "./level-set.ts";
import type { ProfileRows } from "./profile-rows.ts";
import type { ValueArea } from "./value-area.ts";
import type { WindowFold } from "./window-fold.ts";
import type { WindowLevels } from "./window-levels.ts";

/**
 * How the value area of a window lies to that of the window before it, in the terms of Dalton's "Mind over Markets".
 * `inside` and `outside` include a common edge; `overlapping_*` moved on both edges and share a row.
 */
export const VALUE_AREA_MIGRATIONS = [
  "higher",
  "overlapping_higher",
  "lower",
  "overlapping_lower",
  "inside",
  "outside",
  "unchanged",
] as const;
export type ValueAreaMigration = (typeof VALUE_AREA_MIGRATIONS)[number];

/** Digits that an overlap is rounded to. */
export const OVERLAP_DIGITS = 6;
/** Doubles whose products differ by more than this part of the larger are in the right order: each is off by 2^-53. */
const ORDER_MARGIN = 2 ** -50;

/** How the value area went, null when one of the windows has none. */
export interface MigrationReading {
  readonly value: ValueAreaMigration | null;
  readonly certainty: Exclude<Certainty, "bounded"> | null;
}

export interface WindowComparison {
  /** Common share of both profiles, 0 to 1, of the trades at hand. */
  readonly overlap: Reading;
  /** POC of the later window minus that of the earlier. */
  readonly pocShift: Reading;
  readonly migration: MigrationReading;
}

type VolumeRows = Pick<ProfileRows, "bins" | "volumes">;

/** A window to be compared, with its levels. */
export interface ComparedWindow {
  readonly fold: WindowFold;
  readonly whole: boolean;
  readonly levels: Pick<WindowLevels, "poc" | "vah" | "val">;
}

/**
 * Compares two windows of one grid, their rows `coarser` bins wide. What needs the levels of a window without volume is null.
 *
 * The overlap is Σ over rows of min(share of the earlier window's volume, share of the later one's), an exact fraction
 * rounded once, half to even: 1 for profiles of one shape, 0 without a common row.
 */
export function compareWindows(
  earlier: ComparedWindow,
  later: ComparedWindow,
  coarser: number,
): WindowComparison {
  return {
    overlap: readOverlap(earlier, later, coarser),
    pocShift: readShift(earlier.levels.poc, later.levels.poc),
    migration: readMigration(earlier.levels, later.levels),
  };
}

function readOverlap(earlier: ComparedWindow, later: ComparedWindow, coarser: number): Reading {
  if (earlier.fold.volume === 0 || later.fold.volume === 0) return { value: null, certainty: null };
  const [before, after] = [earlier.fold.profile.volumeRows(coarser), later.fold.profile.volumeRows(coarser)];
  return {
    value: overlapOf(before, earlier.fold.volume, after, later.fold.volume),
    certainty: earlier.whole && later.whole ? "exact" : "estimate",
  };
}

/** The ends of a proven value; undefined of an estimate. */
function endsOf({ value, certainty, bounds }: Reading): readonly [low: Decimal, high: Decimal] | undefined {
  if (value === null || certainty === "estimate") return undefined;
  return bounds ?? [value, value];
}

/** As good as the worse of what it follows from, which is all proven. */
function provenBy(...readings: readonly Reading[]): "exact" | "certain" {
  return readings.every(({ certainty }) => certainty === "exact") ? "exact" : "certain";
}

function readShift(from: Reading, to: Reading): Reading {
  if (from.value === null || to.value === null) return { value: null, certainty: null };
  // Edges of rows of one grid: their scale is that of the prices.
  const minus = (a: Decimal, b: Decimal) => decimal(a.units - b.units, a.scale);
  const value = minus(to.value, from.value);
  const [before, after] = [endsOf(from), endsOf(to)];
  if (before === undefined || after === undefined) return { value, certainty: "estimate" };
  const bounds = [minus(after[0], before[1]), minus(after[1], before[0])] as const;
  if (bounds[0].units === bounds[1].units) return { value, certainty: provenBy(from, to) };
  return { value, certainty: "bounded", bounds };
}

/** Proven where it is the same between all ends of the edges' intervals: whoever moves between them crosses no other answer. */
function readMigration(from: Pick<WindowLevels, "vah" | "val">, to: typeof from): MigrationReading {
  const edges = [from.val, from.vah, to.val, to.vah];
  const values = edges.map(({ value }) => value);
  if (!values.every((value) => value !== null)) return { value: null, certainty: null };
  const value = migrationAt(values);
  const ends = edges.map(endsOf);
  if (!ends.every((each) => each !== undefined)) return { value, certainty: "estimate" };
  for (let corner = 0; corner < 2 ** ends.length; corner++)
    if (migrationAt(ends.map((each, at) => each[(corner >> at) & 1 ? 1 : 0])) !== value)
      return { value, certainty: "estimate" };
  return { value, certainty: provenBy(...edges) };
}

function migrationAt(edges: readonly Decimal[]): ValueAreaMigration {
  const [val, vah, laterVal, laterVah] = edges.map(({ units }) => Number(units));
  return migrationOf({ val: val!, vah: vah! }, { val: laterVal!, vah: laterVah! });
}

/** How the value area went from one window to the next. */
export function migrationOf(from: Omit<ValueArea, "poc">, to: Omit<ValueArea, "poc">): ValueAreaMigration {
  const low = Math.sign(to.val - from.val);
  const high = Math.sign(to.vah - from.vah);
  if (low === 0 && high === 0) return "unchanged";
  if (low > 0 && high > 0) return to.val > from.vah ? "higher" : "overlapping_higher";
  if (low < 0 && high < 0) return to.vah < from.val ? "lower" : "overlapping_lower";
  return low <= 0 && high >= 0 ? "outside" : "inside";
}

function overlapOf(a: VolumeRows, totalA: number, b: VolumeRows, totalB: number): Decimal {
  const [wholeA, wholeB] = [BigInt(totalA), BigInt(totalB)];
  // min(va/A, vb/B) = min(va·B, vb·A) / (A·B): the rows where a's share is the smaller one add up apart from b's.
  let ofA = 0;
  let ofB = 0;
  let i = 0;
  let j = 0;
  while (i < a.bins.length && j < b.bins.length) {
    const step = a.bins[i]! - b.bins[j]!;
    if (step < 0) i++;
    else if (step > 0) j++;
    else {
      const va = a.volumes[i++]!;
      const vb = b.volumes[j++]!;
      const [x, y] = [va * totalB, vb * totalA];
      const clear = Math.abs(x - y) > Math.max(x, y) * ORDER_MARGIN;
      if (clear ? x < y : BigInt(va) * wholeB < BigInt(vb) * wholeA) ofA += va;
      else ofB += vb;
    }
  }
  const common = BigInt(ofA) * wholeB + BigInt(ofB) * wholeA;
  return decimal(divideHalfEven(common * 10n ** BigInt(OVERLAP_DIGITS), wholeA * wholeB), OVERLAP_DIGITS);
}
