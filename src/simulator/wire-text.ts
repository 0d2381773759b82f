import { type Scales, type TradeBatch, US_PER_MS } from "../core/mod.ts";
import type { Candle } from "./candles.ts";
import type { SymbolSpec } from "./market.ts";

/** Binance writes every decimal with eight fraction digits. JSON text is built directly: a page of 1,000 costs < 1 ms. */
const WIRE_DIGITS = 8;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const ZEROS = ["", "0", "00", "000", "0000", "00000", "000000", "0000000", "00000000"];

/** `(6183763, 2)` → `"61837.63000000"`. `scale` ≤ 8. */
export function decimalText(units: number, scale: number): string {
  const power = 10 ** scale;
  const fraction = units % power;
  const digits = scale === 0 ? "" : String(fraction).padStart(scale, "0");
  return `${(units - fraction) / power}.${digits}${ZEROS[WIRE_DIGITS - scale]}`;
}

/** As {@link decimalText} for sums; digits beyond the eighth are cut off, as the exchange does. */
export function sumText(units: bigint, scale: number): string {
  if (scale <= WIRE_DIGITS && units <= MAX_SAFE) return decimalText(Number(units), scale);
  const digits = units.toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${whole}.${digits
    .slice(digits.length - scale)
    .padEnd(WIRE_DIGITS, "0")
    .slice(0, WIRE_DIGITS)}`;
}

/** The middle of every trade message: price, size. */
function priceAndSize(batch: TradeBatch, row: number, scales: Scales): string {
  return `"p":"${decimalText(batch.price[row]!, scales.priceScale)}","q":"${decimalText(batch.size[row]!, scales.sizeScale)}"`;
}

/** Exchange time of a row, whole ms. */
export function timeMsOf(batch: TradeBatch, row: number): number {
  return Math.floor(batch.timeUs[row]! / US_PER_MS);
}

/** One row of `GET /api/v3/aggTrades`. */
export function aggTradeRow(batch: TradeBatch, row: number): string {
  return (
    `{"a":${batch.id[row]},${priceAndSize(batch, row, batch.scales)},"f":${batch.firstId[row]},"l":${batch.lastId[row]},` +
    `"T":${timeMsOf(batch, row)},"m":${batch.buy[row] !== 1},"M":true}`
  );
}

/** The payload of a `<symbol>@aggTrade` frame. `eventMs` is when the exchange says it sent it. */
export function aggTradeEvent(symbol: string, batch: TradeBatch, row: number, eventMs: number): string {
  return (
    `{"e":"aggTrade","E":${eventMs},"s":"${symbol}","a":${batch.id[row]},${priceAndSize(batch, row, batch.scales)},` +
    `"f":${batch.firstId[row]},"l":${batch.lastId[row]},"T":${timeMsOf(batch, row)},"m":${batch.buy[row] !== 1},"M":true}`
  );
}

/**
 * The payloads of the `<symbol>@trade` frames behind one aggregate: ids firstId…lastId, the same price, time and side,
 * sizes that sum to the aggregate's (equal lots, the rest on the last).
 */
export function rawTradeEvents(spec: SymbolSpec, batch: TradeBatch, row: number, eventMs: number): string[] {
  const first = batch.firstId[row]!;
  const n = batch.lastId[row]! - first + 1;
  const size = batch.size[row]!;
  const lot = size >= n * spec.lotUnits ? spec.lotUnits : 1;
  const part = Math.floor(size / lot / n) * lot;
  const price = decimalText(batch.price[row]!, batch.scales.priceScale);
  const tail = `"T":${timeMsOf(batch, row)},"m":${batch.buy[row] !== 1},"M":true}`;
  return Array.from({ length: n }, (_, i) => {
    const own = i === n - 1 ? size - part * (n - 1) : part;
    const quantity = decimalText(own, batch.scales.sizeScale);
    return `{"e":"trade","E":${eventMs},"s":"${spec.symbol}","t":${first + i},"p":"${price}","q":"${quantity}",${tail}`;
  });
}

/** One row of `GET /api/v3/klines`. */
export function klineRow(candle: Candle, scales: Scales): string {
  const { priceScale, sizeScale } = scales;
  const price = (units: number) => `"${decimalText(units, priceScale)}"`;
  return (
    `[${candle.openMs},${price(candle.open)},${price(candle.high)},${price(candle.low)},${price(candle.close)},` +
    `"${sumText(candle.volume, sizeScale)}",${candle.closeMs},"${sumText(candle.quoteVolume, priceScale + sizeScale)}",` +
    `${candle.rawCount},"${sumText(candle.buyVolume, sizeScale)}","${sumText(candle.buyQuoteVolume, priceScale + sizeScale)}","0"]`
  );
}

/** The payload of a `<symbol>@kline_1m` frame. */
export function klineEvent(spec: SymbolSpec, candle: Candle, closed: boolean, eventMs: number): string {
  const { priceScale, sizeScale } = spec.scales;
  const price = (units: number) => `"${decimalText(units, priceScale)}"`;
  return (
    `{"e":"kline","E":${eventMs},"s":"${spec.symbol}","k":{"t":${candle.openMs},"T":${candle.closeMs},"s":"${spec.symbol}",` +
    `"i":"1m","f":${candle.firstRawId},"L":${candle.lastRawId},"o":${price(candle.open)},"c":${price(candle.close)},` +
    `"h":${price(candle.high)},"l":${price(candle.low)},"v":"${sumText(candle.volume, sizeScale)}","n":${candle.rawCount},` +
    `"x":${closed},"q":"${sumText(candle.quoteVolume, priceScale + sizeScale)}","V":"${sumText(candle.buyVolume, sizeScale)}",` +
    `"Q":"${sumText(candle.buyQuoteVolume, priceScale + sizeScale)}","B":"0"}}`
  );
}
