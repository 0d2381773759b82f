import * as v from "valibot";
import { type Decimal, type MinuteRange, parseSymbolName, type ValueAreaMethod } from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import {
  BinsParameter,
  EndText,
  idText,
  NoParameters,
  parseBinSize,
  ReadingParameters,
  SessionText,
  StartText,
  SYMBOL_EXPECTED,
  SymbolText,
  wholeNumber,
} from "./parameters.ts";
import { type FieldFault, faultsFromIssues, fieldFault } from "./problem.ts";
import { requestedRange } from "./request-range.ts";

/** Jobs of one answer. */
export const RECENT_MAX = 100;
export const RECENT_DEFAULT = 20;
/** Days that one window may span: a leap year. */
export const WINDOW_DAYS_MAX = 366;

const JOB_ID_EXPECTED = "a job id (a UUID)";

/** Of `GET /levels`. */
export const LevelsParameters = v.strictObject({
  symbol: v.optional(v.pipe(SymbolText, v.description("the first of SYMBOLS when absent"))),
  session: v.optional(SessionText),
  ...ReadingParameters,
});
/** Of `GET /api/v1/levels/{symbol}`, whose path names the symbol. */
export const SessionLevelsParameters = v.omit(LevelsParameters, ["symbol"]);
export const ProfileParameters = v.strictObject({
  from: StartText,
  to: EndText,
  ...ReadingParameters,
  ...BinsParameter,
});
export const RecentParameters = v.strictObject({
  limit: v.optional(wholeNumber({ min: 1, max: RECENT_MAX }, `jobs, ${RECENT_DEFAULT} when absent`)),
});
export const JobIdText = idText(JOB_ID_EXPECTED);

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
  const read = readingOf(reading);
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
  const read = readingOf(reading);
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
  return parseParameters(NoParameters, raw);
}

/** A job id of a path, in the spelling it is stored under. */
export function parseJobId(text: string): Parsed<string> {
  return parsePathPart("job_id", JobIdText, text);
}

/** A named part of a path, as `schema` has it. */
export function parsePathPart<T>(name: string, schema: v.GenericSchema<unknown, T>, text: string): Parsed<T> {
  const parsed = v.safeParse(schema, text);
  return parsed.success
    ? { kind: "ok", value: parsed.output }
    : { kind: "refused", errors: faultsFromIssues(parsed.issues, `path.${name}`) };
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

/** How a window is to be read. */
export function readingOf({
  value_area,
  bin_size,
}: v.InferOutput<v.ObjectSchema<typeof ReadingParameters, undefined>>): ReadingQuery {
  return bin_size === undefined
    ? { method: value_area }
    : { method: value_area, binSize: parseBinSize(bin_size) };
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
