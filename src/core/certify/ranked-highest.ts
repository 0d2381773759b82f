import { fewestReaching } from "./largest-gains.ts";
import { lowestPassing } from "./lowest-passing.ts";
import { tieBefore, type VolumeBox } from "./volume-box.ts";

/**
 * What is known of the least volume with which a row can be taken: with `fails` or less none can, with `passes` or more
 * the larger rows can be kept below the threshold. Narrowed by every search; both sides of the profile share it.
 */
export interface CutLevel {
  fails: number;
  passes: number;
}

export function openCutLevel(): CutLevel {
  return { fails: 0, passes: Number.POSITIVE_INFINITY };
}

/**
 * The highest row that `ranked` can take. If a row cannot, no row with a smaller upper bound can, nor one with an equal
 * bound that comes after it: so only rows that exceed all above them come into question, and then, among equal
 * volumes, rows that come before them.
 */
export function highestTaken(box: VolumeBox, level: CutLevel): number {
  const { upper } = box;
  const records: number[] = [];
  let largest = 0;
  for (let i = upper.length - 1; i >= 0; i--) {
    if (upper[i]! <= largest) continue;
    largest = upper[i]!;
    records.push(i);
  }
  // The largest bound of all passes whatever it is: it is the last.
  const gains = new Float64Array(upper.length);
  const from = lowestPassing(records.length - 1, (middle) => {
    const volume = upper[records[middle]!]!;
    if (volume > level.fails && volume < level.passes) {
      if (canBeTaken(box, volume, undefined, gains)) level.passes = volume;
      else level.fails = volume;
    }
    return volume > level.fails;
  });
  const row = records[from]!;
  if (canBeTaken(box, upper[row]!, row, gains)) return row;
  const equals = equalRows(box, row);
  if (canBeTaken(box, upper[row]!, equals[equals.length - 1]!, gains)) return firstTaken(box, equals, gains);
  return records[Math.min(from + 1, records.length - 1)]!;
}

/** `row` and rows of its volume below it, each coming before the last, as far down as no row is larger. */
function equalRows(box: VolumeBox, row: number): number[] {
  const { upper } = box;
  const volume = upper[row]!;
  const rows = [row];
  let nearest = row;
  for (let i = row - 1; i >= 0 && upper[i]! <= volume; i--) {
    if (upper[i] !== volume) continue;
    // Beyond the middle they only get worse.
    if (!tieBefore(box, i, nearest)) break;
    rows.push(i);
    nearest = i;
  }
  return rows;
}

/** The first of rows of equal volume, each before the one above it, that can be taken; the last one can. */
function firstTaken(box: VolumeBox, rows: readonly number[], gains: Float64Array): number {
  const found = lowestPassing(rows.length - 1, (middle) => {
    const row = rows[middle]!;
    return canBeTaken(box, box.upper[row]!, row, gains);
  });
  return rows[found]!;
}

/**
 * Whether the rows that come before a row of `volume` can hold less than the threshold together; if not, no row of that
 * volume or less is taken. Without `row` equal volumes count as behind it, which is true of some row at best; with `row`
 * by its place among equal volumes.
 *
 * A row whose lower bound lies above is before it for sure. The others hold up to `volume` without coming before it; what
 * the total then still lacks goes first to the rows that are before it anyhow, each unit costing one, then to the
 * fewest rows that can take it, each costing `volume` besides.
 */
function canBeTaken(box: VolumeBox, volume: number, row: number | undefined, gains: Float64Array): boolean {
  const { lower, upper, total, threshold } = box;
  const [tiesFrom, tiesTo] = row === undefined ? NO_ROWS : tiedBefore(box, row);
  let before = 0;
  let spare = 0;
  let room = 0;
  let open = 0;
  for (let i = 0; i < lower.length; i++) {
    const low = lower[i]!;
    const up = upper[i]!;
    const most = i >= tiesFrom && i < tiesTo ? volume - 1 : volume;
    if (low > most) {
      before += low;
      spare += up - low;
    } else if (up > most) {
      room += most;
      gains[open++] = up - most;
    } else room += up;
  }
  if (before >= threshold) return false;
  const lacking = total - before - room;
  if (lacking <= 0) return true;
  if (before + lacking >= threshold) return false;
  if (lacking <= spare) return true;
  const crossing = fewestReaching(gains, open, lacking - spare);
  // With ties a crossing row costs at least one less.
  const cost = row === undefined ? volume : volume - 1;
  return crossing !== undefined && before + lacking + crossing.taken * cost < threshold;
}

const NO_ROWS = [0, 0] as const;

/** The rows [from, to) that come before `row` among rows of equal volume: those between it and its image about the middle. */
function tiedBefore({ lower, mirrored }: VolumeBox, row: number): readonly [from: number, to: number] {
  const image = lower.length - 1 - row;
  // Of the two the lower bin comes first: the higher row of a mirrored box.
  if (image > row) return [row + 1, mirrored ? image + 1 : image];
  return [mirrored ? image + 1 : image, row];
}
