import {
  closedPart,
  divideHalfEven,
  formatUnits,
  fractionDigits,
  type MinuteRange,
  MS_PER_MINUTE,
  minuteOfMs,
  msOfMinute,
  OperationFailure,
  parseUnits,
  type Timeframe,
  timeframeMinutes,
  US_PER_MS,
  wideUnits,
} from "../../core/mod.ts";
import type { CandleHistory, HistoryCandle } from "../candle-source.ts";
import type { CallOptions } from "../venue.ts";
import { KlinePage, type KlineRow } from "./messages.ts";
import { readDecimals, timeUsOf } from "./parse.ts";
import type { RestClient } from "./rest-client.ts";
import { klinesEndpoint } from "./urls.ts";

/** Binance may still correct a candle for a moment after its end; it counts as closed this much later, ms. */
const SETTLE_MS = 2_000;
/** Digits after the point of a computed mean price. */
const VWAP_DIGITS = 8;

/** The venue's candles that open in `range`, page by page. `nowMs` is the venue's clock. */
export async function candleHistoryOf(
  client: RestClient,
  symbol: string,
  timeframe: Timeframe,
  range: MinuteRange,
  { nowMs, options }: { readonly nowMs: number; readonly options: CallOptions },
): Promise<CandleHistory> {
  const kept = new Map<number, KlineRow>();
  const loMs = msOfMinute(range.lo);
  const endMs = msOfMinute(range.hi);
  const stepMs = timeframeMinutes(timeframe) * MS_PER_MINUTE;
  let fromMs = loMs;
  while (fromMs < endMs) {
    const endpoint = klinesEndpoint(symbol, fromMs, endMs - 1, timeframe);
    const rows = await client.get(endpoint, KlinePage, options);
    if (rows.length === 0) break;
    let lastMs = -1;
    for (const row of rows) {
      const openMs = openMsOf(row);
      lastMs = Math.max(lastMs, openMs);
      if (openMs >= loMs && openMs < endMs) kept.set(openMs, row);
    }
    if (lastMs < fromMs)
      throw new OperationFailure(
        "transient",
        `GET ${endpoint.path}: expected candles from ${fromMs} on, found ${rows.length} of which the last opens at ${lastMs}`,
      );
    fromMs = lastMs + stepMs;
  }
  const ascending = [...kept].sort(([a], [b]) => a - b);
  return {
    candles: readDecimals(`klines of ${symbol}`, () =>
      ascending.map(([openMs, row]) => candleOf(openMs, row)),
    ),
    closed: closedPart(range, timeframe, minuteOfMs(nowMs - SETTLE_MS)),
  };
}

function openMsOf(row: KlineRow): number {
  return Math.floor(timeUsOf(row[0]) / US_PER_MS);
}

function candleOf(openMs: number, row: KlineRow): HistoryCandle {
  const [, open, high, low, close, volume, , quote, trades, buy, buyQuote] = row;
  return {
    openMs,
    open: priceText(open),
    high: priceText(high),
    low: priceText(low),
    close: priceText(close),
    volume: plainText(volume),
    quoteVolume: plainText(quote),
    buyVolume: plainText(buy),
    buyQuoteVolume: plainText(buyQuote),
    vwap: meanPrice(volume, quote),
    trades,
  };
}

/** A price, which our integers hold everywhere else. Throws `DecimalError`. */
function priceText(text: string): string {
  const scale = fractionDigits(text);
  return formatUnits(parseUnits(text, scale), scale);
}

/** An unsigned decimal of any size without trailing zeros. Throws `DecimalError`. */
function plainText(text: string): string {
  const scale = fractionDigits(text);
  return formatUnits(wideUnits(text, scale), scale);
}

/** Σ price·size / Σ size, rounded half to even; undefined without volume. */
function meanPrice(volume: string, quote: string): string | undefined {
  const sizeScale = fractionDigits(volume);
  const quoteScale = fractionDigits(quote);
  const size = wideUnits(volume, sizeScale);
  if (size === 0n) return undefined;
  const numerator = wideUnits(quote, quoteScale) * 10n ** BigInt(sizeScale + VWAP_DIGITS);
  return formatUnits(divideHalfEven(numerator, size * 10n ** BigInt(quoteScale)), VWAP_DIGITS);
}
