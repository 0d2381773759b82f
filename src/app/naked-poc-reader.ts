import { dayOfMinute, dayRange, type MinuteRange, type PastPoc, pocIndex, pocTouches } from "../core/mod.ts";
import type { WindowOutcome } from "../http/mod.ts";
import type { KnownNakedPocs, NakedPocsQuery } from "../protocol/mod.ts";
import { touchingMinutes } from "../store/mod.ts";
import {
  aboutOf,
  knowledgeOf,
  nowMinuteOf,
  type Reading,
  readingOf,
  refused,
  type WindowDeps,
} from "./window-reading.ts";

/** The POCs of the last sessions that no later minute has touched. */
export async function readNakedPocs(
  deps: WindowDeps,
  query: NakedPocsQuery,
  signal: AbortSignal,
): Promise<WindowOutcome<KnownNakedPocs>> {
  const found = readingOf(deps, query);
  if (found.kind !== "reading") return found;
  const { series, coarser } = found;
  const { reader, calendar, expectedEnd } = deps;
  const sessions = calendar
    .ended(expectedEnd(), query.sessions)
    .filter(({ range }) => series.coverageOf(range).coveredMinutes > 0);
  const { grid } = series;
  const read = await reader.each(
    series,
    sessions.map(({ range }) => [range]),
    (fold, at): PastPoc[] => {
      const rows = fold.profile.rows(coarser);
      const row = pocIndex(rows);
      if (row === undefined) return [];
      const { name, range } = sessions[at]!;
      const poc = rows.bins[row]! * series.grid.binUnits * coarser;
      return [{ session: name, end: range.hi, poc, whole: knowledgeOf(deps, series, [range]).whole }];
    },
    signal,
  );
  if (read.kind !== "read") return refused(series, read);
  const pasts = read.values.flat();
  const first = pasts[0];
  if (first === undefined)
    return {
      kind: "found",
      answer: {
        ...aboutOf(deps, found, grid, series.revision),
        sessions: [],
        last: null,
        pocs: [],
        coverage: null,
      },
    };
  const since = { lo: dayRange(dayOfMinute(first.end - 1)).lo, hi: nowMinuteOf(deps) + 1 };
  const answered = await reader.spans(series, since, (parts) => touchesOf(deps, found, pasts, parts), signal);
  if (answered.kind !== "read") return refused(series, answered);
  const answer = answered.values[0]!;
  // Scales grew in between, so that the POCs are in other units: asked again, all is at the new ones.
  if (series.grid !== grid) return readNakedPocs(deps, query, signal);
  const window = { lo: sessions[0]!.range.lo, hi: since.hi };
  return { kind: "found", answer: { ...answer, coverage: series.coverageOf(window, expectedEnd()) } };
}

function touchesOf(
  deps: WindowDeps,
  reading: Reading,
  pasts: readonly PastPoc[],
  parts: readonly MinuteRange[],
): Omit<KnownNakedPocs, "coverage"> {
  const { series, coarser } = reading;
  const { profiles, expectedEnd } = deps;
  const days = parts.flatMap((part) => {
    const spans = profiles.spans(series, part);
    return spans === undefined || spans.minutes.length === 0 ? [] : [spans];
  });
  const rowUnits = series.grid.binUnits * coarser;
  const touches = pocTouches(pasts, rowUnits, {
    minutes: touchingMinutes(pasts, rowUnits, days),
    known: series.covered,
    until: expectedEnd(),
  });
  const newest = parts.findLast((part) => (profiles.spans(series, part)?.minutes.length ?? 0) > 0);
  return {
    ...aboutOf(deps, reading, series.grid, series.revision),
    sessions: pasts.map(({ session }) => session),
    last: newest === undefined ? null : (profiles.fold(series, [newest])?.last ?? null),
    pocs: touches.filter(({ touchedAt }) => touchedAt === null).reverse(),
  };
}
