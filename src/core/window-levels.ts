import { type Decimal, decimal } from "./decimal.ts";
import type { LevelOptions } from "./levels.ts";
import type { GridOf } from "./minute.ts";
import { DEFAULT_SHARE, valueArea } from "./value-area.ts";
import { vwap } from "./vwap.ts";
import { DEFAULT_BAND_MULTIPLES, type VwapBands, vwapBands } from "./vwap-bands.ts";
import type { WindowFold } from "./window-fold.ts";

/** Every level of one window; null where nothing traded. */
export interface WindowLevels {
  readonly vwap: Decimal | null;
  readonly bands: VwapBands | null;
  readonly poc: Decimal | null;
  readonly vah: Decimal | null;
  readonly val: Decimal | null;
  readonly open: Decimal | null;
  readonly high: Decimal | null;
  readonly low: Decimal | null;
  readonly last: Decimal | null;
  /** High − low. */
  readonly range: Decimal | null;
  /** Aggressor-buy minus aggressor-sell volume. */
  readonly delta: Decimal | null;
  readonly volume: Decimal;
  /** Trades as the tape counts them. */
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
  fold: WindowFold,
  { scales, binUnits }: GridOf,
  {
    method = "ranked",
    share = DEFAULT_SHARE,
    coarser = 1,
    bandMultiples = DEFAULT_BAND_MULTIPLES,
  }: WindowLevelOptions = {},
): WindowLevels {
  const { priceScale, sizeScale } = scales;
  const price = (units: number | null): Decimal | null =>
    units === null ? null : decimal(units, priceScale);
  const area = valueArea(fold.profile.rows(coarser), method, { share });
  const edge = (bin: number | undefined) => price(bin === undefined ? null : bin * binUnits * coarser);
  const { high, low } = fold;
  return {
    vwap: vwap(fold.quoteVolume, fold.volume, scales),
    bands: vwapBands(fold, scales, bandMultiples),
    poc: edge(area?.poc),
    vah: edge(area?.vah),
    val: edge(area?.val),
    open: price(fold.open),
    high: price(high),
    low: price(low),
    last: price(fold.last),
    range: price(high === null || low === null ? null : high - low),
    delta: fold.count > 0 ? decimal(2n * BigInt(fold.buyVolume) - BigInt(fold.volume), sizeScale) : null,
    volume: decimal(fold.volume, sizeScale),
    count: fold.count,
  };
}
