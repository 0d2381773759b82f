import type { Timeframe, TradeKind } from "../../core/mod.ts";

/** Where Binance spot answers unless told otherwise. */
export const REST_URL = "https://api.binance.com";
export const WS_URL = "wss://stream.binance.com:9443";

/** Rows of one page; the most the venue gives. */
export const AGG_TRADES_LIMIT = 1_000;
export const KLINES_LIMIT = 1_000;

/** One REST call: its path with query, and what it takes from the budget. */
export interface Endpoint {
  readonly path: string;
  /** Request weight, as the venue counts it. */
  readonly weight: number;
}

function endpoint(path: string, weight: number, query: Readonly<Record<string, string | number>>): Endpoint {
  const text = Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return { path: text === "" ? path : `${path}?${text}`, weight };
}

export function timeEndpoint(): Endpoint {
  return endpoint("/api/v3/time", 1, {});
}

export function exchangeInfoEndpoint(symbol: string): Endpoint {
  return endpoint("/api/v3/exchangeInfo", 20, { symbol });
}

/** Aggregate trades with `startMs ≤ T ≤ endMs`, the oldest first. */
export function aggTradesByTime(symbol: string, startMs: number, endMs: number): Endpoint {
  return aggTrades({ symbol, startTime: startMs, endTime: endMs, limit: AGG_TRADES_LIMIT });
}

/** Aggregate trades from an id on, itself included. */
export function aggTradesFromId(symbol: string, fromId: number, limit = AGG_TRADES_LIMIT): Endpoint {
  return aggTrades({ symbol, fromId, limit });
}

export function newestAggTrade(symbol: string): Endpoint {
  return aggTrades({ symbol, limit: 1 });
}

function aggTrades(query: Readonly<Record<string, string | number>>): Endpoint {
  return endpoint("/api/v3/aggTrades", 4, query);
}

/** Candles whose open time lies in `[startMs, endMs]`, the oldest first; of one minute unless told otherwise. */
export function klinesEndpoint(
  symbol: string,
  startMs: number,
  endMs: number,
  timeframe: Timeframe = "1m",
): Endpoint {
  return endpoint("/api/v3/klines", 2, {
    symbol,
    interval: timeframe,
    startTime: startMs,
    endTime: endMs,
    limit: KLINES_LIMIT,
  });
}

/** `https://host/base/` and `/path` as one address. */
export function joinUrl(base: string, path: string): string {
  return base.replace(/\/+$/, "") + path;
}

/** `btcusdt@aggTrade`, or `btcusdt@trade` for raw trades. */
export function streamName(symbol: string, kind: TradeKind): string {
  return `${symbol.toLowerCase()}@${kind === "aggregate" ? "aggTrade" : "trade"}`;
}

/** Address of a connection that carries `streams`, subscribed from its first moment. */
export function streamsUrl(base: string, streams: readonly string[]): string {
  return joinUrl(base, `/stream?streams=${streams.join("/")}`);
}
