import { invariant } from "./invariant.ts";
import type { MinuteContribution } from "./minute.ts";

/** A contribution in bins `coarser` times as wide; its sums stay as they are. */
export function coarserMinute(minute: MinuteContribution, coarser: number): MinuteContribution {
  invariant(Number.isSafeInteger(coarser) && coarser > 0, `bins grow by whole factors, got ${coarser}`);
  if (coarser === 1) return minute;
  const { bins, binVolumes, binBuyVolumes } = minute;
  const wide = new Float64Array(bins.length);
  const volumes = new Float64Array(bins.length);
  const buyVolumes = new Float64Array(bins.length);
  let row = -1;
  for (let i = 0; i < bins.length; i++) {
    const bin = Math.floor(bins[i]! / coarser);
    if (row < 0 || wide[row] !== bin) wide[++row] = bin;
    volumes[row] = volumes[row]! + binVolumes[i]!;
    buyVolumes[row] = buyVolumes[row]! + binBuyVolumes[i]!;
  }
  return {
    ...minute,
    bins: wide.slice(0, row + 1),
    binVolumes: volumes.slice(0, row + 1),
    binBuyVolumes: buyVolumes.slice(0, row + 1),
  };
}
