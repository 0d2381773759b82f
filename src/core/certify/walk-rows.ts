import type { EmptyRows } from "../value-area.ts";
import { mirrorPoc, type PocRows } from "./poc-rows.ts";
import { presentRows, topOfAnyPairs } from "./present-rows.ts";
import { mirror, type VolumeBox } from "./volume-box.ts";
import { mostStepsUp } from "./walk-highest.ts";
import { fewestStepsUp } from "./walk-lowest.ts";
import { walkFrom } from "./walk-steps.ts";

type Range = readonly [low: number, high: number];

/** Bounds of the highest and of the lowest row of an area. */
export interface AreaRows {
  readonly top: Range;
  readonly bottom: Range;
}

type TopOf = (box: VolumeBox, mirrored: VolumeBox, poc: PocRows) => Range;

/** The lowest row is the highest of the mirrored box. */
function bothEnds(box: VolumeBox, poc: PocRows, topOf: TopOf): AreaRows {
  const mirrored = mirror(box);
  const last = box.lower.length - 1;
  const [low, high] = topOf(mirrored, box, mirrorPoc(poc, box.lower.length));
  return { top: topOf(box, mirrored, poc), bottom: [last - high, last - low] };
}

/** The rows that can end an area grown from the POC by one row (`one_row`) or two (`two_row`) at a time. */
export function walkedArea(box: VolumeBox, poc: PocRows, rowsPerStep: 1 | 2, emptyRows: EmptyRows): AreaRows {
  if (emptyRows === "count") return bothEnds(box, poc, topOfWalks(rowsPerStep, false));
  const present = presentRows(box, poc);
  const { top, bottom } =
    rowsPerStep === 1
      ? bothEnds(present.box, present.poc, topOfWalks(1, true))
      : walkedPairs(present.box, present.poc);
  const rowOf = ([low, high]: Range): Range => [present.rows[low]!, present.rows[high]!];
  return { top: rowOf(top), bottom: rowOf(bottom) };
}

/** Pairs are known where every row the walk can look at holds volume for sure. */
function walkedPairs(box: VolumeBox, poc: PocRows): AreaRows {
  const loose = bothEnds(box, poc, (box, _, poc) => topOfAnyPairs(box, poc));
  const last = Math.min(box.lower.length - 1, loose.top[1] + 2);
  for (let row = Math.max(0, loose.bottom[0] - 2); row <= last; row++) if (box.lower[row] === 0) return loose;
  return bothEnds(box, poc, topOfWalks(2, false));
}

/**
 * The highest POC gives the highest top and the lowest the lowest one. For pairs that holds among POCs whose rows are an
 * even number apart: their pairs coincide.
 */
function topOfWalks(rowsPerStep: 1 | 2, rowsMayMiss: boolean): TopOf {
  return (box, mirrored, poc) => {
    const last = box.lower.length - 1;
    let low = last;
    let high = 0;
    for (const [lowest, highest] of startsOf(poc, rowsPerStep)) {
      const from = walkFrom(box, mirrored, lowest, rowsPerStep, rowsMayMiss);
      const to = highest === lowest ? from : walkFrom(box, mirrored, highest, rowsPerStep, rowsMayMiss);
      low = Math.min(low, lowest + rowsPerStep * fewestStepsUp(from));
      high = Math.max(high, Math.min(last, highest + rowsPerStep * mostStepsUp(to, poc.extra)));
    }
    return [low, high];
  };
}

function startsOf({ rows }: PocRows, rowsPerStep: 1 | 2): Range[] {
  const starts: Range[] = [];
  for (let parity = 0; parity < rowsPerStep; parity++) {
    const same = rows.filter((row) => rowsPerStep === 1 || row % 2 === parity);
    if (same.length > 0) starts.push([same[0]!, same[same.length - 1]!]);
  }
  return starts;
}
