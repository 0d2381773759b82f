import { type BandReadings, readBands } from "./band-reading.ts";
import { type Decimal, decimal } from "./decimal.ts";
import {
  type AreaReadings,
  type KnownWindow,
  readArea,
  readSums,
  type SumReadings,
} from "./level-reading.ts";
import type { LevelOptions } from "./levels.ts";
import type { GridOf } from "./minute.ts";
import { DEFAULT_SHARE } from "./value-area.ts";
import type { WindowFold } from "./window-fold.ts";

/** Every level of one window with how far it can be trusted; null where nothing is known to have traded. */
export interface WindowLevels extends SumReadings, AreaReadings, BandReadings {
  /** Of the trades at hand. */
  readonly volume: Decimal;
  /** Trades at hand, as the tape counts them. */
  readonly count: number;
}

export interface WindowLevelOptions extends LevelOptions {
  /** Standard deviations of the VWAP's bands. Default 1, 2, 3. */
  readonly bandMultiples?: readonly Decimal[];
}

/**
 * The levels of any window: a session, a period, or a composite of several. Rules as in {@link deriveLevels}: POC, VAH and
 * VAL are lower edges of their rows, the VWAP and its bands come from the trades and not from the rows.
 */
export function windowLevels(
  window: KnownWindow<WindowFold>,
  { scales, binUnits }: GridOf,
  { method = "ranked", share = DEFAULT_SHARE, coarser = 1, bandMultiples }: WindowLevelOptions = {},
): WindowLevels {
  return {
    ...readSums(window, scales),
    ...readArea(window, { method, share, coarser, binUnits: binUnits * coarser }, scales),
    ...readBands(window, scales, bandMultiples),
    volume: decimal(window.fold.volume, scales.sizeScale),
    count: window.fold.count,
  };
}
