import { MS_PER_MINUTE } from "../core/mod.ts";
import { distortedCandle } from "./distortion.ts";
import type { Faults } from "./faults.ts";
import type { Listing } from "./listing.ts";
import type { RequestLog } from "./request-log.ts";
import { RefusedRequestError, type RestQuery } from "./rest-query.ts";
import { klineRow } from "./wire-text.ts";

export const KLINES_PARAMETERS = ["symbol", "interval", "startTime", "endTime", "limit"];
const PATH = "/api/v3/klines";
const LIMIT_DEFAULT = 500;
const LIMIT_MAX = 1_000;
/** Trades behind one answer: about ten seconds of folding. More is refused, never cut. */
const TRADES_MAX = 50_000_000;
/** Minutes of one request that are counted in the log: a week. */
const LOGGED_MINUTES_MAX = 10_080;

/** Minutes of each interval that is served. */
const INTERVALS: ReadonlyMap<string, number> = new Map([
  ["1m", 1],
  ["3m", 3],
  ["5m", 5],
  ["15m", 15],
  ["30m", 30],
  ["1h", 60],
  ["2h", 120],
  ["4h", 240],
  ["6h", 360],
  ["8h", 480],
  ["12h", 720],
  ["1d", 1_440],
  ["3d", 4_320],
  ["1w", 10_080],
]);
/** Weeks begin on Monday, and the epoch was a Thursday: minutes. Every other grid begins at the epoch. */
const WEEK_OFFSET = 4 * 1_440;

/**
 * `GET /api/v3/klines`: candles whose open time lies in [startTime, endTime], oldest first, or the newest when
 * `startTime` is not given. The running candle is served as it stands at `nowMs`.
 */
export async function klinesBody(
  query: RestQuery,
  listing: Listing,
  nowMs: number,
  { log, faults }: { readonly log: RequestLog; readonly faults: Faults },
): Promise<string> {
  const { market, candles } = listing;
  const interval = query.text("interval");
  if (interval === undefined)
    throw new RefusedRequestError(
      -1102,
      "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.",
    );
  const minutes = INTERVALS.get(interval);
  if (minutes === undefined) throw new RefusedRequestError(-1120, "Invalid interval.");
  const limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX);
  const startMs = query.integer("startTime");
  const endMs = Math.min(query.integer("endTime") ?? nowMs, nowMs);
  const stepMs = minutes * MS_PER_MINUTE;
  const offset = interval === "1w" ? WEEK_OFFSET : 0;
  /** Place of a time in the grid of the interval. */
  const place = (ms: number) => (ms - offset * MS_PER_MINUTE) / stepMs;

  const end = Math.min(Math.floor(place(endMs)) + 1, Math.ceil(place(market.span.hi * MS_PER_MINUTE)));
  const earliest = Math.floor(place(market.span.lo * MS_PER_MINUTE));
  const start = Math.max(earliest, startMs === undefined ? end - limit : Math.ceil(place(startMs)));
  const lo = start * minutes + offset;
  const hi = Math.max(lo, Math.min(end, start + limit) * minutes + offset);
  const trades = market.positionAt(hi) - market.positionAt(lo);
  if (trades > TRADES_MAX)
    throw new RefusedRequestError(
      -1130,
      `This simulator folds at most ${TRADES_MAX} trades for one answer; these candles hold ${trades}. Ask for fewer.`,
    );
  const logged = Math.min(hi, lo + LOGGED_MINUTES_MAX);
  for (let minute = lo; minute < logged; minute++) log.count(market.spec.symbol, minute, "candles", 1);
  const series = await candles.series(minutes, lo, hi, nowMs);
  const wrong = minutes === 1 && faults.has("wrong_candle");
  const subject = { path: PATH, symbol: market.spec.symbol, target: "rest" } as const;
  const rows = series.map((candle) => {
    const field = wrong ? faults.contradicts(candle.openMs / MS_PER_MINUTE, subject) : undefined;
    return klineRow(field === undefined ? candle : distortedCandle(candle, field), market.spec.scales);
  });
  return `[${rows.join(",")}]`;
}
