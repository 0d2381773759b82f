import * as v from "valibot";
import { formatMinute, formatTime, type GridOf, type Instrument, type MinuteRange } from "../core/mod.ts";
import { unitsToWire, WireNumber } from "./number.ts";

const Digits = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Time = v.nullable(v.string());

/** One symbol of this server. What it trades in is null while the venue has not said it yet. */
export const WireSymbol = v.object({
  symbol: v.string(),
  /** Its trades arrive live. */
  followed: v.boolean(),
  /** Digits after the point that prices and sizes are exact at; they only grow. */
  price_scale: v.nullable(Digits),
  size_scale: v.nullable(Digits),
  /** Smallest step of a price, and of a size. */
  tick_size: v.nullable(WireNumber),
  lot_size: v.nullable(WireNumber),
  /** Width of the profile's bins. */
  bin_size: v.nullable(WireNumber),
  /** Start of the first minute that trades cover, and end of the last one; null while none is. There may be gaps between. */
  covered_from: Time,
  covered_to: Time,
  covered_minutes: Digits,
});
export type WireSymbol = v.InferOutput<typeof WireSymbol>;

/** `GET /api/v1/symbols`: those of SYMBOLS first, in their order. */
export const WireSymbols = v.object({ symbols: v.array(WireSymbol), timestamp: v.string() });
export type WireSymbols = v.InferOutput<typeof WireSymbols>;

/** A symbol as the server knows it; without `traded` while the venue has not said what it trades in. */
export interface KnownSymbol {
  readonly symbol: string;
  readonly followed: boolean;
  readonly traded?: {
    readonly instrument: Instrument;
    readonly grid: GridOf;
    /** From the first covered minute to the last; undefined while none is. */
    readonly covered: MinuteRange | undefined;
    readonly coveredMinutes: number;
  };
}

export function symbolsToWire(symbols: readonly KnownSymbol[], nowMs: number): WireSymbols {
  return { symbols: symbols.map(symbolToWire), timestamp: formatTime(nowMs) };
}

function symbolToWire({ symbol, followed, traded }: KnownSymbol): WireSymbol {
  const { instrument, grid, covered } = traded ?? {};
  return {
    symbol,
    followed,
    price_scale: grid?.scales.priceScale ?? null,
    size_scale: grid?.scales.sizeScale ?? null,
    tick_size: instrument === undefined ? null : unitsToWire(instrument.tickUnits, instrument.priceScale),
    lot_size: instrument === undefined ? null : unitsToWire(instrument.lotUnits, instrument.sizeScale),
    bin_size: grid === undefined ? null : unitsToWire(grid.binUnits, grid.scales.priceScale),
    covered_from: covered === undefined ? null : formatMinute(covered.lo),
    covered_to: covered === undefined ? null : formatMinute(covered.hi),
    covered_minutes: traded?.coveredMinutes ?? 0,
  };
}
