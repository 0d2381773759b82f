import type { MinuteContribution, PastPoc } from "../core/mod.ts";
import type { MinuteSpans } from "./folded-piece.ts";

type Touch = Pick<MinuteContribution, "minute" | "low" | "high">;

/**
 * Of each past POC the first minute since its session that touched its row, ascending: all that `pocTouches` needs to know of a
 * year of minutes. `days` ascend; a day whose whole range misses the row costs one comparison. Prices and `rowUnits` in price units.
 */
export function touchingMinutes(
  pasts: readonly PastPoc[],
  rowUnits: number,
  days: readonly MinuteSpans[],
): Touch[] {
  const ranges = days.map(({ lows, highs }) => ({ low: least(lows), high: greatest(highs) }));
  const found = new Map<number, Touch>();
  for (const { poc, end } of pasts) {
    const top = poc + rowUnits;
    for (const [at, day] of days.entries()) {
      const { low, high } = ranges[at]!;
      if (low >= top || high < poc || day.minutes.at(-1)! < end) continue;
      const touch = firstTouch(day, { poc, top, end });
      if (touch === undefined) continue;
      found.set(touch.minute, touch);
      break;
    }
  }
  return [...found.values()].sort((a, b) => a.minute - b.minute);
}

function firstTouch(
  { minutes, lows, highs }: MinuteSpans,
  { poc, top, end }: { readonly poc: number; readonly top: number; readonly end: number },
): Touch | undefined {
  for (let i = 0; i < minutes.length; i++)
    if (lows[i]! < top && highs[i]! >= poc && minutes[i]! >= end)
      return { minute: minutes[i]!, low: lows[i]!, high: highs[i]! };
  return undefined;
}

/** +∞ of nothing, so that no row meets a day without trades. */
function least(values: Float64Array): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function greatest(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
