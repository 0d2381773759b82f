import { addMostBetween, leastWithin, mostDifference, mostWithin } from "./moment.ts";
import type { UnseenMinute } from "./unseen-minute.ts";

/** Volume per bin, size units: index i is bin `firstBin + i`. */
export interface BoundRows {
  readonly firstBin: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Proven bounds of the volume in each bin that an unseen minute's range touches. */
export function minuteBounds(minute: UnseenMinute): BoundRows {
  const size = minute.lastBin - minute.firstBin + 1;
  const rows = { firstBin: minute.firstBin, lower: new Float64Array(size), upper: new Float64Array(size) };
  addMinuteBounds(minute, rows, 1);
  return rows;
}

/**
 * Adds a minute's bounds to `rows`, which reach over its range, or takes away what was added before. `ends`: {@link lastSteps}
 * of the minute.
 */
export function addMinuteBounds(
  minute: UnseenMinute,
  rows: BoundRows,
  sign: 1 | -1,
  ends = lastSteps(minute),
): void {
  const { firstBin, lots, prints, moments, reserved, span } = minute;
  const { lower, upper } = rows;
  const unit = sign * minute.lotUnits;
  const first = firstBin - rows.firstBin;
  const last = ends.length - 1;
  const add = (bin: number, least: number, most: number) => {
    lower[first + bin] = lower[first + bin]! + unit * least;
    upper[first + bin] = upper[first + bin]! + unit * most;
  };
  const addAny = (bin: number) => {
    const from = bin === 0 ? 0 : ends[bin - 1]! + 1;
    add(bin, leastLots(minute, from, ends[bin]!), mostLots(minute, from, ends[bin]!));
  };
  if (minute.atEnds !== undefined || moments.length === 0) {
    for (let bin = 0; bin <= last; bin++) addAny(bin);
    return;
  }
  addAny(0);
  if (last > 0) addAny(last);
  // leastLots() and mostLots() of the bins between the ends, without their detours: most bins are one.
  const mosts = new Float64Array(ends.length);
  for (let m = 0; m < moments.length; m++) addMostBetween(moments[m]!, span, ends, mosts);
  let printed = printsWithin(minute, 0, ends[0]!);
  for (let bin = 1; bin < last; bin++) {
    let inside = 0;
    while (printed + inside < prints.length && prints[printed + inside]! <= ends[bin]!) inside++;
    printed += inside;
    const most = Math.min(mosts[bin]! + (reserved ? inside : 0), lots - prints.length + inside);
    if (ends[bin]! > ends[bin - 1]!) add(bin, inside, most);
  }
}

/** The most, and the least, that the volume in a bin can be: size units. */
export function mostVolume(minute: UnseenMinute, bin: number): number {
  return minute.lotUnits * mostLots(minute, firstStep(minute, bin), lastStep(minute, bin));
}
export function leastVolume(minute: UnseenMinute, bin: number): number {
  return minute.lotUnits * leastLots(minute, firstStep(minute, bin), lastStep(minute, bin));
}

/**
 * The most that the volume in `bin` minus the volume in `less`, two different bins, can be: size units. Never more than
 * the one's most minus the other's least, and less where both cannot be had at once.
 */
export function mostVolumeDifference(minute: UnseenMinute, bin: number, less: number): number {
  return mostVolume(minute, bin) - leastVolume(minute, less) - differenceSlack(minute, bin, less);
}

/** By how much that difference is below the one's most minus the other's least: size units. */
export function differenceSlack(minute: UnseenMinute, bin: number, less: number): number {
  const { moments, span, atEnds, reserved } = minute;
  if (atEnds !== undefined || moments.length === 0) return 0;
  const from = firstStep(minute, bin);
  const to = lastStep(minute, bin);
  const lessFrom = firstStep(minute, less);
  const lessTo = lastStep(minute, less);
  const apart = mostLots(minute, from, to) - leastLots(minute, lessFrom, lessTo);
  let together = reserved ? printsWithin(minute, from, to) - printsWithin(minute, lessFrom, lessTo) : 0;
  for (const moment of moments) together += mostDifference(moment, span, from, to, lessFrom, lessTo);
  return Math.max(0, apart - together) * minute.lotUnits;
}

/** The highest step in each bin that the minute's range touches, or in one below where a bin holds none. */
export function lastSteps({ firstBin, lastBin, low, stepUnits, binUnits, span }: UnseenMinute): Float64Array {
  const ends = new Float64Array(lastBin - firstBin + 1);
  for (let i = 0; i < ends.length; i++)
    ends[i] = Math.ceil(((firstBin + i + 1) * binUnits - low) / stepUnits) - 1;
  ends[ends.length - 1] = span;
  return ends;
}

/** Lowest and highest step of the minute that lie in a bin; the first is above the last where none does. */
export function firstStep({ low, stepUnits, binUnits }: UnseenMinute, bin: number): number {
  return Math.max(0, Math.ceil((bin * binUnits - low) / stepUnits));
}
export function lastStep({ low, stepUnits, binUnits, span }: UnseenMinute, bin: number): number {
  return Math.min(span, Math.ceil(((bin + 1) * binUnits - low) / stepUnits) - 1);
}

function mostLots(minute: UnseenMinute, from: number, to: number): number {
  const { moments, lots, span, prints, reserved, atEnds } = minute;
  if (from > to) return 0;
  if (atEnds !== undefined) return lotsAtEnds(atEnds, from, to, span);
  const inside = printsWithin(minute, from, to);
  const room = lots - (prints.length - inside);
  if (moments.length === 0) return room;
  let most = reserved ? inside : 0;
  for (const moment of moments) most += mostWithin(moment, span, from, to);
  return Math.min(most, room);
}

function leastLots(minute: UnseenMinute, from: number, to: number): number {
  const { moments, lots, span, reserved, atEnds } = minute;
  if (from > to) return 0;
  if (atEnds !== undefined) return lotsAtEnds(atEnds, from, to, span);
  if (from === 0 && to === span) return lots;
  const inside = printsWithin(minute, from, to);
  // A range between the ends can be left empty by any mean, but for its prints.
  if (from > 0 && to < span) return inside;
  let least = reserved ? inside : 0;
  for (const moment of moments) least += leastWithin(moment, span, from, to);
  return Math.max(least, inside);
}

function lotsAtEnds([low, high]: readonly [number, number], from: number, to: number, span: number): number {
  return (from === 0 ? low : 0) + (to === span ? high : 0);
}

function printsWithin({ prints }: UnseenMinute, from: number, to: number): number {
  let count = 0;
  for (const step of prints) if (step >= from && step <= to) count++;
  return count;
}
