import {
  type LevelSet,
  minuteOfMs,
  type Session,
  type SessionCalendar,
  symbolName,
  type Turns,
  type ValueAreaMethod,
} from "../core/mod.ts";
import type { LevelReads, LevelsOutcome } from "../http/mod.ts";
import type { BackfillOfLevels, LevelsQuery } from "../protocol/mod.ts";
import {
  levelsPending,
  type ProfileStore,
  prepareLevels,
  readLevels,
  type SeriesStore,
  windowsRead,
} from "../store/mod.ts";
import { badBin, coarserOf, findSeries } from "./find-series.ts";
import type { JobBoard } from "./job-board.ts";
import { noSession } from "./no-session.ts";
import type { SessionLoader } from "./session-loader.ts";

/** A minute is expected in the levels this long after its end: what live trades need to prove it whole. */
export const SEAL_GRACE_MS = 4_000;

export interface LevelServiceDeps {
  readonly store: ProfileStore;
  readonly sessions: Pick<SessionLoader, "load">;
  readonly calendar: SessionCalendar;
  /** Brings the candles that would prove a session's levels; waits for them a moment at most. */
  readonly skeleton: { readonly asked: (series: SeriesStore, session: Session) => Promise<void> };
  /** The line of heavy work that proofs are made ready in. */
  readonly turns: Pick<Turns, "take">;
  readonly board: JobBoard;
  readonly nowMs: () => number;
  readonly method: ValueAreaMethod;
  /** Symbol names that are followed, opened or not; the first is the default. */
  readonly followed: readonly string[];
}

/** Times that proofs are made ready for one answer, when other changes keep coming in. */
const PREPARE_ROUNDS_MAX = 3;

/** Level sets out of the store, for HTTP and for push alike. */
export class LevelService implements Pick<LevelReads, "levelSet"> {
  readonly #deps: LevelServiceDeps;

  constructor(deps: LevelServiceDeps) {
    this.#deps = deps;
  }

  /** The session that runs now, or between two sessions the last one. */
  currentSession(): Session {
    return this.#deps.calendar.latest(minuteOfMs(this.#deps.nowMs()));
  }

  /** The session of a date, {@link currentSession} without one; undefined for a date that has none. */
  sessionNamed(name: string | undefined): Session | undefined {
    return name === undefined ? this.currentSession() : this.#deps.calendar.named(name);
  }

  /** The session before one. */
  sessionBefore(session: Session): Session {
    return this.#deps.calendar.before(session);
  }

  /** The first session that begins after the running minute. */
  nextSession(): Session {
    return this.#deps.calendar.next(minuteOfMs(this.#deps.nowMs()));
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

  /** Brings the days that a session's levels read into memory, and makes ready what proves them. */
  async load(series: SeriesStore, session: Session, coarser = 1): Promise<void> {
    // Candles first: nothing is awaited once the days are there.
    await this.#deps.skeleton.asked(series, session);
    for (let round = 1; ; round++) {
      await this.#deps.sessions.load(series, session);
      if (round > PREPARE_ROUNDS_MAX || !this.isPending(series, session, coarser)) return;
      const question = { session, coarser, nowMinute: minuteOfMs(this.#deps.nowMs()) };
      await prepareLevels(series, question, (piece) => this.#deps.turns.take(piece));
    }
  }

  /** Whether levels read now would prove less than they do after {@link load}. */
  isPending(series: SeriesStore, session: Session, coarser = 1): boolean {
    return levelsPending(series, { session, coarser, nowMinute: minuteOfMs(this.#deps.nowMs()) });
  }

  /** The backfill that works on a session, or null. */
  backfillOf(symbol: string, session: Session): BackfillOfLevels | null {
    const [previous, current] = windowsRead(session);
    const { board } = this.#deps;
    const entry = board.workingOn(symbol, current) ?? board.workingOn(symbol, previous);
    if (entry === undefined) return null;
    return { job_id: entry.job.id, status: entry.job.status, percentage: entry.job.progressPct };
  }

  async levelSet({ symbol, session: name, method, binSize }: LevelsQuery): Promise<LevelsOutcome> {
    const found = findSeries(this.#deps, symbol === undefined ? this.#deps.followed[0] : symbolName(symbol));
    if (found.kind !== "series") return found;
    const { series } = found;
    const coarser = coarserOf(series, binSize);
    if (coarser === undefined) return badBin(series);
    const session = this.sessionNamed(name);
    if (session === undefined) return noSession(this.#deps.calendar, name ?? "");
    await this.load(series, session, coarser);
    return {
      kind: "found",
      set: this.read(series, session, method, coarser),
      backfill: this.backfillOf(series.symbol, session),
    };
  }
}
