import type { Config } from "../config.ts";
import {
  Coverage,
  compareWindows,
  DEFAULT_SHARE,
  type MinuteRange,
  minuteOfMs,
  periodsWithin,
  type Session,
  symbolName,
  type Turns,
  type WindowFold,
  windowLevels,
} from "../core/mod.ts";
import type {
  CallOptions,
  Loading,
  NoSession,
  ProfileOutcome,
  TooLarge,
  WindowOutcome,
  WindowReads,
} from "../http/mod.ts";
import type {
  CompareQuery,
  CompositeQuery,
  KnownComparison,
  KnownNakedPocs,
  KnownPeriods,
  KnownProfile,
  LevelsOfWindow,
  NakedPocsQuery,
  NamedWindow,
  PeriodsQuery,
  ProfileQuery,
} from "../protocol/mod.ts";
import { type DayLoader, DayProfiles, type WindowRanges } from "../store/mod.ts";
import type { ExchangeClock } from "./exchange-clock.ts";
import { SEAL_GRACE_MS } from "./level-service.ts";
import { readNakedPocs } from "./naked-poc-reader.ts";
import { noSession } from "./no-session.ts";
import { type ProvenWindow, proveWindow } from "./window-proving.ts";
import { type WindowCandles, WindowReader } from "./window-reader.ts";
import { aboutOf, nowMinuteOf, type Reading, readingOf, refused, type WindowDeps } from "./window-reading.ts";

export interface WindowServiceOptions extends Pick<WindowDeps, "store" | "calendar"> {
  readonly config: Pick<Config, "symbols" | "valueAreaMethod">;
  readonly loader: DayLoader;
  readonly candles: WindowCandles;
  readonly turns: Turns;
  readonly clock: ExchangeClock;
}

/** The windows of a process, with a store of folded days of their own. */
export function createWindowService(options: WindowServiceOptions) {
  const { config, loader, candles, turns, clock, store, calendar } = options;
  const profiles = new DayProfiles();
  return new WindowService({
    ...{ store, profiles, turns, calendar },
    reader: new WindowReader({ loader, profiles, candles, turns, now: () => clock.now() }),
    nowMs: () => clock.nowMs(),
    expectedEnd: () => minuteOfMs(clock.nowMs() - SEAL_GRACE_MS),
    method: config.valueAreaMethod,
    followed: config.symbols.map(symbolName),
  });
}

/** Profiles of any windows, and what is derived of them, for HTTP. */
export class WindowService implements WindowReads {
  readonly #deps: WindowDeps;

  constructor(deps: WindowDeps) {
    this.#deps = deps;
  }

  async profile(query: ProfileQuery, { signal }: CallOptions): Promise<ProfileOutcome> {
    const found = readingOf(this.#deps, query);
    if (found.kind !== "reading") return found;
    const known = await this.#profileOf(found, [query.range], { range: query.range }, signal);
    return known.kind === "found" ? { kind: "found", profile: known.answer } : known;
  }

  async composite(query: CompositeQuery, { signal }: CallOptions): Promise<WindowOutcome<KnownProfile>> {
    const found = readingOf(this.#deps, query);
    if (found.kind !== "reading") return found;
    const sessions = this.#sessionsOf(query.of);
    if (!Array.isArray(sessions)) return sessions;
    // Sessions that touch are one window: it folds out of longer pieces.
    const { ranges } = Coverage.of(sessions.map(({ range }) => this.#begun(range)));
    const about = {
      range: { lo: sessions[0]?.range.lo ?? 0, hi: sessions.at(-1)?.range.hi ?? 0 },
      sessions: sessions.map(({ name }) => name),
    };
    return this.#profileOf(found, ranges, about, signal);
  }

  async periods(query: PeriodsQuery, { signal }: CallOptions): Promise<WindowOutcome<KnownPeriods>> {
    const found = readingOf(this.#deps, query);
    if (found.kind !== "reading") return found;
    const { series, method } = found;
    const ranges = [...periodsWithin(query.period, query.range)];
    let revision = Number.POSITIVE_INFINITY;
    const read = await this.#deps.reader.each(
      series,
      ranges.map((range) => [range]),
      async (fold, at): Promise<LevelsOfWindow> => {
        const range = ranges[at]!;
        const window = await proveWindow(this.#deps, found, { ranges: [range], fold }, signal);
        revision = Math.min(revision, window.revision);
        const levels = levelsOf(window, found, { range });
        fold.profile.release();
        return levels;
      },
      signal,
    );
    if (read.kind !== "read") return refused(series, read);
    const answer = {
      ...aboutOf(this.#deps, found, series.grid, Math.min(revision, series.revision)),
      method,
      share: DEFAULT_SHARE,
      period: query.period,
      windows: read.values,
    };
    return { kind: "found", answer };
  }

  async compare(query: CompareQuery, { signal }: CallOptions): Promise<WindowOutcome<KnownComparison>> {
    const found = readingOf(this.#deps, query);
    if (found.kind !== "reading") return found;
    const { series, method, coarser } = found;
    const a = this.#windowOf("a", query.a);
    if (a.kind !== "window") return a;
    const b = this.#windowOf("b", query.b);
    if (b.kind !== "window") return b;
    const windows = [a, b];
    let revision = Number.POSITIVE_INFINITY;
    const read = await this.#deps.reader.each(
      series,
      windows.map(({ range }) => [this.#begun(range)]),
      async (fold, at): Promise<{ fold: WindowFold; of: LevelsOfWindow }> => {
        const { range, session } = windows[at]!;
        // The coverage is that of the whole window, which is expected up to now.
        const window = await proveWindow(this.#deps, found, { ranges: [range], fold }, signal);
        revision = Math.min(revision, window.revision);
        return { fold, of: levelsOf(window, found, session === undefined ? { range } : { range, session }) };
      },
      signal,
    );
    if (read.kind !== "read") return refused(series, read);
    const [before, after] = [read.values[0]!, read.values[1]!];
    const answer = {
      ...aboutOf(this.#deps, found, series.grid, revision),
      method,
      share: DEFAULT_SHARE,
      a: before.of,
      b: after.of,
      comparison: compareWindows(
        { fold: before.fold, ...before.of },
        { fold: after.fold, ...after.of },
        coarser,
      ),
    };
    for (const { fold } of [before, after]) fold.profile.release();
    return { kind: "found", answer };
  }

  nakedPocs(query: NakedPocsQuery, { signal }: CallOptions): Promise<WindowOutcome<KnownNakedPocs>> {
    return readNakedPocs(this.#deps, query, signal);
  }

  /** One profile of some ranges. */
  async #profileOf(
    reading: Reading,
    ranges: WindowRanges,
    about: Pick<KnownProfile, "range" | "sessions">,
    signal: AbortSignal,
  ): Promise<{ readonly kind: "found"; readonly answer: KnownProfile } | Loading | TooLarge> {
    const { series, method, coarser } = reading;
    const read = await this.#deps.reader.each(
      series,
      [ranges],
      async (fold): Promise<KnownProfile> => {
        const window = await proveWindow(this.#deps, reading, { ranges, fold }, signal);
        const { grid, revision, asOfMs, doubts } = window;
        return {
          ...about,
          ...grid,
          ...{ symbol: series.symbol, asOfMs, revision, window, doubts },
          ...{ method, share: DEFAULT_SHARE, coarser },
        };
      },
      signal,
    );
    return read.kind === "read" ? { kind: "found", answer: read.values[0]! } : refused(series, read);
  }

  #sessionsOf(of: CompositeQuery["of"]): Session[] | NoSession {
    const { calendar, expectedEnd } = this.#deps;
    if (of.kind === "last") return calendar.ended(expectedEnd(), of.count);
    const sessions: Session[] = [];
    for (const name of of.names) {
      const session = calendar.named(name);
      if (session === undefined) return noSession(calendar, name, "sessions");
      sessions.push(session);
    }
    return sessions.sort((a, b) => a.range.lo - b.range.lo);
  }

  #windowOf(parameter: "a" | "b", window: NamedWindow) {
    if (window.kind === "range") return { kind: "window", range: window.range, session: undefined } as const;
    const session = this.#deps.calendar.named(window.name);
    if (session === undefined) return noSession(this.#deps.calendar, window.name, parameter);
    return { kind: "window", range: session.range, session: session.name } as const;
  }

  /** The part of a window that has begun. */
  #begun({ lo, hi }: MinuteRange): MinuteRange {
    return { lo, hi: Math.max(lo, Math.min(hi, nowMinuteOf(this.#deps) + 1)) };
  }
}

function levelsOf(
  window: ProvenWindow,
  { method, coarser }: Reading,
  about: Pick<LevelsOfWindow, "range" | "session">,
): LevelsOfWindow {
  const { coverage, whole, doubts, grid } = window;
  return { ...about, levels: windowLevels(window, grid, { method, coarser }), coverage, whole, doubts };
}
