import * as v from "valibot";
import { decimal, formatDecimal, MS_PER_MINUTE } from "../core/mod.ts";
import { jsonAnswer } from "./answers.ts";
import { faultRuleSchema } from "./fault-rule.ts";
import { FaultLimitError, type Faults } from "./faults.ts";
import type { Listing, Listings } from "./listing.ts";
import type { RequestLog } from "./request-log.ts";
import type { StreamHub } from "./stream-hub.ts";
import type { Weights } from "./weights.ts";

/** The simulator's own door, for tests and people in other processes: `/sim/…`. */
export interface ControlContext {
  readonly listings: Listings;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly hub: StreamHub;
  readonly weights: Weights;
  readonly nowMs: () => number;
}

/** Minutes of one truth answer: a week. */
const TRUTH_MINUTES_MAX = 10_080;
const BODY_BYTES_MAX = 65_536;

const faultsSchema = v.union([faultRuleSchema, v.array(faultRuleSchema)]);
const socketsSchema = v.strictObject({
  action: v.picklist(["drop", "close", "end", "freeze", "silence", "server_shutdown"]),
  symbol: v.optional(v.pipe(v.string(), v.toUpperCase())),
  count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});
const wholeNumber = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number));
const rangeSchema = v.object({
  symbol: v.pipe(v.string(), v.toUpperCase()),
  /** Milliseconds since the epoch; the minutes that hold them, the last one excluded. */
  from: v.optional(wholeNumber, "0"),
  to: v.optional(wholeNumber, String(Number.MAX_SAFE_INTEGER)),
});

/** Answers a request below `/sim/`. Bad input is a 400 with what was wrong, an unknown path a 404. */
export async function answerControl(request: Request, url: URL, context: ControlContext): Promise<Response> {
  const { faults, hub, log } = context;
  switch (`${request.method} ${url.pathname}`) {
    case "GET /sim/faults":
      return json({ faults: faults.list() });
    case "POST /sim/faults":
      return addFaults(await bodyOf(request), faults);
    case "DELETE /sim/faults": {
      const id = url.searchParams.get("id");
      return json({ removed: faults.remove(id === null ? undefined : Number(id)) });
    }
    case "GET /sim/sockets":
      return json({ sockets: hub.sockets() });
    case "POST /sim/sockets": {
      const parsed = v.safeParse(socketsSchema, await bodyOf(request));
      if (!parsed.success) return refuse(parsed.issues);
      const { action, symbol, count } = parsed.output;
      return json({ affected: hub.act(action, symbol, count) });
    }
    case "GET /sim/requests":
      return url.searchParams.has("symbol") ? minutesAnswer(url, log) : json(log.summary());
    case "DELETE /sim/requests":
      log.clear();
      return json({ cleared: true });
    case "DELETE /sim/weights":
      context.weights.reset();
      return json({ cleared: true });
    case "GET /sim/truth":
      return truthAnswer(url, context);
    default:
      return json({ error: `no such control: ${request.method} ${url.pathname}` }, 404);
  }
}

function json(body: unknown, status = 200): Response {
  return jsonAnswer(JSON.stringify(body), status);
}

function refuse(issues: readonly v.BaseIssue<unknown>[]): Response {
  const errors = issues.map((issue) => `${v.getDotPath(issue) ?? "body"}: ${issue.message}`);
  return json({ error: errors.join("; ") }, 400);
}

async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text();
  const parsed = v.safeParse(v.pipe(v.string(), v.maxLength(BODY_BYTES_MAX), v.parseJson()), text);
  return parsed.success ? parsed.output : undefined;
}

function addFaults(body: unknown, faults: Faults): Response {
  const parsed = v.safeParse(faultsSchema, body);
  if (!parsed.success) return refuse(parsed.issues);
  const rules = Array.isArray(parsed.output) ? parsed.output : [parsed.output];
  try {
    return json({ ids: rules.map((rule) => faults.add(rule)) });
  } catch (error) {
    if (error instanceof FaultLimitError) return json({ error: error.message }, 409);
    throw error;
  }
}

function rangeOf(url: URL) {
  const parsed = v.safeParse(rangeSchema, Object.fromEntries(url.searchParams));
  if (!parsed.success) return { kind: "refused", answer: refuse(parsed.issues) } as const;
  const { symbol, from, to } = parsed.output;
  const lo = Math.floor(from / MS_PER_MINUTE);
  return { kind: "range", symbol, lo, hi: Math.ceil(to / MS_PER_MINUTE) } as const;
}

function minutesAnswer(url: URL, log: RequestLog): Response {
  const range = rangeOf(url);
  if (range.kind === "refused") return range.answer;
  const minutes = log.minutes(range.symbol, range.lo, range.hi);
  return json({ minutes: minutes.map(([minute, counts]) => ({ minute, ...counts })) });
}

async function truthAnswer(url: URL, { listings, nowMs }: ControlContext): Promise<Response> {
  const range = rangeOf(url);
  if (range.kind === "refused") return range.answer;
  const listing = listings.get(range.symbol);
  if (listing === undefined) return json({ error: `no such symbol: ${range.symbol}` }, 404);
  if (range.hi - range.lo > TRUTH_MINUTES_MAX)
    return json(
      { error: `expected at most ${TRUTH_MINUTES_MAX} minutes, found ${range.hi - range.lo}` },
      400,
    );
  return json({ symbol: range.symbol, minutes: await truthOf(listing, range.lo, range.hi, nowMs()) });
}

/** What each minute with trades holds, up to `nowMs`. */
async function truthOf({ market, candles }: Listing, lo: number, hi: number, nowMs: number) {
  const { priceScale, sizeScale } = market.spec.scales;
  const series = await candles.series(1, lo, hi, nowMs);
  const size = (units: bigint) => formatDecimal(decimal(units, sizeScale));
  const quote = (units: bigint) => formatDecimal(decimal(units, priceScale + sizeScale));
  return series
    .filter((candle) => candle.count > 0)
    .map((candle) => ({
      minute: candle.openMs / MS_PER_MINUTE,
      count: candle.count,
      raw_count: candle.rawCount,
      volume: size(candle.volume),
      buy_volume: size(candle.buyVolume),
      quote_volume: quote(candle.quoteVolume),
      first_id: candle.firstId,
      last_id: candle.lastId,
    }));
}
