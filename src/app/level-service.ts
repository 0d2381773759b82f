import {
  DEFAULT_SHARE,
  dayOfMinute,
  formatUnits,
  type LevelSet,
  MS_PER_DAY,
  minuteOfMs,
  parseDay,
  type Session,
  symbolName,
  utcSession,
  type ValueAreaMethod,
} from "../core/mod.ts";
import type { LevelReads, LevelsOutcome, ProfileOutcome } from "../http/mod.ts";
import {
  type BackfillOfLevels,
  coarserBy,
  type LevelsQuery,
  type ProfileQuery,
  type ReadingQuery,
} from "../protocol/mod.ts";
import {
  type DayLoader,
  minutesRead,
  type ProfileStore,
  readLevels,
  type SeriesStore,
} from "../store/mod.ts";
import type { JobBoard } from "./job-board.ts";

/** A minute is expected in the levels this long after its end: what live trades need to prove it whole. */
export const SEAL_GRACE_MS = 4_000;

export interface LevelServiceDeps {
  readonly store: ProfileStore;
  readonly loader: DayLoader;
  readonly board: JobBoard;
  readonly nowMs: () => number;
  readonly method: ValueAreaMethod;
  /** Symbol names that are followed, opened or not; the first is the default. */
  readonly followed: readonly string[];
}

/** Level sets and profiles out of the store, for HTTP and for push alike. */
export class LevelService implements LevelReads {
  readonly #deps: LevelServiceDeps;

  constructor(deps: LevelServiceDeps) {
    this.#deps = deps;
  }

  /** The session that runs now. */
  currentSession(): Session {
    return utcSession(Math.floor(this.#deps.nowMs() / MS_PER_DAY));
  }

  sessionNamed(name: string | undefined): Session {
    const day = name === undefined ? undefined : parseDay(name);
    return day === undefined ? this.currentSession() : utcSession(day);
  }

  /** Minutes before this one are expected to be known. */
  expectedEnd(): number {
    return minuteOfMs(this.#deps.nowMs() - SEAL_GRACE_MS);
  }

  /** A level set as the store has it; the days it reads must be in memory. */
  read(series: SeriesStore, session: Session, method = this.#deps.method, coarser = 1): LevelSet {
    return readLevels(series, {
      session,
      method,
      coarser,
      asOfMs: this.#deps.nowMs(),
      nowMinute: minuteOfMs(this.#deps.nowMs()),
      expectedEnd: this.expectedEnd(),
    });
  }

  /** Brings the days that a session's levels read into memory. */
  load(series: SeriesStore, session: Session): Promise<void> {
    return this.#deps.loader.load(series, minutesRead(session));
  }

  /** The backfill that works on a session, or null. */
  backfillOf(symbol: string, session: Session): BackfillOfLevels | null {
    const entry = this.#deps.board.workingOn(symbol, minutesRead(session));
    if (entry === undefined) return null;
    return { job_id: entry.job.id, status: entry.job.status, percentage: entry.job.progressPct };
  }

  async levelSet({ symbol, session: name, method, binSize }: LevelsQuery): Promise<LevelsOutcome> {
    const found = this.#find(symbol === undefined ? this.#deps.followed[0] : symbolName(symbol));
    if (found.kind !== "series") return found;
    const { series } = found;
    const coarser = coarserOf(series, binSize);
    if (coarser === undefined) return badBin(series);
    const session = this.sessionNamed(name);
    await this.load(series, session);
    return {
      kind: "found",
      set: this.read(series, session, method, coarser),
      backfill: this.backfillOf(series.symbol, session),
    };
  }

  async profile({ symbol, range, method, binSize }: ProfileQuery): Promise<ProfileOutcome> {
    const found = this.#find(symbolName(symbol));
    if (found.kind !== "series") return found;
    const { series } = found;
    const coarser = coarserOf(series, binSize);
    if (coarser === undefined) return badBin(series);
    await this.#deps.loader.load(series, range);
    const { scales, binUnits } = series.grid;
    return {
      kind: "found",
      profile: {
        symbol: series.symbol,
        range,
        asOfMs: this.#deps.nowMs(),
        revision: series.revision,
        scales,
        binUnits,
        window: series.window(range, this.expectedEnd(), minuteOfMs(this.#deps.nowMs())),
        method: method ?? this.#deps.method,
        share: DEFAULT_SHARE,
        coarser,
      },
    };
  }

  #find(symbol: string | undefined) {
    const series = symbol === undefined ? undefined : this.#deps.store.bySymbol(symbol);
    if (series !== undefined) return { kind: "series", series } as const;
    if (symbol !== undefined && this.#deps.followed.includes(symbol))
      return {
        kind: "unavailable",
        detail: `${symbol} is followed, but the venue has not said yet what it trades in`,
        retryAfterSeconds: 1,
      } as const;
    return { kind: "unknown_symbol", symbol: symbol ?? "" } as const;
  }
}

function coarserOf(series: SeriesStore, binSize: ReadingQuery["binSize"]): number | undefined {
  return binSize === undefined ? 1 : coarserBy(binSize, series.grid.binUnits, series.grid.scales.priceScale);
}

function badBin(series: SeriesStore) {
  const { binUnits, scales } = series.grid;
  return { kind: "bad_bin", binSize: formatUnits(binUnits, scales.priceScale) } as const;
}

/** UTC days that a session's levels read. */
export function daysRead(session: Session): readonly [previous: number, current: number] {
  return [dayOfMinute(session.previous.lo), dayOfMinute(session.range.lo)];
}
