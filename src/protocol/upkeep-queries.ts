import * as v from "valibot";
import type { MinuteRange } from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import { EndText, SessionText, StartText } from "./parameters.ts";
import { type FieldFault, fieldFault } from "./problem.ts";
import {
  type Parsed,
  parseParameters,
  type QueryContext,
  type RawQuery,
  symbolAt,
  WINDOW_DAYS_MAX,
} from "./queries.ts";
import { requestedRange } from "./request-range.ts";

export const SessionReportParameters = v.strictObject({ session: v.optional(SessionText) });
/** Both or neither: the running session when they are absent. */
export const GapsParameters = v.strictObject({ from: v.optional(StartText), to: v.optional(EndText) });

export interface SessionReportQuery {
  readonly symbol: VenueSymbol;
  /** `YYYY-MM-DD`; the running session when absent. */
  readonly session?: string | undefined;
}

export interface GapsQuery {
  readonly symbol: VenueSymbol;
  /** Closed minutes; those of the running session when absent. */
  readonly range?: MinuteRange | undefined;
}

/** Parameters of a session's metrics: `session`. */
export function parseSessionReportQuery(raw: RawQuery, context: QueryContext): Parsed<SessionReportQuery> {
  const parsed = parseParameters(SessionReportParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { session } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  if (symbol === undefined || errors.length > 0) return { kind: "refused", errors };
  return { kind: "ok", value: { symbol, session } };
}

/** Parameters of the gaps: `from` and `to` (dates inclusive as an end, times exclusive), both or neither. */
export function parseGapsQuery(raw: RawQuery, context: QueryContext): Parsed<GapsQuery> {
  const parsed = parseParameters(GapsParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { from, to } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  if (from === undefined && to !== undefined)
    errors.push(fieldFault("query.from", "a start beside the end", from));
  if (to === undefined && from !== undefined)
    errors.push(fieldFault("query.to", "an end beside the start", to));
  const range = from === undefined || to === undefined ? undefined : rangeOf(from, to, context, errors);
  if (symbol === undefined || errors.length > 0) return { kind: "refused", errors };
  return { kind: "ok", value: { symbol, range } };
}

function rangeOf(
  from: string,
  to: string,
  { nowMs }: QueryContext,
  errors: FieldFault[],
): MinuteRange | undefined {
  const range = requestedRange({
    start: { path: "query.from", text: from },
    end: { path: "query.to", text: to },
    nowMs,
    daysMax: WINDOW_DAYS_MAX,
  });
  if (range.kind === "range") return range.range;
  errors.push(...range.errors);
  return undefined;
}
