import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failureOf, type MinuteRange, timeframeMinutes } from "../../src/core/mod.ts";
import type { CandleSource, HistoryCandle } from "../../src/venues/mod.ts";

/** What a test of a candle source brings for the suite of the port. */
export interface CandleWorld {
  readonly source: CandleSource;
  readonly symbol: string;
  /** Closed, and every timeframe opens a candle in it. */
  readonly range: MinuteRange;
  stop(): Promise<void>;
}

const DECIMAL = /^\d+(\.\d*[1-9])?$/;

/** The suite that everybody with candles passes. */
export function candleSourceContract(name: string, build: () => Promise<CandleWorld>): void {
  describe(`${name} as a CandleSource`, () => {
    const signal = new AbortController().signal;
    let world: CandleWorld;
    beforeAll(async () => {
      world = await build();
    });
    afterAll(() => world.stop());

    const fetched = (range: MinuteRange, timeframe: CandleSource["timeframes"][number]) =>
      world.source.candleHistory(world.symbol, timeframe, range, { signal });

    test("candleHistory() of every timeframe ascends on its grid inside the range, in exact decimals, all closed", async () => {
      const { source, range } = world;
      for (const timeframe of source.timeframes) {
        const { candles, closed } = await fetched(range, timeframe);
        const opens = candles.map(({ openMs }) => openMs / 60_000);
        expect(opens.length).toBeGreaterThan(0);
        expect(opens).toEqual([...new Set(opens)].sort((a, b) => a - b));
        for (const open of opens) expect((open - opens[0]!) % timeframeMinutes(timeframe)).toBe(0);
        expect(opens.every((open) => open >= range.lo && open < range.hi)).toBe(true);
        expect(closed).toEqual(range);
        for (const { openMs, trades, ...decimals } of candles) {
          expect(Number.isSafeInteger(openMs) && Number.isSafeInteger(trades ?? 0)).toBe(true);
          for (const text of Object.values(decimals)) if (text !== undefined) expect(text).toMatch(DECIMAL);
        }
      }
    });

    test("candleHistory() of two parts is the candles of the whole", async () => {
      const { range } = world;
      const middle = range.lo + 61;
      const halves: HistoryCandle[] = [];
      for (const part of [
        { lo: range.lo, hi: middle },
        { lo: middle, hi: range.hi },
      ])
        halves.push(...(await fetched(part, "15m")).candles);
      expect(halves).toEqual([...(await fetched(range, "15m")).candles]);
    });

    test("candleHistory() of an hour folds its minutes", async () => {
      const [hour] = (await fetched(world.range, "1h")).candles;
      const lo = hour!.openMs / 60_000;
      const { candles } = await fetched({ lo, hi: lo + 60 }, "1m");
      const numbers = (of: (candle: HistoryCandle) => string) => candles.map((candle) => Number(of(candle)));
      expect(hour).toMatchObject({ open: candles[0]?.open, close: candles.at(-1)?.close });
      expect(Number(hour!.high)).toBe(Math.max(...numbers(({ high }) => high)));
      expect(Number(hour!.low)).toBe(Math.min(...numbers(({ low }) => low)));
      const volume = numbers((candle) => candle.volume).reduce((sum, one) => sum + one, 0);
      expect(Number(hour!.volume)).toBeCloseTo(volume, 6);
    });

    test("candleHistory() of an empty range asks for nothing and closes nothing", async () => {
      const { lo } = world.range;
      expect(await fetched({ lo, hi: lo }, "1m")).toEqual({ candles: [], closed: undefined });
    });

    test("fails permanent for a symbol that it does not have, and aborted by its signal", async () => {
      const { source, symbol, range } = world;
      const kindOf = async (call: Promise<unknown>) =>
        failureOf(await call.catch((thrown: unknown) => thrown)).kind;
      expect(await kindOf(source.instrument("NOSUCHSYMBOL", { signal }))).toBe("permanent");
      expect(await kindOf(source.candleHistory("NOSUCHSYMBOL", "1m", range, { signal }))).toBe("permanent");
      const aborted = { signal: AbortSignal.abort() };
      expect(await kindOf(source.candleHistory(symbol, "1m", range, aborted))).toBe("aborted");
    });
  });
}
