import { leastWithin, mostDifference, mostWithin } from "./moment.ts";
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

/** Adds a minute's bounds to `rows`, which reach over its range, or takes away what was added before. */
export function addMinuteBounds(minute: UnseenMinute, rows: BoundRows, sign: 1 | -1): void {
  const { firstBin, lastBin, lots, prints, moments, reserved } = minute;
  const unit = sign * minute.lotUnits;
  const known = minute.atEnds !== undefined || moments.length === 0;
  let from = 0;
  let printed = 0;
  for (let bin = firstBin; bin <= lastBin; bin++) {
    const to = lastStep(minute, bin);
    const i = bin - rows.firstBin;
    if (known || bin === firstBin || bin === lastBin) {
      rows.lower[i] = rows.lower[i]! + unit * leastLots(minute, from, to);
      rows.upper[i] = rows.upper[i]! + unit * mostLots(minute, from, to);
      printed += printsWithin(minute, from, to);
    } else if (from <= to) {
      // leastLots() and mostLots() of a bin between the ends, without their detours: most bins are one.
      const before = printed;
      while (printed < prints.length && prints[printed]! <= to) printed++;
      const inside = printed - before;
      let most = reserved ? inside : 0;
      for (let m = 0; m < moments.length; m++) most += mostWithin(moments[m]!, minute.span, from, to);
      rows.lower[i] = rows.lower[i]! + unit * inside;
      rows.upper[i] = rows.upper[i]! + unit * Math.min(most, lots - prints.length + inside);
    }
    from = to + 1;
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
