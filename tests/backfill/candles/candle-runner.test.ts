import { expect, test } from "bun:test";
import { fetchCandles } from "../../../src/backfill/candles/candle-runner.ts";
import type { CandleSpan, ClaimedChunk } from "../../../src/backfill/store/types.ts";
import { failureOf, type MinuteRange, type Timeframe } from "../../../src/core/mod.ts";
import type { CandleSource } from "../../../src/venues/mod.ts";
import { newProgress, SERIES } from "../memory-job-store.ts";

const signal = new AbortController().signal;

function chunkOf(timeframe: string | undefined, force = false): ClaimedChunk {
  const request = { symbols: [], from: "", to: "", order: "recent", force, reason: "request" };
  return {
    lease: { chunkId: 1, token: 1 },
    job: newProgress({ request, dataset: "candles" }),
    series: SERIES,
    range: { lo: 100, hi: 200 },
    source: "candles",
    timeframe,
    attempt: 1,
    checkpoint: null,
    events: [],
  };
}

class Source implements CandleSource {
  readonly name = "binance";
  readonly market = "spot";
  readonly timeframes = ["1m", "1h"] as const;
  readonly quoteDigits = 8;
  readonly asked: [Timeframe, MinuteRange][] = [];
  closed: MinuteRange | undefined;

  async instrument() {
    return SERIES;
  }

  async candleHistory(_symbol: string, timeframe: Timeframe, range: MinuteRange) {
    this.asked.push([timeframe, range]);
    const one = { open: "1", high: "1", low: "1", close: "1", volume: "0" };
    return { candles: [{ openMs: range.lo * 60_000, ...one }], closed: this.closed ?? range };
  }
}

const depsOf = (source: Source, known: readonly MinuteRange[] = []) => ({
  jobs: {
    candleCoverage: async (): Promise<CandleSpan[]> =>
      known.map((span) => ({ seriesId: SERIES.id, timeframe: "1m", ...span })),
  },
  candleSourceOf: () => source,
});

test("fetchCandles(), fetches only what is not known by now, gap by gap", async () => {
  const source = new Source();
  const known = [
    { lo: 100, hi: 120 },
    { lo: 150, hi: 160 },
  ];
  const result = await fetchCandles(depsOf(source, known), chunkOf("1m"), signal);
  const gaps = [
    { lo: 120, hi: 150 },
    { lo: 160, hi: 200 },
  ];
  expect(source.asked).toEqual(gaps.map((gap) => ["1m", gap]));
  expect(result).toMatchObject({ recordsFetched: 2, candles: { closed: gaps } });
});

test("fetchCandles(), fetches what is known too when the job says so", async () => {
  const source = new Source();
  await fetchCandles(depsOf(source, [{ lo: 100, hi: 200 }]), chunkOf("1m", true), signal);
  expect(source.asked).toEqual([["1m", { lo: 100, hi: 200 }]]);
});

test("fetchCandles(), remembers no more than the source calls closed", async () => {
  const source = new Source();
  source.closed = { lo: 100, hi: 141 };
  const { candles } = await fetchCandles(depsOf(source), chunkOf("1h"), signal);
  expect(candles?.closed).toEqual([{ lo: 100, hi: 141 }]);
});

test("fetchCandles(), a timeframe that the source does not have fails permanent and names those it has", async () => {
  for (const timeframe of ["1w", "7m", undefined]) {
    const thrown = await fetchCandles(depsOf(new Source()), chunkOf(timeframe), signal).catch(
      (error: unknown) => error,
    );
    expect(failureOf(thrown)).toMatchObject({
      kind: "permanent",
      message: expect.stringContaining("1m, 1h"),
    });
  }
});
