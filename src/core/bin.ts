import { DecimalError, fractionDigits, parseUnits } from "./decimal.ts";
import { invariant } from "./invariant.ts";

/**
 * How a series chooses its bin size, once, when it is created: `auto`, or a size given as decimal text
 * (`PROFILE_TICK_SIZE`).
 */
export type BinChoice = { readonly kind: "auto" } | { readonly kind: "size"; readonly text: string };

/** `auto` aims at bins of two millionths of the price: `binUnits × 500,000 ≥ price`. */
const PRICE_PER_AUTO_BIN = 500_000;

/**
 * The smallest of {1, 2, 5}·10^k that is ≥ price × 2e-6 and a multiple of the tick size, in price units.
 * `priceUnits` a recent price, `tickUnits` the tick size, both price units of the same scale.
 */
export function autoBinUnits(priceUnits: number, tickUnits: number): number {
  invariant(tickUnits > 0, `tick size must be positive, got ${tickUnits} units`);
  for (let power = 1; power <= 1e15; power *= 10) {
    for (const step of [1, 2, 5]) {
      const units = step * power;
      if (units * PRICE_PER_AUTO_BIN >= priceUnits && units % tickUnits === 0) return units;
    }
  }
  // A tick size that divides no such number (0.03, say): the smallest multiple of it that is wide enough.
  return tickUnits * Math.max(1, Math.ceil(priceUnits / PRICE_PER_AUTO_BIN / tickUnits));
}

/** Bin size in price units of `priceScale`. Throws {@link DecimalError} when it is zero or finer than the scale. */
export function binUnitsOf(text: string, priceScale: number): number {
  const units = parseUnits(text, priceScale);
  if (units === 0) throw new DecimalError("range", text, "a bin size must be greater than 0");
  return units;
}

/** Parses `auto`, `0.1` or `BTCUSDT=0.1,XRPETH=0.000001`; the answer maps a symbol to its choice. Throws {@link DecimalError}. */
export function parseBinChoices(text: string): (symbol: string) => BinChoice {
  const bySymbol = new Map<string, BinChoice>();
  let fallback: BinChoice = { kind: "auto" };
  for (const part of text.split(",")) {
    const [left = "", right, ...rest] = part.split("=").map((side) => side.trim());
    if (rest.length > 0 || (right !== undefined && left === ""))
      throw new DecimalError("syntax", part, `expected SIZE or SYMBOL=SIZE, got "${part.trim()}"`);
    const size = right ?? left;
    let choice: BinChoice = { kind: "auto" };
    if (size !== "auto") {
      binUnitsOf(size, fractionDigits(size));
      choice = { kind: "size", text: size };
    }
    if (right === undefined) fallback = choice;
    else bySymbol.set(left.toUpperCase(), choice);
  }
  return (symbol) => bySymbol.get(symbol.toUpperCase()) ?? fallback;
}
