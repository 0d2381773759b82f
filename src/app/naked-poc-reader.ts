import {
  DEFAULT_SHARE,
  type Decimal,
  dayOfMinute,
  dayRange,
  type GridOf,
  type MinuteRange,
  type PastPoc,
  type PocVerdict,
  pocVerdict,
  readArea,
} from "../core/mod.ts";
import type { WindowOutcome } from "../http/mod.ts";
import type { KnownNakedPocs, NakedPocsQuery } from "../protocol/mod.ts";
import { type RangedSpans, rangedSpans, rowTouches } from "../store/mod.ts";
import { type ProvenWindow, proveWindow } from "./window-proving.ts";
import { aboutOf, nowMinuteOf, type Reading, readingOf, refused, type WindowDeps } from "./window-reading.ts";

/** The POCs of the last sessions that no later minute has touched. */
export async function readNakedPocs(
  deps: WindowDeps,
  query: NakedPocsQuery,
  signal: AbortSignal,
): Promise<WindowOutcome<KnownNakedPocs>> {
  const found = readingOf(deps, query);
  if (found.kind !== "reading") return found;
  const { series } = found;
  const { reader, calendar, expectedEnd } = deps;
  const sessions = calendar
    .ended(expectedEnd(), query.sessions)
    .filter(({ range }) => series.coverageOf(range).coveredMinutes > 0);
  const { grid } = series;
  const read = await reader.each(
    series,
    sessions.map(({ range }) => [range]),
    async (fold, at): Promise<PastPoc[]> => {
      const { name, range } = sessions[at]!;
      const window = await proveWindow(deps, found, { ranges: [range], fold }, signal);
      const poc = pastPoc(window, found, grid);
      return poc === undefined ? [] : [{ session: name, end: range.hi, ...poc }];
    },
    signal,
  );
  if (read.kind !== "read") return refused(series, read);
  const pasts = read.values.flat();
  const first = pasts[0];
  if (first === undefined) {
    const about = aboutOf(deps, found, grid, series.revision);
    const none = { sessions: [], last: null, pocs: [], undecided: [], coverage: null };
    return { kind: "found", answer: { ...about, ...none } };
  }
  const since = { lo: dayRange(dayOfMinute(first.end - 1)).lo, hi: nowMinuteOf(deps) + 1 };
  const answered = await reader.spans(
    series,
    since,
    (parts) => verdictsOf(deps, found, pasts, parts),
    signal,
  );
  if (answered.kind !== "read") return refused(series, answered);
  const answer = answered.values[0]!;
  // Scales grew in between, so that the POCs are in other units: asked again, all is at the new ones.
  if (series.grid !== grid) return readNakedPocs(deps, query, signal);
  const window = { lo: sessions[0]!.range.lo, hi: since.hi };
  return { kind: "found", answer: { ...answer, coverage: series.coverageOf(window, expectedEnd()) } };
}

/** A session's POC as it is known; undefined where nothing traded. */
function pastPoc(
  window: ProvenWindow,
  { coarser, method }: Reading,
  { scales, binUnits }: GridOf,
): Omit<PastPoc, "session" | "end"> | undefined {
  const question = { method, share: DEFAULT_SHARE, coarser, binUnits: binUnits * coarser };
  const { value, certainty, bounds } = readArea(window, question, scales).poc;
  if (value === null || certainty === null) return undefined;
  const units = (of: Decimal) => Number(of.units);
  const poc = { poc: units(value), certainty };
  return bounds === undefined ? poc : { ...poc, bounds: [units(bounds[0]), units(bounds[1])] };
}

function verdictsOf(
  deps: WindowDeps,
  reading: Reading,
  pasts: readonly PastPoc[],
  parts: readonly MinuteRange[],
): Omit<KnownNakedPocs, "coverage"> {
  const { series, coarser } = reading;
  const nowMinute = nowMinuteOf(deps);
  const trades = tradedSpans(deps, reading, parts);
  const candles = parts.flatMap((part) => series.certainty.windows.candlesWithin(part, nowMinute));
  const told = rangedSpans({
    minutes: Float64Array.from(candles, ({ minute }) => minute),
    lows: Float64Array.from(candles, ({ low }) => low),
    highs: Float64Array.from(candles, ({ high }) => high),
  });
  const rowUnits = series.grid.binUnits * coarser;
  const verdicts = pasts.map((past): PocVerdict => {
    const since = { lo: past.end, hi: nowMinute + 1 };
    // Candles of a time that contradicts its trades somewhere prove nothing, as for levels.
    const doubted = series.certainty.doubtsWithin(since, 1).length > 0;
    const touches = rowTouches(past, rowUnits, doubted ? trades : [...trades, told]);
    return pocVerdict(past, touches, series.certainty.windows.isKnown(since, nowMinute));
  });
  return {
    ...aboutOf(deps, reading, series.grid, series.revision),
    sessions: pasts.map(({ session }) => session),
    last: lastPrice(deps, reading, parts, candles.at(-1)),
    pocs: verdicts.filter(({ state }) => state === "naked").reverse(),
    undecided: verdicts.filter(({ state }) => state === "undecided").map(({ session }) => session),
  };
}

function tradedSpans(
  { profiles }: WindowDeps,
  { series }: Reading,
  parts: readonly MinuteRange[],
): RangedSpans[] {
  return parts.flatMap((part) => {
    const spans = profiles.spans(series, part);
    return spans === undefined || spans.minutes.length === 0 ? [] : [rangedSpans(spans)];
  });
}

/** Of the newest minute known, by its trades or its candle. */
function lastPrice(
  { profiles }: WindowDeps,
  { series }: Reading,
  parts: readonly MinuteRange[],
  candle: { readonly minute: number; readonly close: number } | undefined,
): number | null {
  const newest = parts.findLast((part) => (profiles.spans(series, part)?.minutes.length ?? 0) > 0);
  const fold = newest && profiles.fold(series, [newest]);
  fold?.profile.release();
  if (candle !== undefined && candle.minute >= (fold?.lastMinute ?? Number.NEGATIVE_INFINITY))
    return candle.close;
  return fold?.last ?? null;
}
