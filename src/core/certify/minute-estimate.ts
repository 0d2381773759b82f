import { firstStep, lastStep, lastSteps } from "./minute-bounds.ts";
import type { UnseenMinute } from "./unseen-minute.ts";

/** Volume per bin, size units: index i is bin `firstBin + i`. */
export interface EstimateRows {
  readonly firstBin: number;
  readonly estimate: Float64Array;
}

/**
 * Adds a guess of where an unseen minute's volume lies, whole lots with the right total, or takes away what was added.
 *
 * A price that wanders between low and high is seldom at its ends: the volume is spread as a triangle over the range, its
 * peak where the mean asks for it, buys and sells each by themselves. Over the recorded days it misplaces 19 % of a
 * minute's volume (stocks at 0.02, XRPETH at 1e-6); an even spread tilted to the mean 23 % and 22 %. No logarithm or power
 * is taken, so that every machine guesses the same. `ends`: {@link lastSteps} of the minute.
 */
export function addMinuteEstimate(
  minute: UnseenMinute,
  rows: EstimateRows,
  sign: 1 | -1,
  ends = lastSteps(minute),
): void {
  const { atEnds, moments, lots, reserved, prints, span } = minute;
  const unit = sign * minute.lotUnits;
  if (atEnds !== undefined) {
    addLots(minute, rows, 0, unit * atEnds[0]);
    addLots(minute, rows, span, unit * atEnds[1]);
    return;
  }
  const spread = { estimate: rows.estimate, first: minute.firstBin - rows.firstBin, ends, unit };
  if (moments.length === 0) addTriangle(spread, lots, 1 / 2);
  for (const { lots: part, moment } of moments)
    if (part > 0) addTriangle(spread, part, (moment / part + 1 / 2) / (span + 1));
  if (reserved) for (const step of prints) addLots(minute, rows, step, unit);
}

/** The guess for one bin that the minute's range touches, size units: {@link addMinuteEstimate} before it is rounded. */
export function estimatedVolume(minute: UnseenMinute, bin: number): number {
  const { atEnds, moments, lots, reserved, prints, span } = minute;
  const from = firstStep(minute, bin);
  const to = lastStep(minute, bin);
  if (from > to) return 0;
  if (atEnds !== undefined)
    return minute.lotUnits * ((from === 0 ? atEnds[0] : 0) + (to === span ? atEnds[1] : 0));
  const shareOf = (mean: number) => {
    const triangle = triangleOf(mean);
    return shareBelow(triangle, (to + 1) / (span + 1)) - shareBelow(triangle, from / (span + 1));
  };
  let guess = moments.length === 0 ? lots * shareOf(1 / 2) : 0;
  for (const { lots: part, moment } of moments)
    if (part > 0) guess += part * shareOf((moment / part + 1 / 2) / (span + 1));
  if (reserved) for (const step of prints) if (step >= from && step <= to) guess++;
  return minute.lotUnits * guess;
}

function addLots(
  { low, stepUnits, binUnits }: UnseenMinute,
  rows: EstimateRows,
  step: number,
  volume: number,
) {
  const i = Math.floor((low + step * stepUnits) / binUnits) - rows.firstBin;
  rows.estimate[i] = rows.estimate[i]! + volume;
}

/** A triangle over [low, high] ⊂ [0, 1]: 0 is the lower edge of the first step's cell, 1 the upper edge of the last one's. */
interface Triangle {
  readonly low: number;
  readonly peak: number;
  readonly high: number;
}

/**
 * The triangle of a mean in (0, 1). Over [0, 1] one has its mean between 1/3 and 2/3, by the place of its peak; beyond
 * that it stands against its end and is narrower.
 */
function triangleOf(mean: number): Triangle {
  if (mean < 1 / 3) return { low: 0, peak: 0, high: 3 * mean };
  if (mean > 2 / 3) return { low: 3 * mean - 2, peak: 1, high: 1 };
  return { low: 0, peak: 3 * mean - 1, high: 1 };
}

/** Share of a triangle's area below `x`. */
function shareBelow({ low, peak, high }: Triangle, x: number): number {
  if (x <= low) return 0;
  if (x >= high) return 1;
  if (x <= peak) return ((x - low) * (x - low)) / ((high - low) * (peak - low));
  return 1 - ((high - x) * (high - x)) / ((high - low) * (high - peak));
}

/** Where a triangle is added: the last step of each bin, the place of the first one, and what a lot is there. */
interface Spread {
  readonly estimate: Float64Array;
  readonly first: number;
  readonly ends: Float64Array;
  readonly unit: number;
}

function addTriangle({ estimate, first, ends, unit }: Spread, lots: number, mean: number): void {
  const { low, peak, high } = triangleOf(mean);
  // shareBelow() times the lots, without its divisions.
  const rising = lots / ((high - low) * (peak - low));
  const falling = lots / ((high - low) * (high - peak));
  const last = ends.length - 1;
  const stepShare = 1 / (ends[last]! + 1);
  let bin = 0;
  while (bin < last && (ends[bin]! + 1) * stepShare <= low) bin++;
  let before = 0;
  for (; bin < last; bin++) {
    const below = (ends[bin]! + 1) * stepShare;
    if (below >= high) break;
    let upTo =
      below > peak
        ? Math.floor(lots - (high - below) * (high - below) * falling + 1 / 2)
        : Math.floor((below - low) * (below - low) * rising + 1 / 2);
    // Rounding neither takes volume away nor makes any.
    if (upTo < before) upTo = before;
    else if (upTo > lots) upTo = lots;
    estimate[first + bin] = estimate[first + bin]! + unit * (upTo - before);
    before = upTo;
  }
  // What is left lies in the bin that the triangle ends in.
  estimate[first + bin] = estimate[first + bin]! + unit * (lots - before);
}
