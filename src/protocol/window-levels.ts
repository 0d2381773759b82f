import * as v from "valibot";
import {
  CERTAINTIES,
  type Decimal,
  type Doubt,
  formatMinute,
  type Reading,
  type WindowLevels,
} from "../core/mod.ts";
import { decimalToWire, WireNumber } from "./number.ts";

const Level = v.nullable(WireNumber);

/** Levels of a window that have a certainty; bands are as good as `vwap` and `deviation` together. */
const READ_LEVELS = [
  ...(["poc", "vah", "val", "vwap", "deviation"] as const),
  ...(["open", "high", "low", "last", "range", "delta"] as const),
] as const;
type ReadLevel = (typeof READ_LEVELS)[number];

/** Null beside a level that is not known and may yet come. */
export const WireCertainty = v.nullable(v.picklist(CERTAINTIES));
/** A closed interval that is proven to hold a value. */
export const WireInterval = v.tuple([WireNumber, WireNumber]);
/** Why candles of some minutes are not believed, half-open. */
export const WireDoubt = v.object({ from: v.string(), to: v.string(), reason: v.string() });
export type WireDoubt = v.InferOutput<typeof WireDoubt>;

/** Fields of every level of one window; null where nothing is known to have traded. */
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
  /** How far each level can be trusted. */
  certainty: v.object(v.entriesFromList(READ_LEVELS, WireCertainty)),
  /** Of `bounded` levels, by name, and of no others. */
  bounds: v.record(v.string(), WireInterval),
  /** The oldest first. */
  doubts: v.array(WireDoubt),
});
export type WireWindowLevels = v.InferOutput<typeof WireWindowLevels>;

export function windowLevelsToWire(levels: WindowLevels, doubts: readonly Doubt[] = []): WireWindowLevels {
  const level = (name: ReadLevel) => valueToWire(levels[name].value);
  return {
    poc: level("poc"),
    vah: level("vah"),
    val: level("val"),
    vwap: level("vwap"),
    deviation: level("deviation"),
    bands: levels.bands.map(({ multiple, lower, upper }) => ({
      multiple: decimalToWire(multiple),
      lower: decimalToWire(lower),
      upper: decimalToWire(upper),
    })),
    open: level("open"),
    high: level("high"),
    low: level("low"),
    last: level("last"),
    range: level("range"),
    delta: level("delta"),
    certainty: certaintyOf(levels),
    bounds: Object.fromEntries(
      READ_LEVELS.flatMap((name) => {
        const bounds = boundsToWire(levels[name]);
        return bounds === undefined ? [] : [[name, bounds]];
      }),
    ),
    doubts: doubts.map(({ range, reason }) => ({
      from: formatMinute(range.lo),
      to: formatMinute(range.hi),
      reason,
    })),
  };
}

export function valueToWire(value: Decimal | null): WireNumber | null {
  return value === null ? null : decimalToWire(value);
}

/** Undefined beside all but a `bounded` value. */
export function boundsToWire({ bounds }: Pick<Reading, "bounds">): [WireNumber, WireNumber] | undefined {
  return bounds && [decimalToWire(bounds[0]), decimalToWire(bounds[1])];
}

function certaintyOf(levels: Readonly<Record<ReadLevel, Reading>>): WireWindowLevels["certainty"] {
  const of = (name: ReadLevel) => levels[name].certainty;
  return {
    poc: of("poc"),
    vah: of("vah"),
    val: of("val"),
    vwap: of("vwap"),
    deviation: of("deviation"),
    open: of("open"),
    high: of("high"),
    low: of("low"),
    last: of("last"),
    range: of("range"),
    delta: of("delta"),
  };
}
