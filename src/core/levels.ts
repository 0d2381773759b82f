import { type Decimal, decimal } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import { type AreaQuestion, type KnownWindow, type Reading, readArea, readSums } from "./level-reading.ts";
import {
  type Certainty,
  DOUBTS_TOLD_MAX,
  type Doubt,
  LEVEL_NAMES,
  type LevelName,
  type LevelSet,
  type OpeningRangeState,
  precisionLabel,
} from "./level-set.ts";
import type { Session } from "./session.ts";
import { DEFAULT_SHARE, type Share, type ValueAreaMethod } from "./value-area.ts";
import type { WindowFold } from "./window-fold.ts";

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
  /** Of the session and the one before it. Windows whose candles are in doubt come without proof. */
  readonly doubts?: readonly Doubt[];
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
  const { session, scales, current, previous } = inputs;
  const { priceScale, sizeScale } = scales;
  const binUnits = inputs.binUnits * coarser;
  const question: AreaQuestion = { method, share, coarser, binUnits };
  const today = readSums(current, scales);
  const todayArea = readArea(current, question, scales);
  const yesterday = readSums(previous, scales);
  const yesterdayArea = readArea(previous, question, scales);
  const openingRange = readSums(inputs.openingRange, scales);
  const initialBalance = readSums(inputs.initialBalance, scales);
  const readings: Record<LevelName, Reading> = {
    VWAP: today.vwap,
    POC: todayArea.poc,
    VAH: todayArea.vah,
    VAL: todayArea.val,
    HIGH: today.high,
    LOW: today.low,
    OPEN: today.open,
    LAST: today.last,
    CD: today.delta,
    rangeToday: today.range,
    ORH: openingRange.high,
    ORL: openingRange.low,
    IBH: initialBalance.high,
    IBL: initialBalance.low,
    PDH: yesterday.high,
    PDL: yesterday.low,
    VAHprev: yesterdayArea.vah,
    VALprev: yesterdayArea.val,
    POCprev: yesterdayArea.poc,
    VWAPprev: yesterday.vwap,
  };

  return {
    symbol: inputs.symbol,
    session: session.name,
    asOfMs: inputs.asOfMs,
    revision: inputs.revision,
    ...split(readings),
    doubts: (inputs.doubts ?? []).slice(0, DOUBTS_TOLD_MAX),
    coverage: current.coverage,
    precision: precisionLabel(current.coverage),
    openingRange: openingRangeState(session, inputs.nowMinute),
    valueArea: { method, share },
    binSize: decimal(binUnits, priceScale),
    tradeCount: current.fold.count,
    volume: decimal(current.fold.volume, sizeScale),
  };
}

function split(readings: Record<LevelName, Reading>): Pick<LevelSet, "levels" | "certainty" | "bounds"> {
  const levels: Partial<Record<LevelName, Decimal | null>> = {};
  const certainty: Partial<Record<LevelName, Certainty | null>> = {};
  const bounds: Partial<Record<LevelName, readonly [Decimal, Decimal]>> = {};
  for (const name of LEVEL_NAMES) {
    const reading = readings[name];
    levels[name] = reading.value;
    certainty[name] = reading.certainty;
    if (reading.bounds !== undefined) bounds[name] = reading.bounds;
  }
  return {
    levels: levels as Record<LevelName, Decimal | null>,
    certainty: certainty as Record<LevelName, Certainty | null>,
    bounds,
  };
}

function openingRangeState({ openingRange }: Session, nowMinute: number): OpeningRangeState {
  if (nowMinute < openingRange.lo) return "pending";
  return nowMinute < openingRange.hi ? "developing" : "complete";
}
