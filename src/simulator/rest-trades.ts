import { minuteOfUs } from "../core/mod.ts";
import { wrongRow } from "./distortion.ts";
import type { Faults } from "./faults.ts";
import type { Listing } from "./listing.ts";
import type { RequestLog } from "./request-log.ts";
import { RefusedRequestError, type RestQuery } from "./rest-query.ts";
import { aggTradeRow } from "./wire-text.ts";

export const AGG_TRADES_PARAMETERS = ["symbol", "fromId", "startTime", "endTime", "limit"];
const LIMIT_DEFAULT = 500;
const LIMIT_MAX = 1_000;
/** Minutes of one request that are counted in the log: a week. */
const LOGGED_MINUTES_MAX = 10_080;
const PATH = "/api/v3/aggTrades";

export interface TradesContext {
  readonly listing: Listing;
  readonly nowMs: number;
  readonly faults: Faults;
  readonly log: RequestLog;
}

/**
 * `GET /api/v3/aggTrades`: from an id, or a time window with the oldest first, or the newest up to `endTime`; never a
 * trade later than `nowMs`.
 */
export function aggTradesBody(query: RestQuery, { listing, nowMs, faults, log }: TradesContext): string {
  const { view, market } = listing;
  const { symbol } = market.spec;
  const limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX);
  const fromId = query.integer("fromId");
  const startMs = query.integer("startTime");
  const endMs = query.integer("endTime");
  if (fromId !== undefined && (startMs !== undefined || endMs !== undefined))
    throw new RefusedRequestError(-1128, "Combination of optional parameters invalid.");
  const visible = view.positionAtMs(nowMs + 1);
  const end = Math.min(visible, endMs === undefined ? visible : view.positionAtMs(endMs + 1));
  let from: number;
  if (fromId !== undefined) from = market.positionOfId(fromId);
  else if (startMs !== undefined) from = view.positionAtMs(startMs);
  else from = Math.max(market.positionAt(market.span.lo), end - limit);
  const to = Math.min(end, from + limit);

  if (startMs !== undefined) countAsked(log, symbol, startMs, Math.min(endMs ?? nowMs, nowMs));
  const subject = { path: PATH, symbol, target: "rest" } as const;
  const gaps = faults.has("id_gap");
  const wrong = faults.has("wrong_trade");
  const rows: string[] = [];
  for (const part of view.parts(from, to)) {
    const minute = minuteOfUs(part.batch.timeUs[part.from]!);
    const before = rows.length;
    for (let row = part.from; row < part.to; row++) {
      if (gaps && faults.hides(part.batch.id[row]!, subject)) continue;
      const how = wrong ? faults.falsifies(part.batch.id[row]!, subject) : undefined;
      rows.push(how ? aggTradeRow(wrongRow(part.batch, row, how), 0) : aggTradeRow(part.batch, row));
    }
    log.count(symbol, minute, "rows", rows.length - before);
  }
  return `[${disturb(rows, faults, subject).join(",")}]`;
}

function countAsked(log: RequestLog, symbol: string, startMs: number, endMs: number): void {
  const lo = Math.floor(startMs / 60_000);
  const hi = Math.min(Math.floor(endMs / 60_000), lo + LOGGED_MINUTES_MAX - 1);
  for (let minute = lo; minute <= hi; minute++) log.count(symbol, minute, "asked", 1);
}

/** Rows twice, left out or in another order, where a fault wants it. */
function disturb(rows: string[], faults: Faults, subject: Parameters<Faults["fire"]>[1]): string[] {
  if (rows.length < 3) return rows;
  let answer = rows;
  const at = () => 1 + Math.floor(faults.unit() * (answer.length - 2));
  if (faults.fire("missing", subject) !== undefined) answer = answer.toSpliced(at(), 1);
  if (faults.fire("duplicate", subject) !== undefined) {
    const row = at();
    answer = answer.toSpliced(row, 0, answer[row]!);
  }
  if (faults.fire("reorder", subject) !== undefined && answer.length > 3) {
    const row = at();
    answer = [...answer.slice(row), ...answer.slice(0, row)];
  }
  return answer;
}
