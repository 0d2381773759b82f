import type { SkeletonStore } from "../../../src/backfill/store/skeleton.ts";
import { Coverage, dayRange, type MinuteRange, minuteOfMs, OperationFailure } from "../../../src/core/mod.ts";
import { SeriesStore } from "../../../src/store/mod.ts";
import type { CandleHistory, CandleSource, HistoryCandle } from "../../../src/venues/mod.ts";

/** 2026-01-02, a day since the epoch. */
export const DAY = 20_455;
export const TODAY = dayRange(DAY);

let ids = 0;

export function makeStore(): SeriesStore {
  const seriesId = ++ids;
  return new SeriesStore({
    seriesId,
    instrument: {
      ...{ venue: "fake", market: "spot", symbol: `SYM${seriesId}` },
      ...{ priceScale: 2, sizeScale: 2, tickUnits: 1, lotUnits: 1 },
    },
    binUnits: 10,
  });
}

/** A minute that traded at one price. */
export function candleAt(minute: number, price = "1.5"): HistoryCandle {
  return {
    openMs: minute * 60_000,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: "1",
    trades: 1,
  };
}

/** What a candle source and the database answer, and what they were asked. */
export class FakeSource implements CandleSource {
  readonly name = "fake";
  readonly market = "spot";
  timeframes: CandleSource["timeframes"] = ["1m"];
  readonly quoteDigits = 8;
  readonly asked: MinuteRange[] = [];
  /** Failures of the next calls, then none. */
  readonly failures: OperationFailure[] = [];
  /** Minutes before this one have closed by the source's clock. */
  closedUntil = Number.POSITIVE_INFINITY;
  /** Held back until it is let go. */
  hold: Promise<void> | undefined;
  inFlight = 0;
  inFlightMost = 0;

  async instrument(): Promise<never> {
    throw new OperationFailure("permanent", "not asked in these tests");
  }

  async candleHistory(
    _symbol: string,
    _timeframe: string,
    range: MinuteRange,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<CandleHistory> {
    this.asked.push(range);
    this.inFlightMost = Math.max(this.inFlightMost, ++this.inFlight);
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([this.hold, this.hold === undefined ? undefined : aborted]);
    this.inFlight--;
    if (signal.aborted) throw new OperationFailure("aborted", "aborted");
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const hi = Math.min(range.hi, this.closedUntil);
    const minutes = Array.from({ length: range.hi - range.lo }, (_, i) => range.lo + i);
    return {
      // Every third minute had no trades.
      candles: minutes.filter((minute) => minute % 3 !== 0).map((minute) => candleAt(minute)),
      closed: range.lo < hi ? { lo: range.lo, hi } : undefined,
    };
  }
}

/** The database of some series, in memory. */
export class FakeCandles implements SkeletonStore {
  readonly known = new Map<number, Coverage>();
  readonly candles = new Map<string, HistoryCandle>();
  failing = false;

  async read(seriesId: number, range: MinuteRange) {
    const known = (this.known.get(seriesId) ?? Coverage.empty).within(range);
    const candles: HistoryCandle[] = [];
    for (const own of known.ranges)
      for (let minute = own.lo; minute < own.hi; minute++) {
        const candle = this.candles.get(`${seriesId}/${minute}`);
        if (candle !== undefined) candles.push(candle);
      }
    return { known, candles };
  }

  async keep(seriesId: number, batch: Parameters<SkeletonStore["keep"]>[1]): Promise<void> {
    if (this.failing) throw new Error("the disk is full");
    for (const candle of batch.candles) this.candles.set(`${seriesId}/${minuteOfMs(candle.openMs)}`, candle);
    const former = this.known.get(seriesId) ?? Coverage.empty;
    this.known.set(seriesId, Coverage.of([...former.ranges, ...batch.closed]));
  }
}
