/**
 * Exact decimals as integers: `units = value × 10^scale`.
 *
 * A venue sends decimal strings. They become safe integers here without passing through a float, and
 * become text again by moving the point, so that nothing is rounded on the way in or out.
 */
import { invariant } from "./invariant.ts";

/** An exact decimal: `units × 10^-scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export type DecimalFault = "syntax" | "scale" | "range";

/** A decimal string that cannot become units: what was read, what was wrong with it. */
export class DecimalError extends Error {
  override readonly name = "DecimalError";
  readonly fault: DecimalFault;
  readonly text: string;
  constructor(fault: DecimalFault, text: string, message: string) {
    super(message);
    this.fault = fault;
    this.text = text;
  }
}

/** The largest scale in use; 10^18 still fits the DECIMAL(18) columns of the tape. */
export const SCALE_MAX = 18;

/** Of a faulty text, what a message shows. */
const SHOWN_CHARS_MAX = 40;

const ZERO = 48;
const NINE = 57;
const POINT = 46;

/**
 * Fraction digits that carry a value: `"23.00000000"` → 0, `"0.00141342"` → 8. Looks at the digits behind the point
 * only; {@link parseUnits} checks the rest. Throws {@link DecimalError} (`scale`) beyond {@link SCALE_MAX}.
 */
export function fractionDigits(text: string): number {
  const point = text.indexOf(".");
  if (point < 0) return 0;
  let end = text.length;
  while (end > point + 1 && text.charCodeAt(end - 1) === ZERO) end--;
  const digits = end - point - 1;
  if (digits > SCALE_MAX)
    throw new DecimalError(
      "scale",
      text,
      `decimal "${shown(text)}" has more than ${SCALE_MAX} fraction digits`,
    );
  return digits;
}

/**
 * Parses an unsigned decimal string (`"61837.63000000"`) into units of 10^-scale, a safe integer.
 *
 * Throws {@link DecimalError}: `syntax` (no plain unsigned decimal), `scale` (more digits than `scale` holds),
 * `range` (beyond 2^53 − 1).
 */
export function parseUnits(text: string, scale: number): number {
  const length = text.length;
  let units = 0;
  let seen = 0;
  let fraction = -1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === POINT) {
      if (fraction >= 0) throw syntax(text);
      fraction = 0;
      continue;
    }
    if (code < ZERO || code > NINE) throw syntax(text);
    seen++;
    if (fraction >= 0 && fraction >= scale) {
      if (code !== ZERO) throw tooFine(text, scale);
      continue;
    }
    if (fraction >= 0) fraction++;
    units = units * 10 + (code - ZERO);
    if (units > Number.MAX_SAFE_INTEGER) throw range(text, scale);
  }
  if (seen === 0) throw syntax(text);
  for (let digits = Math.max(fraction, 0); digits < scale; digits++) {
    units *= 10;
    if (units > Number.MAX_SAFE_INTEGER) throw range(text, scale);
  }
  return units;
}

/**
 * Units beyond 2^53: `("269127.18833360", 8)` → 26912718833360n. Throws {@link DecimalError}: `syntax`, or `scale` (more
 * digits than `scale` holds).
 */
export function wideUnits(text: string, scale: number): bigint {
  if (!/^\d+(\.\d*)?$/.test(text))
    throw new DecimalError("syntax", text, `"${shown(text)}" is no unsigned decimal`);
  const digits = fractionDigits(text);
  if (digits > scale) throw tooFine(text, scale);
  const point = text.indexOf(".");
  const whole = point < 0 ? text : text.slice(0, point);
  const fraction = point < 0 ? "" : text.slice(point + 1, point + 1 + digits);
  return BigInt(whole + fraction.padEnd(scale, "0"));
}

function tooFine(text: string, scale: number): DecimalError {
  return new DecimalError("scale", text, `decimal "${shown(text)}" has more than ${scale} fraction digits`);
}

function shown(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}

function syntax(text: string): DecimalError {
  return new DecimalError(
    "syntax",
    text,
    `expected an unsigned decimal such as "0.01", got "${shown(text)}"`,
  );
}

function range(text: string, scale: number): DecimalError {
  return new DecimalError(
    "range",
    text,
    `decimal "${shown(text)}" at scale ${scale} is beyond 2^53 − 1 units`,
  );
}

/** `10^exponent`, exactly: for 0 ≤ `exponent` ≤ 22. */
export function pow10(exponent: number): number {
  return 10 ** exponent;
}

/** Units at a finer scale. Throws {@link DecimalError} (`range`) when the result is no safe integer. */
export function rescaleUnits(units: number, fromScale: number, toScale: number): number {
  invariant(toScale >= fromScale, `scales only grow: from ${fromScale} to ${toScale}`);
  const scaled = units * pow10(toScale - fromScale);
  if (!Number.isSafeInteger(scaled)) throw range(String(units), toScale - fromScale);
  return scaled;
}

/** Decimal text without trailing zeros: `formatUnits(4210000n, 2)` → `"42100"`, `(141342n, 8)` → `"0.00141342"`. */
export function formatUnits(units: bigint | number, scale: number): string {
  const negative = units < 0;
  const digits = String(units)
    .slice(negative ? 1 : 0)
    .padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  let end = digits.length;
  while (end > whole.length && digits.charCodeAt(end - 1) === ZERO) end--;
  const fraction = digits.slice(whole.length, end);
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return negative && text !== "0" ? `-${text}` : text;
}

/** Decimal text of a {@link Decimal}, without trailing zeros. */
export function formatDecimal(value: Decimal): string {
  return formatUnits(value.units, value.scale);
}

/** A decimal from units of any integer type. */
export function decimal(units: bigint | number, scale: number): Decimal {
  return { units: BigInt(units), scale };
}

/** `numerator / denominator` rounded half to even. `denominator` > 0. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  let quotient = numerator / denominator;
  let remainder = numerator % denominator;
  if (remainder < 0n) {
    quotient -= 1n;
    remainder += denominator;
  }
  const twice = remainder * 2n;
  if (twice > denominator || (twice === denominator && (quotient & 1n) === 1n)) quotient += 1n;
  return quotient;
}
