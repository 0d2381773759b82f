import * as v from "valibot";
import { type Decimal, formatDecimal, formatUnits, invariant } from "../core/mod.ts";

/** Every decimal of so many significant digits survives the way through a double (DBL_DIG of IEEE 754 binary64). */
export const SIGNIFICANT_DIGITS_MAX = 15;
/** Integers below this have at most {@link SIGNIFICANT_DIGITS_MAX} digits. */
const UNITS_EXACT_MAX = 1e15;
/** 10^22 is the largest power of ten that a double holds exactly. */
const SCALE_EXACT_MAX = 22;
/** Characters of a decimal written as text. */
const TEXT_CHARS_MAX = 100;

const DECIMAL_TEXT = /^-?\d+(?:\.\d+)?$/;

/** A price or size on the wire: a JSON number that prints exactly, or the decimal as a string where none does. */
export const WireNumber = v.union([
  v.pipe(v.number(), v.finite()),
  v.pipe(v.string(), v.maxLength(TEXT_CHARS_MAX), v.regex(DECIMAL_TEXT, 'expected a decimal such as "0.01"')),
]);
export type WireNumber = v.InferOutput<typeof WireNumber>;

/** The JSON number of a decimal text when it has at most 15 significant digits and prints back to the same value, else the text. */
export function toWireNumber(text: string): WireNumber {
  invariant(DECIMAL_TEXT.test(text), `"${text}" is no decimal text`);
  const value = Number(text);
  const canonical = canonicalOf(text);
  if (canonical.digits.length > SIGNIFICANT_DIGITS_MAX) return text;
  const printed = canonicalOf(String(value));
  const same =
    printed.digits === canonical.digits &&
    printed.exponent === canonical.exponent &&
    printed.negative === canonical.negative;
  return same ? value : text;
}

/** The wire form of an exact decimal. */
export function decimalToWire(value: Decimal): WireNumber {
  return toWireNumber(formatDecimal(value));
}

/**
 * The wire form of `units × 10^-scale`, without going through text where it can: the quotient of two exact doubles is rounded
 * correctly, so it is the double that the decimal's text parses to. Made for long rows.
 */
export function unitsToWire(units: number | bigint, scale: number): WireNumber {
  const small = Number(units);
  if (Math.abs(small) < UNITS_EXACT_MAX && scale <= SCALE_EXACT_MAX) return small / 10 ** scale;
  return toWireNumber(formatUnits(units, scale));
}

/** A wire number as plain decimal text, never with an exponent: `1e-7` → `"0.0000001"`. */
export function wireText(value: WireNumber): string {
  if (typeof value === "string") return value;
  const { negative, digits, exponent } = canonicalOf(String(value));
  if (digits === "") return "0";
  const sign = negative ? "-" : "";
  if (exponent >= 0) return `${sign}${digits}${"0".repeat(exponent)}`;
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** `±digits × 10^exponent` without zeros at either end; no digits at all for zero. */
interface Canonical {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

function canonicalOf(text: string): Canonical {
  const negative = text.startsWith("-");
  const [mantissa = "", power = "0"] = (negative ? text.slice(1) : text).split("e", 2);
  const [whole = "", fraction = ""] = mantissa.split(".", 2);
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return { negative: false, digits: "", exponent: 0 };
  return { negative, digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
}
