import {
  foldMinutes,
  type MinuteContribution,
  type MinuteContributions,
  minuteOfUs,
  type Scales,
  sliceBatch,
  type TradeBatch,
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
 * {@link foldMinutes} in turns, so that a chunk of any size never blocks the event loop. The batch is in time order but for
 * trades that share a minute's edge; minutes that come back later are folded together at the end.
 */
export async function foldInTurns(
  batch: TradeBatch,
  binUnits: number,
  yieldTurn: () => Promise<void>,
): Promise<MinuteContributions> {
  if (batch.length <= ROWS_PER_TURN || !ascendingMinutes(batch)) return foldMinutes(batch, binUnits);
  const minutes: MinuteContribution[] = [];
  for (let from = 0; from < batch.length; ) {
    let to = Math.min(batch.length, from + ROWS_PER_TURN);
    while (to < batch.length && minuteOfUs(batch.timeUs[to]!) === minuteOfUs(batch.timeUs[to - 1]!)) to++;
    minutes.push(...foldMinutes(sliceBatch(batch, from, to), binUnits).minutes);
    from = to;
    await yieldTurn();
  }
  return { scales: batch.scales, binUnits, minutes };
}

function ascendingMinutes(batch: TradeBatch): boolean {
  for (let i = 1; i < batch.length; i++)
    if (minuteOfUs(batch.timeUs[i]!) < minuteOfUs(batch.timeUs[i - 1]!)) return false;
  return true;
}
