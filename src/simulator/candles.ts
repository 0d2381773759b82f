import { MS_PER_MINUTE, type TradeBatch } from "../core/mod.ts";
import type { Market } from "./market.ts";
import { createTapeView } from "./tape-view.ts";

/** OHLC in price units, volumes in size units, quote volumes in units of 10^-(priceScale + sizeScale). */
export interface Candle {
  readonly openMs: number;
  /** Last millisecond of the candle. */
  readonly closeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: bigint;
  readonly quoteVolume: bigint;
  readonly buyVolume: bigint;
  readonly buyQuoteVolume: bigint;
  /** Aggregate trades. */
  readonly count: number;
  /** Raw trades: what the exchange's candle counts. */
  readonly rawCount: number;
  /** First and last aggregate id; −1 in a candle without trades. */
  readonly firstId: number;
  readonly lastId: number;
  readonly firstRawId: number;
  readonly lastRawId: number;
}

/** Candles of a market, folded from its trades. Whole minutes are kept, bounded; the running minute never is. */
export interface Candles {
  /** A minute so far: trades up to and including `nowMs`. Undefined before the first trade and outside of the span. */
  minute(minute: number, nowMs: number): Candle | undefined;
  /** Candles of `minutes` length whose opening minute lies in [lo, hi), oldest first, up to `nowMs`. Gives way often. */
  series(minutes: number, lo: number, hi: number, nowMs: number): Promise<Candle[]>;
}

/** Whole minutes kept, about 250 bytes each: a week of one symbol. */
const MINUTES_KEPT_MAX = 10_080;
/** Trades folded before the event loop gets its turn: about 4 ms of work. */
const TRADES_PER_TURN = 15_000;
/** Minutes looked at before the event loop gets its turn, cached ones included. */
const MINUTES_PER_TURN = 500;

/** `giveWay` resolves after other work has had its turn. */
export function createCandles(market: Market, giveWay: () => Promise<void>): Candles {
  const kept = new Map<number, Candle>();
  const view = createTapeView(market);

  const closeBefore = (position: number): number | undefined => {
    if (position <= market.positionAt(market.span.lo)) return undefined;
    const part = view.parts(position - 1, position)[0];
    return part?.batch.price[part.from];
  };

  const minuteCandle = (minute: number, nowMs: number): Candle | undefined => {
    const openMs = minute * MS_PER_MINUTE;
    if (openMs > nowMs || minute < market.span.lo || minute >= market.span.hi) return undefined;
    const whole = openMs + MS_PER_MINUTE <= nowMs;
    const found = whole ? kept.get(minute) : undefined;
    if (found !== undefined) return found;
    const start = market.positionAt(minute);
    const length = (whole ? market.positionAt(minute + 1) : view.positionAtMs(nowMs + 1)) - start;
    const previous = length === 0 ? closeBefore(start) : undefined;
    if (length === 0 && previous === undefined) return undefined;
    const candle =
      previous === undefined ? foldRows(openMs, market.tradesOf(minute), length) : flat(openMs, previous);
    if (whole) {
      kept.set(minute, candle);
      if (kept.size > MINUTES_KEPT_MAX) {
        const oldest = kept.keys().next();
        if (oldest.done !== true) kept.delete(oldest.value);
      }
    }
    return candle;
  };

  return {
    minute: minuteCandle,
    async series(minutes, lo, hi, nowMs) {
      // The first of the grid that `lo` stands in whose candle holds a minute of the market.
      const from = lo + Math.max(0, Math.floor((market.span.lo - lo) / minutes)) * minutes;
      const to = Math.min(hi, market.span.hi);
      const answer: Candle[] = [];
      let trades = 0;
      let looked = 0;
      for (let open = from; open < to && open * MS_PER_MINUTE <= nowMs; open += minutes) {
        const parts: Candle[] = [];
        for (let minute = open; minute < open + minutes; minute++) {
          if (!kept.has(minute)) trades += market.positionAt(minute + 1) - market.positionAt(minute);
          if (trades > TRADES_PER_TURN || ++looked > MINUTES_PER_TURN) {
            await giveWay();
            trades = 0;
            looked = 0;
          }
          const candle = minuteCandle(minute, nowMs);
          if (candle !== undefined) parts.push(candle);
        }
        const merged = mergeCandles(parts, open * MS_PER_MINUTE, minutes);
        if (merged !== undefined) answer.push(merged);
      }
      return answer;
    },
  };
}

/** Σ of integers that may pass 2^53: gathered in a double while that is exact. */
function exactSum() {
  let big = 0n;
  let small = 0;
  return {
    add(a: number, b: number) {
      const product = a * b;
      if (product > Number.MAX_SAFE_INTEGER) big += BigInt(a) * BigInt(b);
      else if (small + product > Number.MAX_SAFE_INTEGER) {
        big += BigInt(small);
        small = product;
      } else small += product;
    },
    value: () => big + BigInt(small),
  };
}

function foldRows(openMs: number, batch: TradeBatch, length: number): Candle {
  const { price, size, buy } = batch;
  const volume = exactSum();
  const buyVolume = exactSum();
  const quote = exactSum();
  const buyQuote = exactSum();
  let high = 0;
  let low = Number.POSITIVE_INFINITY;
  let rawCount = 0;
  for (let i = 0; i < length; i++) {
    const p = price[i]!;
    const s = size[i]!;
    if (p > high) high = p;
    if (p < low) low = p;
    volume.add(s, 1);
    quote.add(p, s);
    if (buy[i] === 1) {
      buyVolume.add(s, 1);
      buyQuote.add(p, s);
    }
    rawCount += batch.lastId[i]! - batch.firstId[i]! + 1;
  }
  return {
    openMs,
    closeMs: openMs + MS_PER_MINUTE - 1,
    open: price[0]!,
    high,
    low,
    close: price[length - 1]!,
    volume: volume.value(),
    quoteVolume: quote.value(),
    buyVolume: buyVolume.value(),
    buyQuoteVolume: buyQuote.value(),
    count: length,
    rawCount,
    firstId: batch.id[0]!,
    lastId: batch.id[length - 1]!,
    firstRawId: batch.firstId[0]!,
    lastRawId: batch.lastId[length - 1]!,
  };
}

/** A candle without trades stands at the close before it, as the exchange shows it. */
function flat(openMs: number, price: number): Candle {
  return {
    openMs,
    closeMs: openMs + MS_PER_MINUTE - 1,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: 0n,
    quoteVolume: 0n,
    buyVolume: 0n,
    buyQuoteVolume: 0n,
    count: 0,
    rawCount: 0,
    firstId: -1,
    lastId: -1,
    firstRawId: -1,
    lastRawId: -1,
  };
}

/** One candle of several, oldest first; undefined for none. */
function mergeCandles(parts: readonly Candle[], openMs: number, minutes: number): Candle | undefined {
  const first = parts[0];
  const last = parts.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (minutes === 1) return first;
  const traded = parts.filter((part) => part.count > 0);
  const sum = (pick: (part: Candle) => bigint) => parts.reduce((total, part) => total + pick(part), 0n);
  return {
    openMs,
    closeMs: openMs + minutes * MS_PER_MINUTE - 1,
    open: first.open,
    high: parts.reduce((high, part) => Math.max(high, part.high), 0),
    low: parts.reduce((low, part) => Math.min(low, part.low), Number.POSITIVE_INFINITY),
    close: last.close,
    volume: sum((part) => part.volume),
    quoteVolume: sum((part) => part.quoteVolume),
    buyVolume: sum((part) => part.buyVolume),
    buyQuoteVolume: sum((part) => part.buyQuoteVolume),
    count: parts.reduce((total, part) => total + part.count, 0),
    rawCount: parts.reduce((total, part) => total + part.rawCount, 0),
    firstId: traded[0]?.firstId ?? -1,
    lastId: traded.at(-1)?.lastId ?? -1,
    firstRawId: traded[0]?.firstRawId ?? -1,
    lastRawId: traded.at(-1)?.lastRawId ?? -1,
  };
}
