import { expect, test } from "bun:test";
import fc from "fast-check";
import { foldMinutes } from "../../src/core/mod.ts";
import {
  createCandles,
  createGeneratedMarket,
  createRecordedMarket,
  PRESETS,
} from "../../src/simulator/mod.ts";
import { aggTrades, ask, holdExchange } from "./support.ts";

const START = 29_450_880;
const FAR_MS = (START + 5_000) * 60_000;
const giveWay = () => Promise.resolve();
const demo = () => createGeneratedMarket({ symbol: "ETHUSDT", preset: PRESETS.demo });

test("minute() equals the fold of the same trades, raw trades counted", () => {
  const market = demo();
  const candles = createCandles(market, giveWay);
  for (let minute = START; minute < START + 20; minute++) {
    const folded = foldMinutes(market.tradesOf(minute), 1).minutes[0]!;
    const candle = candles.minute(minute, FAR_MS);
    expect(candle).toMatchObject({
      open: folded.open,
      high: folded.high,
      low: folded.low,
      close: folded.close,
      volume: BigInt(folded.volume),
      buyVolume: BigInt(folded.buyVolume),
      quoteVolume: folded.quoteVolume,
      count: folded.count,
      rawCount: folded.rawCount,
      firstId: folded.firstId,
      lastId: folded.lastId,
    });
    expect(candle!.rawCount).toBe(candle!.lastRawId - candle!.firstRawId + 1);
  }
});

test("minute() so far ends with the clock, and is folded anew when the minute is whole", () => {
  const market = demo();
  const candles = createCandles(market, giveWay);
  const batch = market.tradesOf(START);
  const halfMs = START * 60_000 + 30_000;
  const before = batch.timeUs.filter((us) => us <= halfMs * 1_000).length;
  expect(candles.minute(START, halfMs)?.count).toBe(before);
  expect(candles.minute(START, FAR_MS)?.count).toBe(batch.length);
  expect(candles.minute(START + 1, halfMs)).toBeUndefined();
});

test("series() of any length holds what its minutes hold", async () => {
  const candles = createCandles(demo(), giveWay);
  const ofMinutes = await candles.series(1, START, START + 60, FAR_MS);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(3, 5, 15, 30, 60), async (minutes) => {
      const folded = await candles.series(minutes, START, START + 60, FAR_MS);
      expect(folded).toHaveLength(60 / minutes);
      for (const [i, candle] of folded.entries()) {
        const parts = ofMinutes.slice(i * minutes, (i + 1) * minutes);
        expect(candle.open).toBe(parts[0]!.open);
        expect(candle.close).toBe(parts.at(-1)!.close);
        expect(candle.high).toBe(Math.max(...parts.map((part) => part.high)));
        expect(candle.low).toBe(Math.min(...parts.map((part) => part.low)));
        expect(candle.quoteVolume).toBe(parts.reduce((sum, part) => sum + part.quoteVolume, 0n));
        expect(candle.rawCount).toBe(parts.reduce((sum, part) => sum + part.rawCount, 0));
        expect(candle.closeMs).toBe(parts.at(-1)!.closeMs);
      }
    }),
    { numRuns: 5 },
  );
});

test("series() shows a quiet minute flat at the close before it, and nothing before the first trade", async () => {
  const csv = "1,0.5,3,1,2,1570752060000,False,True\n2,0.6,1,3,3,1570752240000,True,True\n";
  const candles = createCandles(createRecordedMarket(csv, { symbol: "AAABTC" }), giveWay);
  const lo = 1_570_752_000_000 / 60_000;
  const series = await candles.series(1, lo, lo + 6, FAR_MS);
  expect(
    series.map((candle) => [candle.openMs / 60_000 - lo, candle.count, candle.rawCount, candle.close]),
  ).toEqual([
    [1, 1, 2, 50_000_000],
    [2, 0, 0, 50_000_000],
    [3, 0, 0, 50_000_000],
    [4, 1, 1, 60_000_000],
    [5, 0, 0, 60_000_000],
  ]);
});

test("GET klines equals the fold of GET aggTrades", async () => {
  const { exchange } = holdExchange(FAR_MS, { markets: [demo()] });
  const startMs = START * 60_000;
  const trades = await aggTrades(
    exchange,
    `symbol=ETHUSDT&startTime=${startMs}&endTime=${startMs + 59_999}&limit=1000`,
  );
  const answer = await ask(
    exchange,
    `/api/v3/klines?symbol=ETHUSDT&interval=1m&startTime=${startMs}&endTime=${startMs}`,
  );
  const [row, more] = (await answer.json()) as (string | number)[][];
  expect(more).toBeUndefined();
  const units = (text: string) => BigInt(text.replace(".", ""));
  const sum = (of: (trade: (typeof trades)[number]) => bigint) =>
    trades.reduce((total, trade) => total + of(trade), 0n);
  expect(row!.slice(0, 2)).toEqual([startMs, trades[0]!.p]);
  expect(row![4]).toBe(trades.at(-1)!.p);
  expect(units(String(row![5]))).toBe(sum((trade) => units(trade.q)));
  expect(units(String(row![7])) * 100_000_000n).toBe(sum((trade) => units(trade.p) * units(trade.q)));
  expect(row![8]).toBe(trades.reduce((count, trade) => count + trade.l - trade.f + 1, 0));
  expect(units(String(row![9]))).toBe(sum((trade) => (trade.m ? 0n : units(trade.q))));
  expect(row![6]).toBe(startMs + 59_999);
});
