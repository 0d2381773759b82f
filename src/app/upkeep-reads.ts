import type { JobStore } from "../backfill/mod.ts";
import {
  Coverage,
  intersectRanges,
  type MinuteRange,
  minuteOfMs,
  type SessionCalendar,
  symbolName,
} from "../core/mod.ts";
import type { UpkeepReads as Reads } from "../http/mod.ts";
import type { LiveIngest } from "../live/mod.ts";
import type { GapCause, GapFacts, GapsQuery, LiveFacts, SessionReportQuery } from "../protocol/mod.ts";
import type { DayLoader, ProfileStore, SeriesStore } from "../store/mod.ts";
import { GAPS_MAX, type GapStore, type KnownGap, type MismatchStore } from "../upkeep/mod.ts";
import { findSeries } from "./find-series.ts";
import { noSession } from "./no-session.ts";

/** Most mismatches of one answer. */
const MISMATCHES_TOLD_MAX = 1_000;

export interface UpkeepReadsDeps {
  readonly store: ProfileStore;
  readonly loader: Pick<DayLoader, "load">;
  readonly calendar: SessionCalendar;
  readonly jobs: Pick<JobStore, "openRanges" | "calledOffRanges">;
  readonly gaps: GapStore;
  readonly mismatches: MismatchStore;
  readonly live: () => Pick<LiveIngest, "statusOf" | "heldMinutes">;
  /** Compares what changed and has not been compared yet. */
  readonly reconcile: () => Promise<void>;
  readonly nowMs: () => number;
  /** Minutes before this one are expected to be known. */
  readonly expectedEnd: () => number;
  readonly currentSession: () => ReturnType<SessionCalendar["latest"]>;
  readonly followed: readonly string[];
}

/** How far what is known can be believed, for HTTP. */
export class UpkeepReads implements Reads {
  readonly #deps: UpkeepReadsDeps;

  constructor(deps: UpkeepReadsDeps) {
    this.#deps = deps;
  }

  /** The metrics of a session; its days come into memory, and what can be compared of them is. */
  async session({ symbol, session: name }: SessionReportQuery) {
    const { calendar, currentSession, loader, reconcile, expectedEnd, nowMs } = this.#deps;
    const found = findSeries(this.#deps, symbolName(symbol));
    if (found.kind !== "series") return found;
    const session = name === undefined ? currentSession() : calendar.named(name);
    if (session === undefined) return noSession(calendar, name ?? "");
    const { series } = found;
    await loader.load(series, session.range);
    await reconcile();
    // Others may have made room for their days meanwhile; nothing is awaited after this.
    await loader.load(series, session.range);
    const { expectedMinutes, coveredMinutes, missing } = series.coverageOf(session.range, expectedEnd());
    const checked = series.certainty.checks.within(session.range);
    const answer = {
      symbol: series.symbol,
      session: session.name,
      range: session.range,
      expectedMinutes,
      coveredMinutes,
      mismatchingMinutes: checked.mismatching.size,
      uncheckedMinutes: checked.unchecked.size,
      gaps: missing.length,
      ...countsOf(series, session.range),
      live: this.#live(series),
      revision: series.revision,
      asOfMs: nowMs(),
    };
    return { kind: "found", answer } as const;
  }

  /** What is missing of the sessions in a range of minutes, and why; and what contradicts the venue's candles. */
  async gaps({ symbol, range: asked }: GapsQuery) {
    const { currentSession, expectedEnd, nowMs, mismatches } = this.#deps;
    const found = findSeries(this.#deps, symbolName(symbol));
    if (found.kind !== "series") return found;
    const { series } = found;
    const range = asked ?? currentSession().range;
    const ended = { lo: range.lo, hi: Math.max(range.lo, Math.min(range.hi, minuteOfMs(nowMs()))) };
    const [gaps, contradicting] = await Promise.all([
      this.#gapsOf(series, ended, expectedEnd()),
      mismatches.open(series.seriesId, range),
    ]);
    const answer = {
      symbol: series.symbol,
      range: ended,
      gaps: gaps.slice(0, GAPS_MAX),
      mismatches: contradicting.slice(0, MISMATCHES_TOLD_MAX),
      truncated: gaps.length > GAPS_MAX || contradicting.length > MISMATCHES_TOLD_MAX,
      revision: series.revision,
      asOfMs: nowMs(),
    };
    return { kind: "found", answer } as const;
  }

  /** A minute that ended just now may still be proven whole: from `expectedEnd` on only what was found missing counts. */
  async #gapsOf(series: SeriesStore, range: MinuteRange, expectedEnd: number): Promise<GapFacts[]> {
    const { jobs, gaps, live } = this.#deps;
    const { seriesId } = series;
    const [known, planned, calledOff, failed] = await Promise.all([
      gaps.within(seriesId, range),
      jobs.openRanges(seriesId, range),
      jobs.calledOffRanges(seriesId, range),
      gaps.failedRanges(seriesId, range),
    ]);
    const pending = Coverage.of(planned);
    const held = live().heldMinutes(seriesId, range);
    let missing = Coverage.of(
      this.#sessionsWithin(range)
        .flatMap((session) => series.coverageOf(session).missing)
        .flatMap((gap) => held.missing(gap)),
    );
    const facts: GapFacts[] = [];
    /** Takes the missing minutes of `which` out, for one reason. */
    const take = (which: Coverage, reason: GapCause, gap?: KnownGap) => {
      const own = which.ranges.flatMap((part) => missing.within(part).ranges);
      for (const part of own) {
        missing = missing.subtract(part);
        const times = { foundAtMs: gap?.foundAtMs, filledAtMs: undefined };
        for (const planned of pending.within(part).ranges)
          facts.push({ range: planned, reason, state: "pending", ...times });
        for (const open of pending.missing(part))
          facts.push({ range: open, reason, state: "open", ...times });
      }
    };
    for (const gap of known) {
      const { range: was, reason, foundAtMs, filledAtMs } = gap;
      if (filledAtMs !== undefined)
        facts.push({ range: was, reason, state: "filled", foundAtMs, filledAtMs });
      else take(Coverage.of([was]), reason, gap);
    }
    take(Coverage.of(calledOff), "called_off");
    take(pending, "pending");
    take(failed, "failed");
    take(missing.within({ lo: range.lo, hi: Math.max(range.lo, expectedEnd) }), "not_requested");
    return facts.sort((a, b) => a.range.lo - b.range.lo);
  }

  /** The minutes of sessions inside of a range. */
  #sessionsWithin(range: MinuteRange): MinuteRange[] {
    const { calendar } = this.#deps;
    const found: MinuteRange[] = [];
    for (
      let session = calendar.latest(range.hi);
      session.range.hi > range.lo;
      session = calendar.before(session)
    ) {
      const part = intersectRanges(session.range, range);
      if (part !== undefined) found.push(part);
    }
    return found;
  }

  #live({ seriesId }: SeriesStore): LiveFacts | undefined {
    const status = this.#deps.live().statusOf(seriesId);
    if (status === undefined) return undefined;
    const { receivingFrom, breaks, duplicates, dropped } = status;
    const state = receivingFrom === undefined ? "connecting" : "receiving";
    return { state, receivingFrom, breaks, duplicates, dropped };
  }
}

/** Counts over the minutes of a window that are in memory. */
function countsOf(series: SeriesStore, range: MinuteRange) {
  let trades = 0;
  let aggregates = 0;
  let last:
    | { readonly price: number; readonly scale: number; readonly timeUs: number; readonly id: number }
    | undefined;
  for (let minute = range.lo; minute < range.hi; minute++) {
    const contribution = series.contributionOf(minute);
    if (contribution === undefined) continue;
    trades += contribution.rawCount;
    aggregates += contribution.count;
    const { close: price, lastTimeUs: timeUs, lastId: id } = contribution;
    last = { price, scale: series.grid.scales.priceScale, timeUs, id };
  }
  return { trades, aggregates, lastTrade: last };
}
