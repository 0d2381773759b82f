import {
  deriveLevels,
  type LevelSet,
  type MinuteRange,
  type Session,
  type ValueAreaMethod,
} from "../core/mod.ts";
import type { SeriesStore } from "./series-store.ts";

export interface LevelQuestion {
  readonly session: Session;
  readonly method: ValueAreaMethod;
  /** Bins this many times as wide as the series'. */
  readonly coarser: number;
  readonly asOfMs: number;
  /** Minutes from here on are not expected yet. */
  readonly expectedEnd: number;
}

/** The minutes that a level set reads. */
export function minutesRead(session: Session): MinuteRange {
  return { lo: session.previous.lo, hi: session.range.hi };
}

/** The level set of a session as the store knows it now. Its days must be loaded. */
export function readLevels(series: SeriesStore, question: LevelQuestion): LevelSet {
  const { session, expectedEnd } = question;
  const { scales, binUnits } = series.grid;
  return deriveLevels(
    {
      symbol: series.symbol,
      session,
      asOfMs: question.asOfMs,
      nowMinute: expectedEnd,
      revision: series.revision,
      scales,
      binUnits,
      current: series.window(session.range, expectedEnd),
      previous: series.window(session.previous, expectedEnd),
      openingRange: series.window(session.openingRange, expectedEnd),
      initialBalance: series.window(session.initialBalance, expectedEnd),
    },
    { method: question.method, coarser: question.coarser },
  );
}
