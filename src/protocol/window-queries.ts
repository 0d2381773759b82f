import * as v from "valibot";
import {
  type MinuteRange,
  PROFILE_PERIODS,
  type ProfilePeriod,
  rangeLength,
  timeframeMinutes,
} from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import {
  BinsParameter,
  EndText,
  isDate,
  ReadingParameters,
  SESSION_EXPECTED,
  StartText,
  sessionText,
  wholeNumber,
} from "./parameters.ts";
import { type FieldFault, fieldFault } from "./problem.ts";
import {
  type Parsed,
  parseParameters,
  type QueryContext,
  type RawQuery,
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

const SESSIONS_EXPECTED = `1 to ${COMPOSITE_SESSIONS_MAX} different dates of sessions with commas between`;

export const PeriodsParameters = v.strictObject({
  period: v.pipe(v.picklist(PROFILE_PERIODS, PERIOD_EXPECTED), v.description("length of a window")),
  from: StartText,
  to: EndText,
  ...ReadingParameters,
});
const ComparedSession = sessionText("the date of a session; or both ends of a window in its place");
export const CompareParameters = v.strictObject({
  a: v.optional(ComparedSession),
  b: v.optional(ComparedSession),
  a_from: v.optional(StartText),
  a_to: v.optional(EndText),
  b_from: v.optional(StartText),
  b_to: v.optional(EndText),
  ...ReadingParameters,
});
export const NakedPocsParameters = v.strictObject({
  sessions: v.optional(
    wholeNumber(
      { min: 1, max: NAKED_SESSIONS_MAX },
      `sessions that have ended, ${NAKED_SESSIONS_DEFAULT} when absent`,
    ),
  ),
  bin_size: ReadingParameters.bin_size,
});
export const CompositeParameters = v.strictObject({
  sessions: v.optional(
    v.pipe(
      v.string(SESSIONS_EXPECTED),
      v.check(areSessions, SESSIONS_EXPECTED),
      v.description("dates of sessions with commas between; either these or `last`"),
    ),
  ),
  last: v.optional(
    wholeNumber({ min: 1, max: COMPOSITE_SESSIONS_MAX }, "so many of the last sessions that have ended"),
  ),
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
  const read = readingOf(reading);
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
  const read = readingOf(reading);
  const earlier = windowAt("a", { name: a, from: a_from, to: a_to }, context, errors);
  const later = windowAt("b", { name: b, from: b_from, to: b_to }, context, errors);
  if (symbol === undefined || earlier === undefined || later === undefined || errors.length > 0)
    return { kind: "refused", errors };
  return { kind: "ok", value: { ...read, symbol, a: earlier, b: later } };
}

/** Parameters of naked POCs: `sessions` (how many), `bin_size`. */
export function parseNakedPocsQuery(raw: RawQuery, context: QueryContext): Parsed<NakedPocsQuery> {
  const parsed = parseParameters(NakedPocsParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const { sessions = NAKED_SESSIONS_DEFAULT, bin_size } = parsed.value;
  const { binSize } = readingOf({ bin_size, value_area: undefined });
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
  const read = readingOf(reading);
  if ((sessions === undefined) === (last === undefined))
    errors.push(fieldFault("query.sessions", `either ${SESSIONS_EXPECTED}, or last=N`, sessions));
  if (symbol === undefined || errors.length > 0) return { kind: "refused", errors };
  const of =
    sessions === undefined
      ? ({ kind: "last", count: last ?? 1 } as const)
      : ({ kind: "sessions", names: sessions.split(",") } as const);
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
  if (name !== undefined && from === undefined && to === undefined) return { kind: "session", name };
  if (name === undefined && from !== undefined && to !== undefined) {
    const range = rangeAt([`${side}_from`, from], [`${side}_to`, to], context, errors);
    return range && { kind: "range", range };
  }
  const expected = `either ${side}, ${SESSION_EXPECTED}, or both ${side}_from and ${side}_to`;
  errors.push(fieldFault(`query.${side}`, expected, name ?? from ?? to));
  return undefined;
}

function areSessions(text: string): boolean {
  const names = text.split(",");
  return (
    names.length <= COMPOSITE_SESSIONS_MAX && names.every(isDate) && new Set(names).size === names.length
  );
}
