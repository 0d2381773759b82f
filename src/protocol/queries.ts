import * as v from "valibot";
import {
  type Decimal,
  DecimalError,
  decimal,
  fractionDigits,
  type MinuteRange,
  parseDay,
  parseSymbolName,
  parseUnits,
  VALUE_AREA_METHODS,
  type ValueAreaMethod,
} from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import { type FieldFault, faultsFromIssues, fieldFault } from "./problem.ts";
import { requestedRange } from "./request-range.ts";

/** Jobs of one answer. */
export const RECENT_MAX = 100;
export const RECENT_DEFAULT = 20;
/** Days that one window may span: a leap year. */
export const WINDOW_DAYS_MAX = 366;

const SYMBOL_EXPECTED = 'a symbol such as "BTCUSDT" or "binance:BTCUSDT"';
const SESSION_EXPECTED = 'the date of a session such as "2026-01-02"';
const BIN_EXPECTED = 'a price greater than 0 in plain decimal digits such as "0.5"';
const METHOD_EXPECTED = `one of ${VALUE_AREA_METHODS.join(", ")}`;
const LIMIT_EXPECTED = `a whole number from 1 to ${RECENT_MAX}`;
export const RANGE_EXPECTED = 'a date such as "2026-01-02" or a time such as "2026-01-02T03:04:05Z"';
const JOB_ID_EXPECTED = "a job id (a UUID)";

/** Parameters of how a window is read. */
export const ReadingParameters = {
  value_area: v.optional(v.picklist(VALUE_AREA_METHODS, METHOD_EXPECTED)),
  bin_size: v.optional(v.string()),
};

/** `bins=false` leaves the rows out. */
export const BinsParameter = { bins: v.optional(v.picklist(["true", "false"], "true or false")) };

const LevelsParameters = v.strictObject({
  symbol: v.optional(v.string()),
  session: v.optional(v.string()),
  ...ReadingParameters,
});
const ProfileParameters = v.strictObject({
  from: v.string(RANGE_EXPECTED),
  to: v.string(RANGE_EXPECTED),
  ...ReadingParameters,
  ...BinsParameter,
});
const RecentParameters = v.strictObject({
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/, LIMIT_EXPECTED),
      v.transform(Number),
      v.minValue(1, LIMIT_EXPECTED),
      v.maxValue(RECENT_MAX, LIMIT_EXPECTED),
    ),
  ),
});
const JobId = v.pipe(v.string(), v.uuid(JOB_ID_EXPECTED), v.toLowerCase());

export type Parsed<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "refused"; readonly errors: readonly FieldFault[] };

/** How a level set or a profile is to be read. */
export interface ReadingQuery {
  readonly method?: ValueAreaMethod | undefined;
  readonly binSize?: Decimal | undefined;
}

export interface LevelsQuery extends ReadingQuery {
  /** The first configured symbol when absent. */
  readonly symbol?: VenueSymbol | undefined;
  /** `YYYY-MM-DD`; the running session when absent. */
  readonly session?: string | undefined;
}

export interface ProfileQuery extends ReadingQuery {
  readonly symbol: VenueSymbol;
  /** Closed minutes. */
  readonly range: MinuteRange;
  /** Whether the rows are answered too. */
  readonly bins: boolean;
}

/** Parameters as they stand in an address: every value of every name. */
export type RawQuery = Readonly<Record<string, readonly string[]>>;

export interface QueryContext {
  /** Symbol of the path, where the route has one. */
  readonly symbol?: string | undefined;
  readonly defaultVenue: string;
  readonly nowMs: number;
}

/** Parameters of a level set: `session`, `value_area`, `bin_size`, and `symbol` unless the path names it. */
export function parseLevelsQuery(raw: RawQuery, context: QueryContext): Parsed<LevelsQuery> {
  const parsed = parseParameters(LevelsParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { symbol, session, ...reading } = parsed.value;
  const errors: FieldFault[] = [];
  if (context.symbol !== undefined && symbol !== undefined)
    errors.push(fieldFault("query.symbol", "no symbol beside the one in the path", symbol));
  const path = context.symbol === undefined ? "query.symbol" : "path.symbol";
  const named = symbolAt(path, context.symbol ?? symbol, context, errors);
  if (session !== undefined && (parseDay(session) ?? -1) < 0)
    errors.push(fieldFault("query.session", SESSION_EXPECTED, session));
  const read = readingOf(reading, errors);
  return errors.length > 0
    ? { kind: "refused", errors }
    : { kind: "ok", value: { ...read, symbol: named, session } };
}

/** Parameters of a profile: `from`, `to` (dates inclusive as an end, times exclusive), `value_area`, `bin_size`, `bins`. */
export function parseProfileQuery(raw: RawQuery, context: QueryContext): Parsed<ProfileQuery> {
  const parsed = parseParameters(ProfileParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { from, to, bins, ...reading } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const read = readingOf(reading, errors);
  const range = requestedRange({
    start: { path: "query.from", text: from },
    end: { path: "query.to", text: to },
    nowMs: context.nowMs,
    daysMax: WINDOW_DAYS_MAX,
  });
  if (range.kind === "refused") errors.push(...range.errors);
  if (range.kind === "refused" || symbol === undefined || errors.length > 0)
    return { kind: "refused", errors };
  return { kind: "ok", value: { ...read, symbol, range: range.range, bins: bins !== "false" } };
}

/** The `limit` of the recent jobs. */
export function parseRecentQuery(raw: RawQuery): Parsed<{ readonly limit: number }> {
  const parsed = parseParameters(RecentParameters, raw);
  if (parsed.kind === "refused") return parsed;
  return { kind: "ok", value: { limit: parsed.value.limit ?? RECENT_DEFAULT } };
}

/** A route that takes no parameters. */
export function parseNoQuery(raw: RawQuery): Parsed<unknown> {
  return parseParameters(v.strictObject({}), raw);
}

/** A job id of a path, in the spelling it is stored under. */
export function parseJobId(text: string): Parsed<string> {
  const parsed = v.safeParse(JobId, text);
  if (parsed.success) return { kind: "ok", value: parsed.output };
  return { kind: "refused", errors: [fieldFault("path.job_id", JOB_ID_EXPECTED, text)] };
}

/** The parameters of an address, each given once, as `schema` has them. */
export function parseParameters<T>(schema: v.GenericSchema<unknown, T>, raw: RawQuery): Parsed<T> {
  const repeated = Object.entries(raw).filter(([, values]) => values.length > 1);
  if (repeated.length > 0)
    return {
      kind: "refused",
      errors: repeated.map(([name, values]) => fieldFault(`query.${name}`, "the parameter once", values)),
    };
  const flat = Object.fromEntries(Object.entries(raw).map(([name, values]) => [name, values[0] ?? ""]));
  const parsed = v.safeParse(schema, flat);
  return parsed.success
    ? { kind: "ok", value: parsed.output }
    : { kind: "refused", errors: faultsFromIssues(parsed.issues, "query") };
}

/** The symbol of a path or a parameter; a fault goes to `errors`. */
export function symbolAt(
  path: string,
  text: string | undefined,
  { defaultVenue }: QueryContext,
  errors: FieldFault[],
): VenueSymbol | undefined {
  if (text === undefined) return undefined;
  const symbol = parseSymbolName(text, defaultVenue);
  if (symbol === undefined) errors.push(fieldFault(path, SYMBOL_EXPECTED, text));
  return symbol;
}

/** How a window is to be read; faults go to `errors`. */
export function readingOf(
  { value_area, bin_size }: v.InferOutput<v.ObjectSchema<typeof ReadingParameters, undefined>>,
  errors: FieldFault[],
): ReadingQuery {
  if (bin_size === undefined) return { method: value_area };
  const binSize = parseBinSize(bin_size);
  if (binSize === undefined) errors.push(fieldFault("query.bin_size", BIN_EXPECTED, bin_size));
  return { method: value_area, binSize };
}

function parseBinSize(text: string): Decimal | undefined {
  try {
    const scale = fractionDigits(text);
    const units = parseUnits(text, scale);
    return units === 0 ? undefined : decimal(units, scale);
  } catch (thrown) {
    if (thrown instanceof DecimalError) return undefined;
    throw thrown;
  }
}

/**
 * How many bins of `binUnits` (price units of `priceScale`) make one of `wanted`; undefined when it is no whole number of them, or
 * too many to be a number of bins at all.
 */
export function coarserBy(wanted: Decimal, binUnits: number, priceScale: number): number | undefined {
  const scale = Math.max(wanted.scale, priceScale);
  const wantedUnits = wanted.units * 10n ** BigInt(scale - wanted.scale);
  const ownUnits = BigInt(binUnits) * 10n ** BigInt(scale - priceScale);
  if (wantedUnits % ownUnits !== 0n) return undefined;
  const coarser = Number(wantedUnits / ownUnits);
  // The label of a bin is coarser × binUnits × its number: it must stay an exact integer.
  return coarser >= 1 && Number.isSafeInteger(coarser * binUnits) ? coarser : undefined;
}
