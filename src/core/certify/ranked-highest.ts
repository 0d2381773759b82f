import { fewestReaching } from "./largest-gains.ts";
import { leastPassing } from "./least-passing.ts";
import { lowestPassing } from "./lowest-passing.ts";
import { tieBefore, type VolumeBox } from "./volume-box.ts";

/**
 * The least volume with which a row can be taken wherever it stands, for both ends of the area: with less, the rows that hold
 * more reach the threshold in any case.
 */
export function leastTaken(box: VolumeBox): number {
  const { total, threshold } = box;
  const gains = new Float64Array(box.upper.length);
  return leastPassing(box, {
    bySums: ({ before, spare, room }) => {
      if (before >= threshold) return false;
      const lacking = total - before - room;
      if (lacking > 0 && before + lacking >= threshold) return false;
      return lacking <= spare ? true : undefined;
    },
    exactly: (volume) => canBeTaken(box, volume, undefined, gains),
  });
}

/**
 * The highest row that `ranked` can take, where `least` is the least volume with which one can. A larger one can whatever its
 * place among equal volumes, for it can come last among those of one less. If a row of just that volume cannot, no row with
 * an equal bound that comes after it can either: then it is one that comes before, or else the next that is larger.
 */
export function highestTaken(box: VolumeBox, least: number): number {
  const { upper } = box;
  let row = upper.length - 1;
  while (row > 0 && upper[row]! < least) row--;
  if (upper[row]! > least) return row;
  const gains = new Float64Array(upper.length);
  if (canBeTaken(box, least, row, gains)) return row;
  const equals = equalRows(box, row);
  if (canBeTaken(box, least, equals[equals.length - 1]!, gains)) return firstTaken(box, equals, gains);
  for (let i = row - 1; i >= 0; i--) if (upper[i]! > least) return i;
  return row;
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
