import { type Decimal, decimal } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import {
  type Certainty,
  type LevelName,
  type LevelSet,
  type OpeningRangeState,
  precisionLabel,
  type WindowCoverage,
} from "./level-set.ts";
import type { Session } from "./session.ts";
import { DEFAULT_SHARE, type Share, type ValueAreaMethod, valueArea } from "./value-area.ts";
import { vwap } from "./vwap.ts";
import type { WindowFold, WindowSums } from "./window-fold.ts";

/** A window of minutes folded, with what is known of it up to now. */
export interface KnownWindow<Fold extends WindowSums = WindowSums> {
  readonly fold: Fold;
  readonly coverage: WindowCoverage;
  /** Every minute of it up to now is covered, or is being received from its start without a break. */
  readonly whole: boolean;
}

export interface LevelInputs {
  readonly symbol: string;
  readonly session: Session;
  readonly asOfMs: number;
  /** Minutes before this one have ended. */
  readonly nowMinute: number;
  readonly revision: number;
  readonly scales: Scales;
  /** Width of the bins in the folds' profiles, price units. */
  readonly binUnits: number;
  readonly current: KnownWindow<WindowFold>;
  readonly previous: KnownWindow<WindowFold>;
  readonly openingRange: KnownWindow;
  readonly initialBalance: KnownWindow;
}

export interface LevelOptions {
  readonly method?: ValueAreaMethod;
  readonly share?: Share;
  /** Answers in bins this many times as wide. Default 1. */
  readonly coarser?: number;
}

/** Derives every level of a session from its folded windows. Pure: the same inputs give the same set, bit for bit. */
export function deriveLevels(
  inputs: LevelInputs,
  { method = "ranked", share = DEFAULT_SHARE, coarser = 1 }: LevelOptions = {},
): LevelSet {
  const { session, scales, current, previous, openingRange, initialBalance } = inputs;
  const { priceScale, sizeScale } = scales;
  const binUnits = inputs.binUnits * coarser;
  const price = (units: number | null): Decimal | null =>
    units === null ? null : decimal(units, priceScale);
  const area = (fold: WindowFold) => {
    const found = valueArea(fold.profile.rows(coarser), method, { share });
    const edge = (bin: number | undefined) => price(bin === undefined ? null : bin * binUnits);
    return { poc: edge(found?.poc), vah: edge(found?.vah), val: edge(found?.val) };
  };
  const today = current.fold;
  const yesterday = previous.fold;
  const todayArea = area(today);
  const yesterdayArea = area(yesterday);
  const traded = today.count > 0;

  const levels: Record<LevelName, Decimal | null> = {
    VWAP: vwap(today.quoteVolume, today.volume, scales),
    POC: todayArea.poc,
    VAH: todayArea.vah,
    VAL: todayArea.val,
    HIGH: price(today.high),
    LOW: price(today.low),
    OPEN: price(today.open),
    LAST: price(today.last),
    CD: traded ? decimal(2 * today.buyVolume - today.volume, sizeScale) : null,
    rangeToday: today.high === null || today.low === null ? null : price(today.high - today.low),
    ORH: price(openingRange.fold.high),
    ORL: price(openingRange.fold.low),
    IBH: price(initialBalance.fold.high),
    IBL: price(initialBalance.fold.low),
    PDH: price(yesterday.high),
    PDL: price(yesterday.low),
    VAHprev: yesterdayArea.vah,
    VALprev: yesterdayArea.val,
    POCprev: yesterdayArea.poc,
    VWAPprev: vwap(yesterday.quoteVolume, yesterday.volume, scales),
  };

  const certainty = Object.fromEntries(
    Object.entries(levels).map(([name, value]) => [
      name,
      certaintyOf(value, windowOf(name as LevelName, inputs)),
    ]),
  ) as Record<LevelName, Certainty | null>;

  return {
    symbol: inputs.symbol,
    session: session.name,
    asOfMs: inputs.asOfMs,
    revision: inputs.revision,
    levels,
    certainty,
    coverage: current.coverage,
    precision: precisionLabel(current.coverage),
    openingRange: openingRangeState(session, inputs.nowMinute),
    valueArea: { method, share },
    binSize: decimal(binUnits, priceScale),
    tradeCount: today.count,
    volume: decimal(today.volume, sizeScale),
  };
}

function openingRangeState({ openingRange }: Session, nowMinute: number): OpeningRangeState {
  if (nowMinute < openingRange.lo) return "pending";
  return nowMinute < openingRange.hi ? "developing" : "complete";
}

function windowOf(name: LevelName, inputs: LevelInputs): KnownWindow {
  switch (name) {
    case "ORH":
    case "ORL":
      return inputs.openingRange;
    case "IBH":
    case "IBL":
      return inputs.initialBalance;
    case "PDH":
    case "PDL":
    case "VAHprev":
    case "VALprev":
    case "POCprev":
    case "VWAPprev":
      return inputs.previous;
    default:
      return inputs.current;
  }
}

function certaintyOf(value: Decimal | null, { coverage, whole }: KnownWindow): Certainty | null {
  // A window that has not begun expects nothing: its null is not knowledge.
  if (value === null) return whole && coverage.expectedMinutes > 0 ? "exact" : null;
  return whole ? "exact" : "estimate";
}
