import {
  DecimalError,
  fractionDigits,
  MS_PER_MINUTE,
  minuteOfMs,
  OperationFailure,
  parseUnits,
  type Scales,
  type SkeletonCandle,
  wideUnits,
} from "../../core/mod.ts";
import type { HistoryCandle } from "../../venues/mod.ts";

/** Candles as integers, at the coarsest scales that hold `atLeast` and every one of them. */
export interface ScaledCandles {
  readonly scales: Scales;
  readonly candles: readonly SkeletonCandle[];
}

/**
 * 1-minute candles as the levels reckon with them. Fails `permanent` when our integers cannot hold one of them, and
 * `transient` when one is no candle at all.
 */
export function skeletonCandles(candles: readonly HistoryCandle[], atLeast: Scales): ScaledCandles {
  try {
    const scales = candles.reduce(scalesOf, atLeast);
    return { scales, candles: candles.map((candle) => scaled(candle, scales)) };
  } catch (thrown) {
    if (!(thrown instanceof DecimalError)) throw thrown;
    const kind = thrown.fault === "syntax" ? "transient" : "permanent";
    throw new OperationFailure(kind, `1-minute candles: ${thrown.message}`, { cause: thrown });
  }
}

function scalesOf({ priceScale, sizeScale }: Scales, candle: HistoryCandle): Scales {
  const { open, high, low, close, volume, quoteVolume = "0", buyVolume = "0", buyQuoteVolume = "0" } = candle;
  const price = Math.max(priceScale, ...[open, high, low, close].map(fractionDigits));
  // A quote volume of more digits than prices and sizes show has seen finer trades than they.
  const size = Math.max(
    sizeScale,
    ...[volume, buyVolume].map(fractionDigits),
    ...[quoteVolume, buyQuoteVolume].map((text) => fractionDigits(text) - price),
  );
  return { priceScale: price, sizeScale: size };
}

function scaled(candle: HistoryCandle, { priceScale, sizeScale }: Scales): SkeletonCandle {
  const { openMs, open, high, low, close, volume, quoteVolume, buyVolume, buyQuoteVolume, trades } = candle;
  if (openMs % MS_PER_MINUTE !== 0)
    throw new OperationFailure("transient", `1-minute candles: one opens at ${openMs}, within a minute`);
  const quote = (text: string | undefined) =>
    text === undefined ? undefined : wideUnits(text, priceScale + sizeScale);
  return {
    minute: minuteOfMs(openMs),
    open: parseUnits(open, priceScale),
    high: parseUnits(high, priceScale),
    low: parseUnits(low, priceScale),
    close: parseUnits(close, priceScale),
    volume: parseUnits(volume, sizeScale),
    quoteVolume: quote(quoteVolume),
    buyVolume: buyVolume === undefined ? undefined : parseUnits(buyVolume, sizeScale),
    buyQuoteVolume: quote(buyQuoteVolume),
    rawCount: trades,
  };
}
