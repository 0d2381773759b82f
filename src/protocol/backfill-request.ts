import * as v from "valibot";
import { MINUTES_PER_DAY, type MinuteRange, parseSymbolName, rangeLength, symbolName } from "../core/mod.ts";
import {
  type FieldFault,
  faultsFromIssues,
  fieldFault,
  invalidRequest,
  type Problem,
  problem,
} from "./problem.ts";
import { requestedRange } from "./request-range.ts";

/** Symbols of one request. */
export const SYMBOLS_MAX = 100;
/** Days that one request may span. */
export const JOB_DAYS_MAX = 366;
/** Symbols × days of one request: 100 symbols for a month. It bounds the chunks that one transaction writes. */
export const SYMBOL_DAYS_MAX = 3_100;
export const PRIORITY_MAX = 100;
const SYMBOL_CHARS_MAX = 80;
const TIME_CHARS_MAX = 40;

/** Orders of download that are offered. `certify` needs the venue's candles and is refused by name. */
export const ORDERS = ["recent", "oldest"] as const;
export type Order = (typeof ORDERS)[number];

const SYMBOLS_EXPECTED = `1 to ${SYMBOLS_MAX} symbols such as "BTCUSDT" or "binance:BTCUSDT"`;
const SYMBOL_EXPECTED = 'a symbol such as "BTCUSDT" or "binance:BTCUSDT"';
const TIME_EXPECTED = 'a date such as "2026-01-02" or a time such as "2026-01-02T03:04:05Z"';
const PRIORITY_EXPECTED = `a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`;

const RequestTime = v.pipe(v.string(TIME_EXPECTED), v.maxLength(TIME_CHARS_MAX, TIME_EXPECTED));

/** Body of `POST /api/v1/backfill` for a trade job. Dates are inclusive as an end, times exclusive. */
export const BackfillBody = v.strictObject({
  symbols: v.pipe(
    v.array(
      v.pipe(v.string(SYMBOL_EXPECTED), v.maxLength(SYMBOL_CHARS_MAX, SYMBOL_EXPECTED)),
      SYMBOLS_EXPECTED,
    ),
    v.minLength(1, SYMBOLS_EXPECTED),
    v.maxLength(SYMBOLS_MAX, SYMBOLS_EXPECTED),
  ),
  start_date: RequestTime,
  end_date: RequestTime,
  dataset: v.optional(v.picklist(["trades"], '"trades"'), "trades"),
  order: v.optional(v.picklist(ORDERS, '"recent" or "oldest"'), "recent"),
  priority: v.optional(
    v.pipe(
      v.number(PRIORITY_EXPECTED),
      v.safeInteger(PRIORITY_EXPECTED),
      v.minValue(-PRIORITY_MAX, PRIORITY_EXPECTED),
      v.maxValue(PRIORITY_MAX, PRIORITY_EXPECTED),
    ),
    0,
  ),
  force: v.optional(v.boolean("true or false"), false),
});
export type BackfillBody = v.InferInput<typeof BackfillBody>;

/** A symbol with its venue. */
export interface VenueSymbol {
  readonly venue: string;
  readonly symbol: string;
}

/** A request for a trade job, understood: what to fetch, without a word left to interpret. */
export interface BackfillRequest {
  readonly dataset: "trades";
  /** Each once, in the order of the request. */
  readonly symbols: readonly VenueSymbol[];
  /** Closed minutes. */
  readonly range: MinuteRange;
  readonly order: Order;
  readonly priority: number;
  readonly force: boolean;
}

export type ParsedBackfillRequest =
  | {
      readonly kind: "request";
      readonly request: BackfillRequest;
      /** Where each of the request's symbols stands in the body: duplicates move them. */
      readonly bodyIndices: readonly number[];
    }
  | { readonly kind: "refused"; readonly problem: Problem };

/** 202 of `POST /api/v1/backfill`. `status` is `pending`, or where the same request's job stands already. */
export const BackfillAccepted = v.object({
  job_id: v.string(),
  status: v.string(),
  symbols_count: v.number(),
  symbols: v.array(v.string()),
  /** The minutes that will be fetched, half-open. */
  date_range: v.object({ start: v.string(), end: v.string() }),
  /** Empty for a trade job. */
  timeframes: v.array(v.string()),
  timestamp: v.string(),
});
export type BackfillAccepted = v.InferOutput<typeof BackfillAccepted>;

/** Understands the body of a backfill request at the moment `nowMs`; a bare symbol belongs to `defaultVenue`. */
export function parseBackfillRequest(
  body: unknown,
  { defaultVenue, nowMs }: { readonly defaultVenue: string; readonly nowMs: number },
): ParsedBackfillRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return refused([fieldFault("$", "a JSON object", body)]);
  const early = refusedByName(body);
  if (early !== undefined) return { kind: "refused", problem: early };
  const parsed = v.safeParse(BackfillBody, body);
  if (!parsed.success) return refused(faultsFromIssues(parsed.issues));
  const { symbols: names, start_date, end_date, ...rest } = parsed.output;

  const errors: FieldFault[] = [];
  const symbols = new Map<string, VenueSymbol & { readonly at: number }>();
  for (const [at, name] of names.entries()) {
    const symbol = parseSymbolName(name, defaultVenue);
    if (symbol === undefined) errors.push(fieldFault(`$.symbols[${at}]`, SYMBOL_EXPECTED, name));
    else if (!symbols.has(symbolName(symbol))) symbols.set(symbolName(symbol), { ...symbol, at });
  }
  const range = requestedRange({
    start: { path: "$.start_date", text: start_date },
    end: { path: "$.end_date", text: end_date },
    nowMs,
    daysMax: JOB_DAYS_MAX,
  });
  if (range.kind === "refused") return refused([...errors, ...range.errors]);
  const symbolDays = symbols.size * Math.ceil(rangeLength(range.range) / MINUTES_PER_DAY);
  if (symbolDays > SYMBOL_DAYS_MAX)
    errors.push(
      fieldFault("$.symbols", `at most ${SYMBOL_DAYS_MAX} symbol-days (symbols × days)`, symbolDays),
    );
  if (errors.length > 0) return refused(errors);
  const kept = [...symbols.values()];
  return {
    kind: "request",
    request: { ...rest, symbols: kept.map(({ venue, symbol }) => ({ venue, symbol })), range: range.range },
    bodyIndices: kept.map(({ at }) => at),
  };
}

/** Words of the request that later versions understand: each has a problem of its own. */
function refusedByName(body: object): Problem | undefined {
  const fields = new Map<string, unknown>(Object.entries(body));
  if (fields.has("timeframes") || fields.get("dataset") === "candles") {
    const [path, expected, received] = fields.has("timeframes")
      ? ["$.timeframes", "no timeframes (a trade job)", fields.get("timeframes")]
      : ["$.dataset", '"trades"', fields.get("dataset")];
    return problem(
      "candle-jobs-not-available",
      "Only trade jobs are run by this version: leave out timeframes and ask for the trades of the same range.",
      [fieldFault(String(path), String(expected), received)],
    );
  }
  if (fields.get("order") === "certify")
    return problem(
      "order-not-available",
      'The order "certify" needs the venue\'s candles, which this version does not fetch: use "recent" or "oldest".',
      [fieldFault("$.order", '"recent" or "oldest"', "certify")],
    );
  return undefined;
}

function refused(errors: readonly FieldFault[]): ParsedBackfillRequest {
  return { kind: "refused", problem: invalidRequest(errors) };
}
