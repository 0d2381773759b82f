import {
  foldMinutes,
  type MinuteContribution,
  type MinuteContributions,
  minuteOfUs,
  type Scales,
  sliceBatch,
  type TradeBatch,
  type Turns,
} from "../core/mod.ts";

/** Trades folded before other work gets its turn; about 2 ms. */
const ROWS_PER_TURN = 10_000;

/** Bin size of a series at the scales of a batch, which may be finer than those it was created with. */
export function binUnitsAt(
  series: { readonly priceScale: number; readonly binUnits: number },
  scales: Scales,
): number {
  return series.binUnits * 10 ** (scales.priceScale - series.priceScale);
}

/**
 * {@link foldMinutes} in turns, so that a chunk of any size never blocks the event loop. The batch is in id order, and
 * where times run back over a minute's edge the minutes on both sides are folded in one turn.
 */
export async function foldInTurns(
  batch: TradeBatch,
  binUnits: number,
  turns: Turns,
): Promise<MinuteContributions> {
  if (batch.length <= ROWS_PER_TURN) return turns.take(() => foldMinutes(batch, binUnits));
  const lowestFrom = lowestMinutes(batch);
  const minutes: MinuteContribution[] = [];
  let from = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < batch.length; row++) {
    highest = Math.max(highest, minuteOfUs(batch.timeUs[row]!));
    const last = row + 1 === batch.length;
    if (!last && (row + 1 - from < ROWS_PER_TURN || lowestFrom[row + 1]! <= highest)) continue;
    const slice = sliceBatch(batch, from, row + 1);
    minutes.push(...(await turns.take(() => foldMinutes(slice, binUnits).minutes)));
    from = row + 1;
  }
  return { scales: batch.scales, binUnits, minutes };
}

/** For each row the lowest minute that it or any later row lies in. */
function lowestMinutes({ timeUs, length }: TradeBatch): Float64Array {
  const lowest = new Float64Array(length);
  let minute = Number.POSITIVE_INFINITY;
  for (let row = length - 1; row >= 0; row--) {
    minute = Math.min(minute, minuteOfUs(timeUs[row]!));
    lowest[row] = minute;
  }
  return lowest;
}
