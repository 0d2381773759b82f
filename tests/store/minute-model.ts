import {
  Coverage,
  foldMinutes,
  foldWindow,
  type GridOf,
  type MinuteContributions,
  type MinuteRange,
  msOfMinute,
  rescaleBatch,
  type Scales,
  TradeBatchBuilder,
  type WindowFold,
} from "../../src/core/mod.ts";
import { batchOfTrades, type MadeTrade, SCALES, seededRandom } from "../support/trades.ts";

/** Trades of one minute at the scales they came in. */
export interface MinuteTrades {
  readonly scales: Scales;
  readonly trades: readonly MadeTrade[];
}

/** Bin of the store at {@link SCALES}. */
export const BIN_UNITS = 5;

/** Contributions of `minutes` at the grid of a store (finer scales keep the same bins). */
export function contributionsOf(minutes: Iterable<MinuteTrades>, { scales }: GridOf): MinuteContributions {
  const builder = new TradeBatchBuilder("aggregate", scales);
  for (const { trades, scales: own } of minutes) builder.append(batchOfTrades(trades, { scales: own }));
  const batch = rescaleBatch(builder.build(), scales);
  return foldMinutes(batch, BIN_UNITS * 10 ** (scales.priceScale - SCALES.priceScale));
}

/** Some trades for each minute of a range; a third of the minutes has none. */
export function minuteTrades(range: MinuteRange, seed: number, scales: Scales): Map<number, MinuteTrades> {
  const random = seededRandom(seed);
  const found = new Map<number, MinuteTrades>();
  for (let minute = range.lo; minute < range.hi; minute++) {
    const count = Math.floor(random() * 3);
    const trades = Array.from({ length: count }, (_, i) => ({
      id: minute * 10 + i,
      timeMs: msOfMinute(minute) + i * 1_000,
      price: 1 + Math.floor(random() * 40 * 10 ** (scales.priceScale - SCALES.priceScale)),
      size: 1 + Math.floor(random() * 1_000),
      buy: random() < 0.5,
    }));
    found.set(minute, { scales, trades });
  }
  return found;
}

/** What a store is to know, minute by minute, as plain as can be. */
export class MinuteModel {
  readonly committed = new Map<number, MinuteTrades>();
  readonly sealed = new Map<number, MinuteTrades>();
  readonly open = new Map<number, MinuteTrades>();

  commit(minutes: ReadonlyMap<number, MinuteTrades>): void {
    for (const [minute, trades] of minutes) {
      this.uncover({ lo: minute, hi: minute + 1 });
      this.committed.set(minute, trades);
    }
  }

  live(minutes: ReadonlyMap<number, MinuteTrades>, kind: "sealed" | "open"): void {
    for (const [minute, trades] of minutes) {
      if (this.committed.has(minute)) continue;
      this.open.delete(minute);
      this[kind].set(minute, trades);
    }
  }

  uncover({ lo, hi }: MinuteRange): void {
    for (let minute = lo; minute < hi; minute++)
      for (const known of [this.committed, this.sealed, this.open]) known.delete(minute);
  }

  get covered(): Coverage {
    return Coverage.of([...this.committed.keys(), ...this.sealed.keys()].map((lo) => ({ lo, hi: lo + 1 })));
  }

  fold({ lo, hi }: MinuteRange, grid: GridOf): WindowFold {
    const known = [...this.committed, ...this.sealed, ...this.open]
      .filter(([minute]) => minute >= lo && minute < hi)
      .sort(([a], [b]) => a - b);
    return foldWindow(
      contributionsOf(
        known.map(([, trades]) => trades),
        grid,
      ).minutes,
    );
  }

  /** What the tape answers: committed minutes only. */
  tape(minutes: Coverage, grid: GridOf): MinuteContributions {
    const asked = [...this.committed].filter(([minute]) => minutes.has(minute)).sort(([a], [b]) => a - b);
    return contributionsOf(
      asked.map(([, trades]) => trades),
      grid,
    );
  }
}
