import * as v from "valibot";
import type { Decimal, WindowLevels } from "../core/mod.ts";
import { decimalToWire, WireNumber } from "./number.ts";

const Level = v.nullable(WireNumber);

/** Fields of every level of one window; null where nothing traded. */
export const WireWindowLevels = v.object({
  poc: Level,
  vah: Level,
  val: Level,
  vwap: Level,
  /** σ of the trades' prices around the VWAP, weighted by size. */
  deviation: Level,
  /** VWAP ± `multiple`·σ; empty where nothing traded. */
  bands: v.array(v.object({ multiple: WireNumber, lower: WireNumber, upper: WireNumber })),
  open: Level,
  high: Level,
  low: Level,
  last: Level,
  /** High − low. */
  range: Level,
  /** Aggressor-buy minus aggressor-sell volume. */
  delta: Level,
});
export type WireWindowLevels = v.InferOutput<typeof WireWindowLevels>;

export function windowLevelsToWire(levels: WindowLevels): WireWindowLevels {
  const level = (value: Decimal | null) => (value === null ? null : decimalToWire(value));
  return {
    poc: level(levels.poc),
    vah: level(levels.vah),
    val: level(levels.val),
    vwap: level(levels.vwap),
    deviation: level(levels.bands?.deviation ?? null),
    bands: (levels.bands?.bands ?? []).map(({ multiple, lower, upper }) => ({
      multiple: decimalToWire(multiple),
      lower: decimalToWire(lower),
      upper: decimalToWire(upper),
    })),
    open: level(levels.open),
    high: level(levels.high),
    low: level(levels.low),
    last: level(levels.last),
    range: level(levels.range),
    delta: level(levels.delta),
  };
}
