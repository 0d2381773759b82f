import type { Decimal } from "./decimal.ts";
import type { MinuteRange } from "./time-range.ts";
import type { Share, ValueAreaMethod } from "./value-area.ts";

/** Every level by its name on the wire. */
export const LEVEL_NAMES = [
  "VWAP",
  "POC",
  "VAH",
  "VAL",
  "HIGH",
  "LOW",
  "OPEN",
  "LAST",
  "CD",
  "rangeToday",
  "ORH",
  "ORL",
  "IBH",
  "IBL",
  "PDH",
  "PDL",
  "VAHprev",
  "VALprev",
  "POCprev",
  "VWAPprev",
] as const;
export type LevelName = (typeof LEVEL_NAMES)[number];

/**
 * How far a value can be trusted. `exact`: equals what the complete tape gives, up to `asOfMs`. `estimate`: minutes of
 * its window are missing. (`certain` and `bounded` need the venue's candles and are not claimed without them.)
 */
export type Certainty = "exact" | "estimate";

/** Which minutes of a window are known. */
export interface WindowCoverage {
  readonly expectedMinutes: number;
  readonly coveredMinutes: number;
  readonly missing: readonly MinuteRange[];
}

export type OpeningRangeState = "pending" | "developing" | "complete";

/** The levels of one session of one symbol. There is no form of it without coverage and revision. */
export interface LevelSet {
  readonly symbol: string;
  readonly session: string;
  readonly asOfMs: number;
  /** Counts the changes of the store that this set was derived from. */
  readonly revision: number;
  /** Null where a level is not known. */
  readonly levels: Readonly<Record<LevelName, Decimal | null>>;
  /** Null beside a level that is not known and may yet come. */
  readonly certainty: Readonly<Record<LevelName, Certainty | null>>;
  readonly coverage: WindowCoverage;
  readonly precision: string;
  readonly openingRange: OpeningRangeState;
  readonly valueArea: { readonly method: ValueAreaMethod; readonly share: Share };
  readonly binSize: Decimal;
  readonly tradeCount: number;
  readonly volume: Decimal;
}

/** Covered share in [0, 1], rounded down to 4 digits so that 1 means complete. An empty window is complete. */
export function coverageRatio({ expectedMinutes, coveredMinutes }: WindowCoverage): number {
  if (coveredMinutes >= expectedMinutes) return 1;
  return Math.floor((coveredMinutes * 10_000) / expectedMinutes) / 10_000;
}

/** Covered share in percent, rounded down to 1 digit so that 100 means complete. */
export function coveragePercentage({ expectedMinutes, coveredMinutes }: WindowCoverage): number {
  if (coveredMinutes >= expectedMinutes) return 100;
  return Math.floor((coveredMinutes * 1_000) / expectedMinutes) / 10;
}

/** `PRECISE`, `IMPRECISE (backfill 42.1%)` or `IMPRECISE (backfill pending)`. */
export function precisionLabel(coverage: WindowCoverage): string {
  if (coverage.coveredMinutes >= coverage.expectedMinutes) return "PRECISE";
  if (coverage.coveredMinutes === 0) return "IMPRECISE (backfill pending)";
  return `IMPRECISE (backfill ${coveragePercentage(coverage).toFixed(1)}%)`;
}
