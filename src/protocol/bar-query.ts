import * as v from "valibot";
import {
  BAR_INTERVALS,
  type BarInterval,
  barAt,
  formatMinute,
  MS_PER_MINUTE,
  minuteOfMs,
} from "../core/mod.ts";
import type { VenueSymbol } from "./backfill-request.ts";
import { EndText, StartText, wholeNumber } from "./parameters.ts";
import { type FieldFault, fieldFault } from "./problem.ts";
import { type Parsed, parseParameters, type QueryContext, type RawQuery, symbolAt } from "./queries.ts";
import { EXPECTED_TIME, parseRequestTime } from "./request-range.ts";

/** Bars of one answer. */
export const BARS_MAX = 5_000;
export const BARS_DEFAULT = 500;

const INTERVAL_EXPECTED = `one of ${BAR_INTERVALS.join(", ")}`;

export const BarsParameters = v.strictObject({
  interval: v.pipe(v.picklist(BAR_INTERVALS, INTERVAL_EXPECTED), v.description("length of a bar")),
  from: v.optional(StartText),
  to: v.optional(EndText),
  limit: v.optional(
    wholeNumber({ min: 1, max: BARS_MAX }, `bars of one answer, ${BARS_DEFAULT} when absent`),
  ),
});

export interface BarsQuery {
  readonly symbol: VenueSymbol;
  readonly interval: BarInterval;
  /** Start of the oldest bar, minutes; the newest `limit` bars before `to` when absent. */
  readonly from?: number | undefined;
  /** End of the newest bar, minutes; the running bar's at most. */
  readonly to: number;
  readonly limit: number;
}

/**
 * Parameters of bars: `interval`, `from`, `to` (dates inclusive as an end, times exclusive; both are widened to whole bars), `limit`.
 * An end that has not come yet is cut to the end of the running bar.
 */
export function parseBarsQuery(raw: RawQuery, context: QueryContext): Parsed<BarsQuery> {
  const parsed = parseParameters(BarsParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const { interval, from, to, limit = BARS_DEFAULT } = parsed.value;
  const errors: FieldFault[] = [];
  const symbol = symbolAt("path.symbol", context.symbol ?? "", context, errors);
  const startMs = from === undefined ? undefined : parseRequestTime(from, "start");
  const endMs = to === undefined ? context.nowMs + 1 : parseRequestTime(to, "end");
  if (from !== undefined && startMs === undefined) errors.push(fieldFault("query.from", EXPECTED_TIME, from));
  if (endMs === undefined) errors.push(fieldFault("query.to", EXPECTED_TIME, to));
  const running = barAt(interval, minuteOfMs(context.nowMs));
  if (startMs !== undefined && minuteOfMs(startMs) >= running.hi)
    errors.push(fieldFault("query.from", `a start before ${formatMinute(running.hi)}`, from));
  else if (startMs !== undefined && endMs !== undefined && endMs <= startMs)
    errors.push(fieldFault("query.to", "an end after the start", to));
  if (symbol === undefined || endMs === undefined || errors.length > 0) return { kind: "refused", errors };
  const last = barAt(interval, Math.ceil(endMs / MS_PER_MINUTE) - 1);
  return {
    kind: "ok",
    value: {
      symbol,
      interval,
      from: startMs === undefined ? undefined : barAt(interval, minuteOfMs(startMs)).lo,
      to: Math.min(last.hi, running.hi),
      limit,
    },
  };
}
