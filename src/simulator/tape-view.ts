import { MS_PER_MINUTE, type TradeBatch, US_PER_MS } from "../core/mod.ts";
import type { Market } from "./market.ts";

/** Rows `[from, to)` of a batch. */
export interface TapePart {
  readonly batch: TradeBatch;
  readonly from: number;
  readonly to: number;
}

/** A market as a range of positions that times, ids and pages are cut from. */
export interface TapeView {
  /** Position of the first trade at or after a time, ms since the epoch. */
  positionAtMs(ms: number): number;
  /** Positions `[from, to)` as runs of rows, oldest first. */
  parts(from: number, to: number): TapePart[];
}

export function createTapeView(market: Market): TapeView {
  const { span } = market;
  return {
    positionAtMs(ms) {
      const minute = Math.floor(ms / MS_PER_MINUTE);
      if (minute < span.lo) return market.positionAt(span.lo);
      if (minute >= span.hi) return market.positionAt(span.hi);
      const { timeUs, length } = market.tradesOf(minute);
      const us = ms * US_PER_MS;
      let low = 0;
      let high = length;
      while (low < high) {
        const mid = (low + high) >>> 1;
        if (timeUs[mid]! >= us) high = mid;
        else low = mid + 1;
      }
      return market.positionAt(minute) + low;
    },
    parts(from, to) {
      const parts: TapePart[] = [];
      let position = from;
      while (position < to) {
        const minute = market.minuteOfPosition(position);
        const start = market.positionAt(minute);
        const batch = market.tradesOf(minute);
        const end = Math.min(batch.length, to - start);
        parts.push({ batch, from: position - start, to: end });
        position = start + end;
      }
      return parts;
    },
  };
}
