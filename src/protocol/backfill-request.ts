import * as v from "valibot";
import {
  MINUTES_PER_DAY,
  type MinuteRange,
  parseSymbolName,
  rangeLength,
  symbolName,
  TIMEFRAMES,
  type Timeframe,
} from "../core/mod.ts";
import { type FieldFault, faultsFromIssues, fieldFault, invalidRequest, type Problem } from "./problem.ts";
import { requestedRange } from "./request-range.ts";

/** Symbols of one request. */
export const SYMBOLS_MAX = 100;
/** Days that one request for trades may span. */
export const JOB_DAYS_MAX = 366;
/** Days that one request for candles may span: ten years. How many chunks they make is looked at later. */
export const CANDLE_DAYS_MAX = 3_660;
/** Timeframes of one request. */
export const TIMEFRAMES_MAX = 8;
/** What a request for candles without timeframes means. */
const TIMEFRAME_DEFAULT: Timeframe = "1m";
/** Symbols × days of one request for trades: 100 symbols for a month. It bounds the chunks of one job. */
export const SYMBOL_DAYS_MAX = 3_100;
export const PRIORITY_MAX = 100;
/** Longest time that a job may be given, seconds: a week. */
export const DEADLINE_SECONDS_MAX = 604_800;
const SYMBOL_CHARS_MAX = 80;
const TIME_CHARS_MAX = 40;

/** Which minutes are fetched first: the newest, the oldest, or those that prove most of the levels (trades only). */
export const ORDERS = ["recent", "oldest", "certify"] as const;
export type Order = (typeof ORDERS)[number];
const ORDERS_EXPECTED = '"recent", "oldest" or "certify"';

const TIMEFRAMES_EXPECTED = `1 to ${TIMEFRAMES_MAX} timeframes of ${TIMEFRAMES.join(", ")}`;
const SYMBOLS_EXPECTED = `1 to ${SYMBOLS_MAX} symbols such as "BTCUSDT" or "binance:BTCUSDT"`;
const SYMBOL_EXPECTED = 'a symbol such as "BTCUSDT" or "binance:BTCUSDT"';
const TIME_EXPECTED = 'a date such as "2026-01-02" or a time such as "2026-01-02T03:04:05Z"';
const PRIORITY_EXPECTED = `a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`;

const DEADLINE_EXPECTED = `a whole number of seconds from 1 to ${DEADLINE_SECONDS_MAX}`;

/** Higher goes first. */
export const PriorityField = v.pipe(
  v.number(PRIORITY_EXPECTED),
  v.safeInteger(PRIORITY_EXPECTED),
  v.minValue(-PRIORITY_MAX, PRIORITY_EXPECTED),
  v.maxValue(PRIORITY_MAX, PRIORITY_EXPECTED),
);
const DeadlineField = v.pipe(
  v.number(DEADLINE_EXPECTED),
  v.safeInteger(DEADLINE_EXPECTED),
  v.minValue(1, DEADLINE_EXPECTED),
  v.maxValue(DEADLINE_SECONDS_MAX, DEADLINE_EXPECTED),
);

const RequestTime = v.pipe(v.string(TIME_EXPECTED), v.maxLength(TIME_CHARS_MAX, TIME_EXPECTED));

/** Body of `POST /api/v1/backfill`. With `timeframes` it is a candle job, else a trade job. Dates are inclusive as an end, times exclusive. */
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
  /** Default: candles when `timeframes` are named, else trades. */
  dataset: v.optional(v.picklist(["trades", "candles"], '"trades" or "candles"')),
  timeframes: v.optional(
    v.pipe(
      v.array(v.picklist(TIMEFRAMES, TIMEFRAMES_EXPECTED), TIMEFRAMES_EXPECTED),
      v.minLength(1, TIMEFRAMES_EXPECTED),
    ),
  ),
  order: v.optional(v.picklist(ORDERS, ORDERS_EXPECTED), "recent"),
  priority: v.optional(PriorityField, 0),
  deadline_seconds: v.optional(DeadlineField),
  force: v.optional(v.boolean("true or false"), false),
});
export type BackfillBody = v.InferInput<typeof BackfillBody>;

/** A symbol with its venue. */
export interface VenueSymbol {
  readonly venue: string;
  readonly symbol: string;
}

/** A request, understood: what to fetch, without a word left to interpret. */
export interface BackfillRequest {
  /** Candles that open in `range`, of these lengths, each once; empty: trades. */
  readonly timeframes: readonly Timeframe[];
  /** Each once, in the order of the request. */
  readonly symbols: readonly VenueSymbol[];
  /** Closed minutes. */
  readonly range: MinuteRange;
  readonly order: Order;
  readonly priority: number;
  /** Seconds until the job ends in error, whatever it has reached; it takes as long as it takes when absent. */
  readonly deadlineSeconds?: number | undefined;
  readonly force: boolean;
}

export type ParsedBackfillRequest =
  | { readonly kind: "request"; readonly request: BackfillRequest }
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
  const parsed = v.safeParse(BackfillBody, body);
  if (!parsed.success) return refused(faultsFromIssues(parsed.issues));
  const { symbols: names, start_date, end_date, deadline_seconds: deadlineSeconds } = parsed.output;
  const { order, priority, force } = parsed.output;

  const errors: FieldFault[] = [];
  const timeframes = timeframesOf(parsed.output, errors);
  if (timeframes.length > 0 && order === "certify")
    errors.push(fieldFault("$.order", '"recent" or "oldest" for candles', order));
  const symbols = new Map<string, VenueSymbol>();
  for (const [at, name] of names.entries()) {
    const symbol = parseSymbolName(name, defaultVenue);
    if (symbol === undefined) errors.push(fieldFault(`$.symbols[${at}]`, SYMBOL_EXPECTED, name));
    else symbols.set(symbolName(symbol), symbol);
  }
  const range = requestedRange({
    start: { path: "$.start_date", text: start_date },
    end: { path: "$.end_date", text: end_date },
    nowMs,
    daysMax: timeframes.length > 0 ? CANDLE_DAYS_MAX : JOB_DAYS_MAX,
  });
  if (range.kind === "refused") return refused([...errors, ...range.errors]);
  const symbolDays = symbols.size * Math.ceil(rangeLength(range.range) / MINUTES_PER_DAY);
  if (timeframes.length === 0 && symbolDays > SYMBOL_DAYS_MAX)
    errors.push(
      fieldFault("$.symbols", `at most ${SYMBOL_DAYS_MAX} symbol-days (symbols × days)`, symbolDays),
    );
  if (errors.length > 0) return refused(errors);
  return {
    kind: "request",
    request: {
      symbols: [...symbols.values()],
      timeframes,
      range: range.range,
      order,
      priority,
      force,
      ...(deadlineSeconds === undefined ? {} : { deadlineSeconds }),
    },
  };
}

/** The timeframes of a request, each once; none for trades. */
function timeframesOf(
  { dataset, timeframes }: v.InferOutput<typeof BackfillBody>,
  errors: FieldFault[],
): readonly Timeframe[] {
  if (timeframes === undefined) return dataset === "candles" ? [TIMEFRAME_DEFAULT] : [];
  if (dataset === "trades")
    errors.push(fieldFault("$.timeframes", 'no timeframes beside the dataset "trades"', timeframes));
  const distinct = [...new Set(timeframes)];
  if (distinct.length > TIMEFRAMES_MAX)
    errors.push(fieldFault("$.timeframes", TIMEFRAMES_EXPECTED, timeframes));
  return distinct;
}

function refused(errors: readonly FieldFault[]): ParsedBackfillRequest {
  return { kind: "refused", problem: invalidRequest(errors) };
}
