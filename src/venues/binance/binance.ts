import {
  type Clock,
  type Instrument,
  type MinuteRange,
  TIMEFRAMES,
  type Timeframe,
  type TradeKind,
  type Turns,
} from "../../core/mod.ts";
import type { CandleHistory, CandleSource } from "../candle-source.ts";
import type {
  CallOptions,
  CandlesOfRange,
  FeedOptions,
  TradeFeed,
  TradePosition,
  TradesOfRange,
  Venue,
} from "../venue.ts";
import { candleHistoryOf } from "./candle-history.ts";
import { ConnectGate } from "./connect-gate.ts";
import { BinanceFeed } from "./feed.ts";
import { tradesOfRange } from "./history.ts";
import { candlesOfRange } from "./klines.ts";
import { AggTradePage, type AggTradeRow, ExchangeInfo, ServerTime } from "./messages.ts";
import { instrumentOf, readDecimals, roughPrice, timeUsOf, weightLimitOf } from "./parse.ts";
import { RequestBudget } from "./request-budget.ts";
import { type Fetch, RestClient } from "./rest-client.ts";
import type { ConnectionLimits } from "./stream-group.ts";
import type { CreateSocket } from "./stream-socket.ts";
import { exchangeInfoEndpoint, newestAggTrade, REST_URL, timeEndpoint, WS_URL } from "./urls.ts";

/** Binance writes quote volumes with so many digits after the point, whatever price and size need together. */
const QUOTE_DIGITS = 8;

export interface BinanceOptions {
  /** Default `https://api.binance.com`. */
  readonly restUrl?: string;
  /** Default `wss://stream.binance.com:9443`. */
  readonly wsUrl?: string;
  readonly clock: Clock;
  /** Answers [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Default the global `fetch`. */
  readonly fetch?: Fetch;
  /** Default the global `WebSocket`. */
  readonly createSocket?: CreateSocket;
  /** Where answers wait to be parsed. Default a line of its own. */
  readonly turns?: Turns;
  /** How long an answer may take, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Sends of one request that fails by chance, the first included. Default 3. */
  readonly attempts?: number;
  /** Requests under way at once. Default 8. */
  readonly inFlightMax?: number;
  /** Request weight per minute, until exchangeInfo states it. Default 6000. */
  readonly weightLimit?: number;
  readonly limits?: ConnectionLimits;
}

/** What a venue has spent, for metrics. */
export interface BinanceUsage {
  readonly requests: number;
  /** Request weight of the running minute, and what it may be. */
  readonly usedWeight: number;
  readonly weightLimit: number;
  readonly waiting: number;
  /** How long a running ban still lasts, ms; 0 without one. */
  readonly banMsLeft: number;
}

/** Binance spot: one request budget and one connection limit for everything that goes through this object. */
export class Binance implements Venue, CandleSource {
  readonly name = "binance";
  readonly market = "spot";
  readonly timeframes = TIMEFRAMES;
  readonly quoteDigits = QUOTE_DIGITS;
  readonly #clock: Clock;
  readonly #budget: RequestBudget;
  readonly #client: RestClient;
  readonly #openFeed: (options: FeedOptions) => TradeFeed;

  constructor(options: BinanceOptions) {
    const {
      restUrl = REST_URL,
      wsUrl = WS_URL,
      clock,
      random = Math.random,
      fetch = globalThis.fetch,
      createSocket = (url) => new WebSocket(url),
      timeoutMs,
      turns,
      attempts,
      inFlightMax,
      weightLimit,
      limits = {},
    } = options;
    const budget = new RequestBudget({
      clock,
      ...(weightLimit === undefined ? {} : { limit: weightLimit }),
      ...(inFlightMax === undefined ? {} : { inFlightMax }),
    });
    this.#clock = clock;
    this.#budget = budget;
    this.#client = new RestClient({
      baseUrl: restUrl,
      budget,
      timers: clock,
      random,
      fetch,
      ...(turns === undefined ? {} : { turns }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(attempts === undefined ? {} : { attempts }),
    });
    const gate = new ConnectGate(clock, () => budget.banMsLeft);
    this.#openFeed = (feed) =>
      new BinanceFeed({
        ...feed,
        wsUrl,
        timers: clock,
        random,
        createSocket,
        gate,
        limits,
        newestId: (instrument, signal) => this.#newestId(instrument, feed.kind, signal),
        onBanned: (untilMs) => budget.banUntil(untilMs),
      });
  }

  get usage(): BinanceUsage {
    return {
      requests: this.#client.requests,
      usedWeight: this.#budget.used,
      weightLimit: this.#budget.limit,
      waiting: this.#budget.waiting,
      banMsLeft: this.#budget.banMsLeft,
    };
  }

  /** Reads exchangeInfo, and from the same answer the weight limit. Costs 20 of the budget: keep what it answers. */
  async instrument(symbol: string, options: CallOptions): Promise<Instrument> {
    const info = await this.#client.get(exchangeInfoEndpoint(symbol), ExchangeInfo, options);
    const limit = weightLimitOf(info);
    if (limit !== undefined) this.#budget.setLimit(limit);
    return instrumentOf(info, symbol);
  }

  async serverTimeMs(options: CallOptions): Promise<number> {
    const sentAt = this.#clock.now();
    const { serverTime } = await this.#client.get(timeEndpoint(), ServerTime, options);
    this.#budget.observeServerTime(serverTime, (sentAt + this.#clock.now()) / 2);
    return serverTime;
  }

  candles(instrument: Instrument, range: MinuteRange, options: CallOptions): Promise<CandlesOfRange> {
    return candlesOfRange(this.#client, instrument, range, options);
  }

  candleHistory(
    symbol: string,
    timeframe: Timeframe,
    range: MinuteRange,
    options: CallOptions,
  ): Promise<CandleHistory> {
    const nowMs = this.#budget.exchangeNowMs;
    return candleHistoryOf(this.#client, symbol, timeframe, range, { nowMs, options });
  }

  trades(instrument: Instrument, range: MinuteRange, options: CallOptions): Promise<TradesOfRange> {
    return tradesOfRange(this.#client, instrument, range, options);
  }

  async newestTrade(instrument: Instrument, options: CallOptions): Promise<TradePosition | undefined> {
    const newest = await this.#newest(instrument, options);
    return newest === undefined ? undefined : { id: newest.a, timeUs: timeUsOf(newest.T) };
  }

  async newestPrice(instrument: Instrument, options: CallOptions): Promise<number | undefined> {
    const newest = await this.#newest(instrument, options);
    if (newest === undefined) return undefined;
    const { priceScale, symbol } = instrument;
    return readDecimals(`newest trade of ${symbol}`, () => roughPrice(newest.p, priceScale));
  }

  openFeed(options: FeedOptions): TradeFeed {
    return this.#openFeed(options);
  }

  /** An aggregate names its last raw trade, so one request serves both kinds. */
  async #newestId(instrument: Instrument, kind: TradeKind, signal: AbortSignal): Promise<number> {
    const newest = await this.#newest(instrument, { signal, priority: "repair" });
    if (newest === undefined) return -1;
    return kind === "aggregate" ? newest.a : newest.l;
  }

  async #newest(instrument: Instrument, options: CallOptions): Promise<AggTradeRow | undefined> {
    const rows = await this.#client.get(newestAggTrade(instrument.symbol), AggTradePage, options);
    return rows.reduce<AggTradeRow | undefined>(
      (last, row) => (last === undefined || row.a > last.a ? row : last),
      undefined,
    );
  }
}
