import * as v from "valibot";
import {
  type MinuteRange,
  PROFILE_PERIODS,
  type ProfilePeriod,
  parseDay,
  rangeLength,
  timeframeMinutes,
} from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import { type FieldFault, fieldFault } from "./problem.ts";
import {
  BinsParameter,
  type Parsed,
  parseParameters,
  type QueryContext,
  RANGE_EXPECTED,
  type RawQuery,
  ReadingParameters,
  type ReadingQuery,
  readingOf,
  symbolAt,
  WINDOW_DAYS_MAX,
} from "./queries.ts";
import { requestedRange } from "./request-range.ts";

/** Period profiles of one answer. */
export const PERIODS_MAX = 1_000;
/** Sessions of which naked POCs are looked for, at most and by default. */
export const NAKED_SESSIONS_MAX = 250;
export const NAKED_SESSIONS_DEFAULT = 20;
/** Sessions of one composite. */
export const COMPOSITE_SESSIONS_MAX = 366;

const PERIOD_EXPECTED = `one of ${PROFILE_PERIODS.join(", ")}`;
const DATE_EXPECTED = 'the date of a session such as "2026-01-02"';

const PeriodsParameters = v.strictObject({
  period: v.picklist(PROFILE_PERIODS, PERIOD_EXPECTED),
  from: v.string(RANGE_EXPECTED),
  to: v.string(RANGE_EXPECTED),
  ...ReadingParameters,
});
const CompareParameters = v.strictObject({
  a: v.optional(v.string()),
  b: v.optional(v.string()),
  a_from: v.optional(v.string()),
  a_to: v.optional(v.string()),
  b_from: v.optional(v.string()),
  b_to: v.optional(v.string()),
  ...ReadingParameters,
});
const NakedParameters = v.strictObject({
  sessions: v.optional(v.string()),
  bin_size: ReadingParameters.bin_size,
});
const CompositeParameters = v.strictObject({
  sessions: v.optional(v.string()),
  last: v.optional(v.string()),
  ...ReadingParameters,
  ...BinsParameter,
});

export interface PeriodsQuery extends ReadingQuery {
  readonly symbol: VenueSymbol;
  readonly period: ProfilePeriod;
  /** Closed minutes; each period with one of them is answered. */
  readonly range: MinuteRange;
}

/** A window by its minutes, or the name of a session. */
export type NamedWindow =
  | { readonly kind: "range"; readonly range: MinuteRange }
  | { readonly kind: "session"; readonly name: string };

export interface CompareQuery extends ReadingQuery {
  readonly symbol: VenueSymbol;
  readonly a: NamedWindow;
  readonly b: NamedWindow;
}

export interface NakedPocsQuery extends Pick<ReadingQuery, "binSize"> {
  readonly symbol: VenueSymbol;
  /** Of so many sessions that have ended. */
  readonly sessions: number;
}

export interface CompositeQuery extends ReadingQuery {
  readonly symbol: VenueSymbol;
  readonly of:
    | { readonly kind: "sessions"; readonly names: readonly string[] }
    /** The last sessions that have ended. */
    | { readonly kind: "last"; readonly count: number };
  readonly bins: boolean;
}

/** Parameters of period profiles: `period`, `from`, `to`, `value_area`, `bin_size`. */
export function parsePeriodsQuery(raw: RawQuery, context: QueryContext): Parsed<PeriodsQuery> {
  const parsed = parseParameters(PeriodsParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { period, from, to, ...reading } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const read = readingOf(reading, errors);
  const range = rangeAt(["from", from], ["to", to], context, errors);
  if (range !== undefined && Math.ceil(rangeLength(range) / timeframeMinutes(period)) > PERIODS_MAX)
    errors.push(
      fieldFault("query.to", `an end at most ${PERIODS_MAX} periods of ${period} after the start`, to),
    );
  if (symbol === undefined || range === undefined || errors.length > 0) return { kind: "refused", errors };
  return { kind: "ok", value: { ...read, symbol, period, range } };
}

/** Parameters of a comparison: two sessions `a` and `b`, or two windows `a_from`, `a_to`, `b_from`, `b_to`; `value_area`, `bin_size`. */
export function parseCompareQuery(raw: RawQuery, context: QueryContext): Parsed<CompareQuery> {
  const parsed = parseParameters(CompareParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { a, b, a_from, a_to, b_from, b_to, ...reading } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const read = readingOf(reading, errors);
  const earlier = windowAt("a", { name: a, from: a_from, to: a_to }, context, errors);
  const later = windowAt("b", { name: b, from: b_from, to: b_to }, context, errors);
  if (symbol === undefined || earlier === undefined || later === undefined || errors.length > 0)
    return { kind: "refused", errors };
  return { kind: "ok", value: { ...read, symbol, a: earlier, b: later } };
}

/** Parameters of naked POCs: `sessions` (how many), `bin_size`. */
export function parseNakedPocsQuery(raw: RawQuery, context: QueryContext): Parsed<NakedPocsQuery> {
  const parsed = parseParameters(NakedParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const { binSize } = readingOf({ bin_size: parsed.value.bin_size, value_area: undefined }, errors);
  const sessions =
    countAt("sessions", parsed.value.sessions, NAKED_SESSIONS_MAX, errors) ?? NAKED_SESSIONS_DEFAULT;
  if (symbol === undefined || errors.length > 0) return { kind: "refused", errors };
  return { kind: "ok", value: { symbol, sessions, binSize } };
}

/** Parameters of a composite: `sessions` (dates with commas between) or `last` (how many), `value_area`, `bin_size`, `bins`. */
export function parseCompositeQuery(raw: RawQuery, context: QueryContext): Parsed<CompositeQuery> {
  const parsed = parseParameters(CompositeParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { sessions, last, bins, ...reading } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const read = readingOf(reading, errors);
  const count = countAt("last", last, COMPOSITE_SESSIONS_MAX, errors);
  const names = sessions?.split(",");
  const expected = `1 to ${COMPOSITE_SESSIONS_MAX} different dates of sessions with commas between`;
  if ((names === undefined) === (last === undefined))
    errors.push(fieldFault("query.sessions", `either ${expected}, or last=N`, sessions));
  else if (names !== undefined && (names.length > COMPOSITE_SESSIONS_MAX || !areDistinctDates(names)))
    errors.push(fieldFault("query.sessions", expected, sessions));
  if (symbol === undefined || errors.length > 0) return { kind: "refused", errors };
  const of =
    names === undefined
      ? ({ kind: "last", count: count ?? 1 } as const)
      : ({ kind: "sessions", names } as const);
  return { kind: "ok", value: { ...read, symbol, of, bins: bins !== "false" } };
}

type Named = readonly [name: string, text: string];

function rangeAt(
  [fromName, from]: Named,
  [toName, to]: Named,
  { nowMs }: QueryContext,
  errors: FieldFault[],
): MinuteRange | undefined {
  const found = requestedRange({
    start: { path: `query.${fromName}`, text: from },
    end: { path: `query.${toName}`, text: to },
    nowMs,
    daysMax: WINDOW_DAYS_MAX,
  });
  if (found.kind === "range") return found.range;
  errors.push(...found.errors);
  return undefined;
}

function windowAt(
  side: "a" | "b",
  { name, from, to }: Readonly<Record<"name" | "from" | "to", string | undefined>>,
  context: QueryContext,
  errors: FieldFault[],
): NamedWindow | undefined {
  if (name !== undefined && from === undefined && to === undefined) {
    if (isDate(name)) return { kind: "session", name };
    errors.push(fieldFault(`query.${side}`, DATE_EXPECTED, name));
    return undefined;
  }
  if (name === undefined && from !== undefined && to !== undefined) {
    const range = rangeAt([`${side}_from`, from], [`${side}_to`, to], context, errors);
    return range && { kind: "range", range };
  }
  const expected = `either ${side}, ${DATE_EXPECTED}, or both ${side}_from and ${side}_to`;
  errors.push(fieldFault(`query.${side}`, expected, name ?? from ?? to));
  return undefined;
}

function countAt(
  name: string,
  text: string | undefined,
  max: number,
  errors: FieldFault[],
): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  errors.push(fieldFault(`query.${name}`, `a whole number from 1 to ${max}`, text));
  return undefined;
}

function areDistinctDates(names: readonly string[]): boolean {
  return names.every(isDate) && new Set(names).size === names.length;
}

function isDate(text: string): boolean {
  return (parseDay(text) ?? -1) >= 0;
}
