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
  /** The running minute. */
  readonly nowMinute: number;
  /** Minutes of the running session from here on are not expected yet: what live trades need to prove a minute whole. */
  readonly expectedEnd: number;
}

/** The minutes that a level set reads. */
export function minutesRead(session: Session): MinuteRange {
  return { lo: session.previous.lo, hi: session.range.hi };
}

/** The level set of a session as the store knows it now. Its days must be loaded. */
export function readLevels(series: SeriesStore, question: LevelQuestion): LevelSet {
  const { session, nowMinute, expectedEnd } = question;
  const { scales, binUnits } = series.grid;
  // A window that has ended owes all of its minutes at once.
  const window = (range: MinuteRange) =>
    series.window(range, range.hi <= nowMinute ? range.hi : expectedEnd, nowMinute);
  return deriveLevels(
    {
      symbol: series.symbol,
      session,
      asOfMs: question.asOfMs,
      nowMinute,
      revision: series.revision,
      scales,
      binUnits,
      current: window(session.range),
      previous: window(session.previous),
      openingRange: window(session.openingRange),
      initialBalance: window(session.initialBalance),
    },
    { method: question.method, coarser: question.coarser },
  );
}
