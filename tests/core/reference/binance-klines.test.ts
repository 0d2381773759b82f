import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { foldMinutes, formatUnits, TradeBatchBuilder } from "../../../src/core/mod.ts";
import { testWithData } from "../../support/shared-data.ts";

/**
 * Binance's live klines against the aggregate trades of the same recorded session. A kline carries the minute so far, so
 * between two klines of a minute it grows by exactly the trades between their last raw ids: volume, taker-buy volume,
 * quote volume and number of raw trades are sums, close is the last price, high and low the extremes. Klines are
 * compared where whole recorded aggregates cover the ids between them.
 *
 * On the coin-margined market `q` and `Q` are in the coin (contracts over price), another rule than ours, and are left out.
 */
interface Kline {
  readonly t: number;
  readonly s: string;
  readonly f: number;
  readonly L: number;
  readonly o: string;
  readonly h: string;
  readonly l: string;
  readonly c: string;
  readonly v: string;
  readonly V: string;
  readonly q: string;
  readonly n: number;
}
/** What a kline has grown from: an earlier one of its minute, or the empty start of the minute. */
interface Base extends Pick<Kline, "t" | "L" | "v" | "V" | "q" | "n"> {
  readonly h: string | undefined;
  readonly l: string | undefined;
}
interface AggregateTrade {
  readonly a: number;
  readonly s: string;
  readonly p: string;
  readonly q: string;
  readonly f: number;
  readonly l: number;
  readonly T: number;
  readonly m: boolean;
}
type Data = { readonly e: "kline"; readonly k: Kline } | ({ readonly e: "aggTrade" } & AggregateTrade);

/** The data of a recorded session; its last lines are no JSON. */
function session(path: string): Data[] {
  const found: Data[] = [];
  for (const line of gunzipSync(readFileSync(path)).toString("utf8").split("\n")) {
    const json = /^[\d.]+: (\{.*\})$/.exec(line)?.[1];
    if (json === undefined) continue;
    const { data }: { data?: Data } = JSON.parse(json);
    if (data?.e === "kline" || data?.e === "aggTrade") found.push(data);
  }
  return found;
}

const scaled = (text: string) => {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(12, "0"));
};
const grown = (before: string, after: string) => formatUnits(scaled(after) - scaled(before), 12);
const plain = (text: string) => formatUnits(scaled(text), 12);

/** What Tapeline folds the trades of raw ids [from, to] to; undefined when they were not all recorded. */
function foldIds(trades: readonly AggregateTrade[], from: number, to: number) {
  const own = trades.filter(({ f, l }) => f >= from && l <= to);
  if (own.reduce((sum, { f, l }) => sum + l - f + 1, 0) !== to - from + 1) return undefined;
  const builder = new TradeBatchBuilder("aggregate", { priceScale: 0, sizeScale: 0 });
  for (const { a, p, q, f, l, T, m } of own)
    builder.push({ id: a, timeUs: T * 1_000, price: p, size: q, firstId: f, lastId: l, buy: !m });
  const { minutes, scales } = foldMinutes(builder.build(), 1);
  expect(minutes.length).toBe(1);
  const minute = minutes[0]!;
  const price = (units: number) => formatUnits(units, scales.priceScale);
  const size = (units: number) => formatUnits(units, scales.sizeScale);
  return {
    minuteMs: minute.minute * 60_000,
    open: price(minute.open),
    high: price(minute.high),
    low: price(minute.low),
    close: price(minute.close),
    volume: size(minute.volume),
    buyVolume: size(minute.buyVolume),
    quote: formatUnits(minute.quoteVolume, scales.priceScale + scales.sizeScale),
    count: minute.rawCount,
  };
}

for (const { file, intervals, quote } of [
  { file: "ws_cryptofeed/BINANCE_FUTURES.ws.1.0.gz", intervals: 45, quote: true },
  { file: "ws_cryptofeed/BINANCE_US.ws.1.0.gz", intervals: 3, quote: true },
  { file: "ws_cryptofeed/BINANCE_DELIVERY.ws.1.0.gz", intervals: 8, quote: false },
]) {
  testWithData([file], `foldMinutes(), grows as Binance's live klines do: ${file}`, ([path = ""]) => {
    const data = session(path);
    const trades = data.flatMap((item) => (item.e === "aggTrade" ? [item] : []));
    const ends = new Set(trades.map(({ s, l }) => `${s} ${l}`));
    const bases = new Map<string, Base>();
    let compared = 0;
    for (const item of data) {
      if (item.e !== "kline") continue;
      const { k } = item;
      const former = bases.get(k.s);
      // The first kline of a symbol comes in the middle of a minute; later minutes are seen from their first trade on.
      const base: Base | undefined =
        former === undefined || former.t === k.t
          ? former
          : { t: k.t, L: k.f - 1, v: "0", V: "0", q: "0", n: 0, h: undefined, l: undefined };
      // A kline that shows part of an aggregate is passed over.
      if (!ends.has(`${k.s} ${k.L}`)) {
        if (base !== undefined) bases.set(k.s, base);
        continue;
      }
      bases.set(k.s, k);
      if (base === undefined || base.L === k.L) continue;
      const own = trades.filter(({ s }) => s === k.s);
      const ours = foldIds(own, base.L + 1, k.L);
      if (ours === undefined) continue;
      expect(ours).toEqual({
        ...{ minuteMs: k.t, high: ours.high, low: ours.low, close: plain(k.c) },
        open: base.h === undefined ? plain(k.o) : ours.open,
        volume: grown(base.v, k.v),
        buyVolume: grown(base.V, k.V),
        quote: quote ? grown(base.q, k.q) : ours.quote,
        count: k.n - base.n,
      });
      expect(Number(k.h)).toBe(Math.max(Number(base.h ?? ours.high), Number(ours.high)));
      expect(Number(k.l)).toBe(Math.min(Number(base.l ?? ours.low), Number(ours.low)));
      compared++;
    }
    expect(compared).toBe(intervals);
  });
}
