import {
  DOUBTS_TOLD_MAX,
  type Doubt,
  deriveLevels,
  type KnownWindow,
  type LevelSet,
  type MinuteRange,
  type Session,
  type ValueAreaMethod,
  type WindowFold,
  type WindowSums,
} from "../core/mod.ts";
import { daysOf } from "./day-minutes.ts";
import type { SeriesStore } from "./series-store.ts";
import type { WindowCertifier } from "./window-certifier.ts";

/** Pieces of work that one preparation takes, at most: many times what two days of 20,000 bins need. */
const PREPARE_STEPS_MAX = 1_000;

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

/** The windows whose minutes a level set reads; days may lie between them. */
export function windowsRead(session: Session): readonly [previous: MinuteRange, current: MinuteRange] {
  return [session.previous, session.range];
}

/** The UTC days that a level set reads, ascending, each once. */
export function daysRead(session: Session): readonly number[] {
  return [...new Set(windowsRead(session).flatMap(daysOf))];
}

/** The level set of a session as the store knows it now. Its days must be loaded; see {@link prepareLevels} too. */
export function readLevels(series: SeriesStore, question: LevelQuestion): LevelSet {
  const { session, method, coarser, nowMinute, expectedEnd } = question;
  const { scales, binUnits } = series.grid;
  // A window that has ended owes all of its minutes at once.
  const endOf = ({ hi }: MinuteRange) => (hi <= nowMinute ? hi : expectedEnd);
  const proven = <Fold extends WindowSums>(
    known: KnownWindow<Fold>,
    range: MinuteRange,
    bins?: number,
  ): KnownWindow<Fold> => {
    if (known.whole) series.certainty.settled(range);
    return known.whole ? known : { ...known, proof: series.certainty.proof(range, nowMinute, bins) };
  };
  const folded = (range: MinuteRange): KnownWindow<WindowFold> => ({
    ...proven(series.window(range, endOf(range), nowMinute), range, coarser),
    // Of a window that is not in memory there may be more to know once it is loaded.
    ...(series.canFold(range) && { knownArea: (asked, find) => series.areas.of(range, asked, find) }),
  });
  const summed = (range: MinuteRange) => proven(series.sums(range, endOf(range), nowMinute), range);
  return deriveLevels(
    {
      symbol: series.symbol,
      session,
      asOfMs: question.asOfMs,
      nowMinute,
      revision: series.revision,
      scales,
      binUnits,
      current: folded(session.range),
      previous: folded(session.previous),
      openingRange: summed(session.openingRange),
      initialBalance: summed(session.initialBalance),
      doubts: doubtsOf(series, session),
    },
    { method, coarser },
  );
}

/** Whether {@link readLevels} would say less than it could, because profiles are not ready. */
export function levelsPending(
  series: SeriesStore,
  { session, coarser, nowMinute }: PreparedQuestion,
): boolean {
  return windowsRead(session).some(
    (range) => pendingCertifier(series, range, coarser, nowMinute) !== undefined,
  );
}

/**
 * Makes the profiles ready that a level set is proven with. `takeTurn` runs a piece of some milliseconds when its turn comes.
 * The days must be loaded, and stay until this resolves. Levels read afterwards have another revision where it did anything.
 */
export async function prepareLevels(
  series: SeriesStore,
  { session, coarser, nowMinute }: PreparedQuestion,
  takeTurn: <T>(piece: () => T) => Promise<T>,
): Promise<void> {
  const days = daysRead(session);
  for (const day of days) series.pin(day);
  let steps = 0;
  try {
    for (const range of windowsRead(session))
      for (; steps < PREPARE_STEPS_MAX; steps++) {
        const certifier = pendingCertifier(series, range, coarser, nowMinute);
        if (certifier === undefined) break;
        await takeTurn(() => certifier.step());
      }
  } finally {
    for (const day of days) series.release(day);
  }
}

export type PreparedQuestion = Pick<LevelQuestion, "session" | "coarser" | "nowMinute">;

function pendingCertifier(
  series: SeriesStore,
  range: MinuteRange,
  coarser: number,
  nowMinute: number,
): WindowCertifier | undefined {
  return series.certainty.pending(range, nowMinute, coarser);
}

function doubtsOf(series: SeriesStore, session: Session): Doubt[] {
  const found = new Map<string, Doubt>();
  for (const window of windowsRead(session))
    for (const doubt of series.certainty.doubtsWithin(window, DOUBTS_TOLD_MAX))
      found.set(`${doubt.range.lo}-${doubt.range.hi} ${doubt.reason}`, doubt);
  return [...found.values()];
}
