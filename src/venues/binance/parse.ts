import {
  type Candle,
  DecimalError,
  fractionDigits,
  type Instrument,
  minuteOfMs,
  OperationFailure,
  parseUnits,
  type Scales,
  type TradeBatch,
  TradeBatchBuilder,
  type TradeText,
  US_PER_MS,
  wideUnits,
} from "../../core/mod.ts";
import type { CandlesOfRange } from "../venue.ts";
import type { AggTradeRow, ExchangeInfo, KlineRow } from "./messages.ts";

/** Times above this are microseconds already: as milliseconds they would lie beyond the year 5138. */
const MICROSECONDS_FROM = 1e14;

/** Digits Binance writes everything with; the scale of an instrument whose step is switched off (`0.00000000`). */
const DIGITS = 8;

/** How the venue names the limit that request weights count against. */
const WEIGHT_LIMIT = "REQUEST_WEIGHT";

/** Microseconds of a Binance time, which is in milliseconds or microseconds. */
export function timeUsOf(time: number): number {
  return time > MICROSECONDS_FROM ? time : time * US_PER_MS;
}

/** An aggregate trade. `m` says the buyer was the maker, so the aggressor sold. */
export function tradeTextOf(row: AggTradeRow): TradeText {
  return {
    id: row.a,
    timeUs: timeUsOf(row.T),
    price: row.p,
    size: row.q,
    firstId: row.f,
    lastId: row.l,
    buy: !row.m,
  };
}

/** One trade as a batch; undefined for a print without price or size. Throws {@link DecimalError}. */
export function singleTrade(
  kind: TradeBatch["kind"],
  scales: Scales,
  trade: TradeText,
): TradeBatch | undefined {
  const builder = new TradeBatchBuilder(kind, scalesOf(scales), 1);
  return builder.push(trade) ? builder.build() : undefined;
}

/** The scales alone of anything that has them. */
export function scalesOf(of: Scales): Scales {
  return { priceScale: of.priceScale, sizeScale: of.sizeScale };
}

/**
 * The instrument of `symbol` (whether it still trades or not: its history is there), at the scales of its steps.
 * Throws a permanent {@link OperationFailure} when the answer does not hold it.
 */
export function instrumentOf(info: ExchangeInfo, symbol: string): Instrument {
  const found = info.symbols.find((candidate) => candidate.symbol === symbol);
  if (found === undefined)
    throw new OperationFailure("permanent", `asked Binance for ${symbol}: its exchangeInfo does not list it`);
  const tickSize = found.filters.find((filter) => filter.filterType === "PRICE_FILTER")?.tickSize;
  const stepSize = found.filters.find((filter) => filter.filterType === "LOT_SIZE")?.stepSize;
  const tick = stepOf(tickSize, symbol, "PRICE_FILTER.tickSize");
  const lot = stepOf(stepSize, symbol, "LOT_SIZE.stepSize");
  return {
    venue: "binance",
    market: "spot",
    symbol,
    priceScale: tick.scale,
    sizeScale: lot.scale,
    tickUnits: tick.units,
    lotUnits: lot.units,
  };
}

function stepOf(text: string | undefined, symbol: string, name: string): { scale: number; units: number } {
  if (text === undefined)
    throw new OperationFailure("permanent", `exchangeInfo of ${symbol}: expected ${name}, found none`);
  return readDecimals(`exchangeInfo of ${symbol}, ${name}`, () => {
    const scale = fractionDigits(text);
    const units = parseUnits(text, scale);
    return units === 0 ? { scale: DIGITS, units: 1 } : { scale, units };
  });
}

/** Request weight per minute, or undefined when the answer does not say. */
export function weightLimitOf(info: ExchangeInfo): number | undefined {
  return info.rateLimits.find(
    (limit) => limit.rateLimitType === WEIGHT_LIMIT && limit.interval === "MINUTE" && limit.intervalNum === 1,
  )?.limit;
}

/** Candles at the coarsest scales that hold both `scales` and every one of them. */
export function candlesOf(rows: readonly KlineRow[], scales: Scales): CandlesOfRange {
  return readDecimals("klines", () => {
    const finest = rows.reduce(scalesOfRow, scalesOf(scales));
    return { scales: finest, candles: rows.map((row) => candleOf(row, finest)) };
  });
}

function scalesOfRow(scales: Scales, row: KlineRow): Scales {
  const [, open, high, low, close, volume, , quote, , buy, buyQuote] = row;
  const priceScale = Math.max(scales.priceScale, ...[open, high, low, close].map(fractionDigits));
  const sizeScale = Math.max(
    scales.sizeScale,
    fractionDigits(volume),
    fractionDigits(buy),
    fractionDigits(quote) - priceScale,
    fractionDigits(buyQuote) - priceScale,
  );
  return { priceScale, sizeScale };
}

function candleOf(row: KlineRow, { priceScale, sizeScale }: Scales): Candle {
  const [openTime, open, high, low, close, volume, , quote, trades, buy, buyQuote] = row;
  return {
    minute: minuteOfMs(Math.floor(timeUsOf(openTime) / US_PER_MS)),
    open: parseUnits(open, priceScale),
    high: parseUnits(high, priceScale),
    low: parseUnits(low, priceScale),
    close: parseUnits(close, priceScale),
    volume: parseUnits(volume, sizeScale),
    quoteVolume: wideUnits(quote, priceScale + sizeScale),
    buyVolume: parseUnits(buy, sizeScale),
    buyQuoteVolume: wideUnits(buyQuote, priceScale + sizeScale),
    rawCount: trades,
  };
}

/** A price in units of 10^-scale with finer digits cut off; undefined for 0. Throws {@link DecimalError}. */
export function roughPrice(text: string, scale: number): number | undefined {
  const digits = Math.max(scale, fractionDigits(text));
  const units = wideUnits(text, digits);
  return units === 0n ? undefined : Math.max(1, Number(units / 10n ** BigInt(digits - scale)));
}

/**
 * Runs `read`; a decimal it cannot read becomes a failure: `transient` when it is no decimal (a broken answer),
 * `permanent` when it is one that our integers cannot hold.
 */
export function readDecimals<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof DecimalError)) throw thrown;
    const kind = thrown.fault === "syntax" ? "transient" : "permanent";
    throw new OperationFailure(kind, `${what}: ${thrown.message}`, { cause: thrown });
  }
}
