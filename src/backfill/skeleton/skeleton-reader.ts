import {
  Coverage,
  failureOf,
  type MinuteRange,
  minuteOfMs,
  OperationFailure,
  type Turns,
} from "../../core/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";
import type { CandleSource, HistoryCandle } from "../../venues/mod.ts";
import type { SkeletonStore } from "../store/skeleton.ts";
import { skeletonCandles } from "./skeleton-candles.ts";

/** The length of the candles. */
const TIMEFRAME = "1m";
/** Candles of one request; gaps that one request can span become one. */
const CANDLES_PER_REQUEST = 1_000;
/** Minutes that go into memory in one turn of the event loop: about 2 ms. */
const MINUTES_PER_TURN = 480;

export interface SkeletonReaderDeps {
  readonly candles: SkeletonStore;
  readonly sourceOf: (venue: string) => CandleSource | undefined;
  readonly turns: Turns;
  readonly onCandles: (series: SeriesStore) => void;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
}

/** Reads 1-minute candles into a series: what the database has, then what the venue has. */
export class SkeletonReader {
  readonly #deps: SkeletonReaderDeps;

  constructor(deps: SkeletonReaderDeps) {
    this.#deps = deps;
  }

  /** Brings the candles of some minutes of one day in. Throws `OperationFailure`; what came before stays. */
  async bring(series: SeriesStore, wanted: Coverage, signal: AbortSignal): Promise<void> {
    const hull = hullOf(wanted);
    if (hull === undefined) return;
    const { candles, onCandles } = this.#deps;
    const stored = await candles.read(series.seriesId, hull);
    const known = Coverage.of(wanted.ranges.flatMap((range) => stored.known.within(range).ranges));
    await this.#put(series, known, stored.candles);
    if (known.ranges.length > 0) onCandles(series);
    for (const gap of joined(wanted.ranges.flatMap((range) => known.missing(range)))) {
      signal.throwIfAborted();
      await this.#fetch(series, gap, signal);
    }
  }

  async #fetch(series: SeriesStore, gap: MinuteRange, signal: AbortSignal): Promise<void> {
    const { sourceOf, candles, onCandles, log } = this.#deps;
    const { venue, symbol } = series.instrument;
    const source = sourceOf(venue);
    if (source === undefined || !source.timeframes.includes(TIMEFRAME))
      throw new OperationFailure("permanent", `nobody here has 1-minute candles of ${venue}`);
    const found = await source.candleHistory(symbol, TIMEFRAME, gap, { signal, priority: "skeleton" });
    if (found.closed === undefined) return;
    const { closed } = found;
    const final = found.candles.filter(({ openMs }) => minuteOfMs(openMs) < closed.hi);
    await this.#put(series, Coverage.of([closed]), final);
    onCandles(series);
    try {
      await candles.keep(series.seriesId, { candles: final, closed: [closed] });
    } catch (thrown) {
      // They serve all the same; whoever needs them after a restart fetches them again.
      log.warn(
        { symbol: series.symbol, ...closed },
        `1-minute candles could not be written to the database: ${failureOf(thrown).message}`,
      );
    }
  }

  /** Minutes of `known` that have no candle had no trades. */
  async #put(series: SeriesStore, known: Coverage, candles: readonly HistoryCandle[]): Promise<void> {
    // Of a source that is not here any more it is not known how it rounds.
    const quoteDigits = this.#deps.sourceOf(series.instrument.venue)?.quoteDigits ?? 0;
    let at = 0;
    for (const range of known.ranges.flatMap(piecesOf)) {
      while (at < candles.length && minuteOfMs(candles[at]!.openMs) < range.lo) at++;
      const from = at;
      while (at < candles.length && minuteOfMs(candles[at]!.openMs) < range.hi) at++;
      const own = candles.slice(from, at);
      await this.#deps.turns.take(() =>
        series.putCandles(range, { ...skeletonCandles(own, series.grid.scales), quoteDigits }),
      );
    }
  }
}

function hullOf({ ranges }: Coverage): MinuteRange | undefined {
  const first = ranges[0];
  const last = ranges.at(-1);
  return first === undefined || last === undefined ? undefined : { lo: first.lo, hi: last.hi };
}

function piecesOf({ lo, hi }: MinuteRange): MinuteRange[] {
  const pieces: MinuteRange[] = [];
  for (let at = lo; at < hi; at += MINUTES_PER_TURN)
    pieces.push({ lo: at, hi: Math.min(hi, at + MINUTES_PER_TURN) });
  return pieces;
}

/** Gaps in as few requests as may be. */
function joined(gaps: readonly MinuteRange[]): MinuteRange[] {
  const spans: MinuteRange[] = [];
  for (const gap of gaps) {
    const last = spans.at(-1);
    if (last !== undefined && gap.hi - last.lo <= CANDLES_PER_REQUEST)
      spans[spans.length - 1] = { lo: last.lo, hi: gap.hi };
    else spans.push(gap);
  }
  return spans;
}
