import { lowerSum, type VolumeBox } from "./volume-box.ts";

/** Bounds of the volume in each step of a walk to one side, the nearest first. */
export interface Steps {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** A walk from row `start`, by steps of one row or two, as bounds of the volume of each step. */
export interface Walk {
  readonly up: Steps;
  readonly down: Steps;
  readonly start: Steps;
  readonly threshold: number;
  readonly total: number;
  /** Size units between the lower bounds and the total. */
  readonly slack: number;
  /**
   * 1 where a tie goes to the other side than `up`, as it does in a mirrored box: a tie goes to the higher bin.
   */
  readonly tieAway: 0 | 1;
  /** Whether a row without volume is no step at all; then steps are single rows. */
  readonly rowsMayMiss: boolean;
}

/** `mirrored` is the mirror of `box`: what lies below the start lies above it there. */
export function walkFrom(
  box: VolumeBox,
  mirrored: VolumeBox,
  start: number,
  rowsPerStep: 1 | 2,
  rowsMayMiss: boolean,
): Walk {
  const { lower, upper, threshold, total } = box;
  return {
    up: stepsFrom(box, start + 1, rowsPerStep),
    down: stepsFrom(mirrored, lower.length - start, rowsPerStep),
    start: { lower: lower.subarray(start, start + 1), upper: upper.subarray(start, start + 1) },
    threshold,
    total,
    slack: total - lowerSum(lower),
    tieAway: box.mirrored ? 1 : 0,
    rowsMayMiss,
  };
}

function stepsFrom(box: VolumeBox, from: number, rowsPerStep: 1 | 2): Steps {
  if (rowsPerStep === 1) return { lower: box.lower.subarray(from), upper: box.upper.subarray(from) };
  const count = Math.ceil((box.lower.length - from) / 2);
  const lower = new Float64Array(count);
  const upper = new Float64Array(count);
  for (let i = 0, row = from; i < count; i++, row += 2) {
    lower[i] = box.lower[row]! + (box.lower[row + 1] ?? 0);
    // Two rows hold no more than the total together.
    upper[i] = Math.min(box.total, box.upper[row]! + (box.upper[row + 1] ?? 0));
  }
  return { lower, upper };
}
