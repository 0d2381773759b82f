import * as v from "valibot";
import {
  type Decimal,
  DecimalError,
  decimal,
  fractionDigits,
  parseDay,
  parseSymbolName,
  parseUnits,
  VALUE_AREA_METHODS,
} from "../core/mod.ts";

/**
 * The parameters of addresses. What reads a request and what describes it to others are the same schemas: they check the text that
 * an address holds, and say what it means.
 */

export const SYMBOL_EXPECTED = 'a symbol such as "BTCUSDT" or "binance:BTCUSDT"';
export const SESSION_EXPECTED = 'the date of a session such as "2026-01-02"';
export const RANGE_EXPECTED = 'a date such as "2026-01-02" or a time such as "2026-01-02T03:04:05Z"';
const BIN_EXPECTED = 'a price greater than 0 in plain decimal digits such as "0.5"';
const METHOD_EXPECTED = `one of ${VALUE_AREA_METHODS.join(", ")}`;

/** Any venue: which ones there are is for whoever looks the symbol up. */
const SOME_VENUE = "binance";

export const SymbolText = v.pipe(
  v.string(SYMBOL_EXPECTED),
  v.check((text) => parseSymbolName(text, SOME_VENUE) !== undefined, SYMBOL_EXPECTED),
  v.description("VENUE:SYMBOL, or SYMBOL for the default venue"),
);

/** The date that names a session. */
export function sessionText(about: string) {
  return v.pipe(
    v.string(SESSION_EXPECTED),
    v.isoDate(SESSION_EXPECTED),
    // One fault is told once: what has not the form of a date is refused by that alone.
    v.check((text) => !v.ISO_DATE_REGEX.test(text) || isDate(text), SESSION_EXPECTED),
    v.description(about),
  );
}

export const SessionText = sessionText("the date of a session; the running one when absent");

/** A start, and an end; which ranges there are is told by `requestedRange`. */
export const StartText = v.pipe(
  v.string(RANGE_EXPECTED),
  v.description("a date, from whose first minute on; or a time with its zone"),
);
export const EndText = v.pipe(
  v.string(RANGE_EXPECTED),
  v.description("a date, to whose last minute; or a time with its zone, exclusive"),
);

export const BinSizeText = v.pipe(
  v.string(BIN_EXPECTED),
  v.check((text) => parseBinSize(text) !== undefined, BIN_EXPECTED),
  v.description("width of a row, a multiple of the series' own bin size, in plain decimal digits"),
);

/** Parameters of how a window is read. */
export const ReadingParameters = {
  value_area: v.optional(
    v.pipe(
      v.picklist(VALUE_AREA_METHODS, METHOD_EXPECTED),
      v.description("how the value area grows; VALUE_AREA_METHOD when absent"),
    ),
  ),
  bin_size: v.optional(BinSizeText),
};

/** `bins=false` leaves the rows out. */
export const BinsParameter = {
  bins: v.optional(
    v.pipe(v.picklist(["true", "false"], "true or false"), v.description("false leaves the rows out")),
  ),
};

/** No parameters at all. */
export const NoParameters = v.strictObject({});

/** The id of a path, whose parser says what it expects; stored and compared in lower case. */
export function idText(expected: string) {
  return v.pipe(v.string(expected), v.uuid(expected), v.toLowerCase(), v.description(expected));
}

/** A whole number as an address writes it; it comes out as a number. */
export function wholeNumber(
  { min, max, expected = `a whole number from ${min} to ${max}` }: WholeNumber,
  about: string,
) {
  return v.pipe(
    v.string(expected),
    v.regex(/^\d{1,15}$/, expected),
    v.transform(Number),
    v.number(expected),
    v.integer(expected),
    v.minValue(min, expected),
    v.maxValue(max, expected),
    v.description(about),
  );
}

export interface WholeNumber {
  readonly min: number;
  readonly max: number;
  readonly expected?: string;
}

/** A date from 1970 on. */
export function isDate(text: string): boolean {
  return (parseDay(text) ?? -1) >= 0;
}

/** Undefined when it is no plain decimal greater than 0. */
export function parseBinSize(text: string): Decimal | undefined {
  try {
    const scale = fractionDigits(text);
    const units = parseUnits(text, scale);
    return units === 0 ? undefined : decimal(units, scale);
  } catch (thrown) {
    if (thrown instanceof DecimalError) return undefined;
    throw thrown;
  }
}
