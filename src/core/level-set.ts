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
 * How far a value can be trusted, against what the complete tape gives up to `asOfMs`. `exact`: equals it. `certain`: is
 * proven to equal it, though trades are missing. `bounded`: a guess within an interval that is proven to hold it.
 * `estimate`: a guess. `certain` and `bounded` are proven from the venue's own candles of the missing minutes; so is
 * `exact` for what those candles tell.
 */
export const CERTAINTIES = ["exact", "certain", "bounded", "estimate"] as const;
export type Certainty = (typeof CERTAINTIES)[number];

/** Minutes whose candles prove nothing, because they contradict the trades or themselves. */
export interface Doubt {
  readonly range: MinuteRange;
  readonly reason: string;
}

/** Doubts that a level set names, at most; the oldest ones. */
export const DOUBTS_TOLD_MAX = 20;

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
  /** Of `bounded` levels, and of no others: the closed interval that is proven to hold the final value. */
  readonly bounds: Readonly<Partial<Record<LevelName, readonly [low: Decimal, high: Decimal]>>>;
  /** Why candles of its windows are not believed; oldest first, at most {@link DOUBTS_TOLD_MAX}. */
  readonly doubts: readonly Doubt[];
  readonly coverage: WindowCoverage;
  readonly precision: string;
  readonly openingRange: OpeningRangeState;
  readonly valueArea: { readonly method: ValueAreaMethod; readonly share: Share };
  readonly binSize: Decimal;
  readonly tradeCount: number;
  readonly volume: Decimal;
}

/** Covered share in [0, 1], rounded down to 4 digits so that 1 means complete. An empty window is complete. */
export function coverageRatio({ expectedMinutes, coveredMinutes }: Omit<WindowCoverage, "missing">): number {
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
