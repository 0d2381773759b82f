import type { SkeletonCandle } from "./certify/skeleton-candle.ts";
import { formatUnits } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import type { MinuteContribution } from "./minute.ts";

/** What is compared of a minute, in this order; the first that differs is told. */
export const CHECKED_FIELDS = [
  "open",
  "high",
  "low",
  "close",
  "volume",
  "quoteVolume",
  "buyVolume",
  "rawCount",
] as const;
export type CheckedField = (typeof CHECKED_FIELDS)[number];

/** Two accounts of one minute that contradict each other. Units as in the contribution and the candle. */
export interface Mismatch {
  readonly kind: "mismatch";
  readonly field: CheckedField;
  /** What the trades fold to. */
  readonly ours: number | bigint;
  /** What the venue's candle says. */
  readonly theirs: number | bigint;
}

export type MinuteCheck = { readonly kind: "match" } | { readonly kind: "unchecked" } | Mismatch;

const MATCH: MinuteCheck = { kind: "match" };
const UNCHECKED: MinuteCheck = { kind: "unchecked" };

/**
 * Compares what a covered minute contributes (undefined: no trades) with the venue's candle of it, both at the same scales.
 * `null`: the venue shows a minute without trades; undefined: nobody told, so nothing is checked. Fields that the venue does
 * not tell are left out. A minute that only one of the two has trades in differs in its volume.
 */
export function checkMinute(
  contribution: MinuteContribution | undefined,
  candle: SkeletonCandle | null | undefined,
): MinuteCheck {
  if (candle === undefined) return UNCHECKED;
  if (contribution === undefined || candle === null) {
    const ours = contribution?.volume ?? 0;
    const theirs = candle?.volume ?? 0;
    return ours === theirs ? MATCH : { kind: "mismatch", field: "volume", ours, theirs };
  }
  for (const field of CHECKED_FIELDS) {
    const ours = contribution[field];
    const theirs = candle[field];
    if (theirs !== undefined && theirs !== ours) return { kind: "mismatch", field, ours, theirs };
  }
  return MATCH;
}

/** A compared value as decimal text: a price, a size, a quote volume or a count. */
export function checkedText(field: CheckedField, units: number | bigint, scales: Scales): string {
  switch (field) {
    case "volume":
    case "buyVolume":
      return formatUnits(units, scales.sizeScale);
    case "quoteVolume":
      return formatUnits(units, scales.priceScale + scales.sizeScale);
    case "rawCount":
      return String(units);
    default:
      return formatUnits(units, scales.priceScale);
  }
}

/**
 * 100 × (covered minutes that do not contradict the venue's candle) / expected minutes, one digit after the point, rounded
 * down: 100 means every one of them. Null while no minute is expected. `mismatchingMinutes` are covered ones.
 */
export function barQuality(minutes: {
  readonly expectedMinutes: number;
  readonly coveredMinutes: number;
  readonly mismatchingMinutes: number;
}): number | null {
  const { expectedMinutes, coveredMinutes, mismatchingMinutes } = minutes;
  if (expectedMinutes <= 0) return null;
  return Math.floor((1_000 * (coveredMinutes - mismatchingMinutes)) / expectedMinutes) / 10;
}
