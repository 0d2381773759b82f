import {
  type Clock,
  dayOfMinute,
  dayRange,
  failureOf,
  type MinuteRange,
  minuteOfMs,
  msOfMinute,
  type Session,
  type SessionCalendar,
} from "../core/mod.ts";
import { daysRead, type SeriesStore } from "../store/mod.ts";
import type { EngineLog } from "./engine-log.ts";

/** Exchange time is measured anew now and then, so that no moment is waited for longer than this. */
const LOOK_INTERVAL_MS = 60_000;
/** After a day that could not be loaded. */
const RETRY_MS = 5_000;

export interface SessionRollDeps {
  readonly calendar: SessionCalendar;
  readonly clock: Clock;
  /** Brings what a session's levels read into memory. */
  readonly load: (series: SeriesStore, session: Session) => Promise<void>;
  readonly loadMinutes: (series: SeriesStore, range: MinuteRange) => Promise<void>;
  /** What is told of a series has changed. */
  readonly changed: (series: SeriesStore) => void;
  /** A session has ended or begun. */
  readonly rolled: () => void;
  readonly log: Pick<EngineLog, "info" | "warn">;
}

/** What is kept in memory for a followed series. */
interface Held {
  readonly session: Session;
  readonly days: readonly number[];
}

/**
 * Keeps of every followed series the running session, the one before it and the day that live trades go into. When by exchange time
 * a session begins, the one that ended becomes the previous one: its minutes stay where they are, and only which window is read
 * moves on, so that nothing is copied, lost or counted twice. A late trade goes to the minute of its own timestamp, whatever session
 * that is in.
 */
export class SessionRoll {
  readonly #deps: SessionRollDeps;
  readonly #held = new Map<SeriesStore, Held>();
  /** Series whose days could not be loaded. */
  readonly #unloaded = new Set<SeriesStore>();
  #at: { readonly session: Session; readonly day: number; readonly open: boolean };
  #cancel = () => {};
  #rolling: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: SessionRollDeps) {
    this.#deps = deps;
    this.#at = this.#now();
  }

  /** Brings a series into memory, to stay. Rejects when it cannot be read; nothing is held then. */
  async hold(series: SeriesStore): Promise<void> {
    this.#take(series);
    try {
      await this.#load(series);
    } catch (thrown) {
      this.#letGo(series);
      throw thrown;
    }
  }

  start(): void {
    const nowMs = this.#deps.clock.nowMs();
    const waitMs = Math.min(this.#next() - nowMs, this.#unloaded.size > 0 ? RETRY_MS : LOOK_INTERVAL_MS);
    this.#cancel = this.#deps.clock.after(Math.max(1, waitMs), () => {
      this.#rolling = this.lookOnce().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#rolling;
  }

  /** Moves on to the session and the day that the clock is at. Never rejects: what was not loaded is tried again. */
  async lookOnce(): Promise<void> {
    const { log, changed, rolled } = this.#deps;
    const former = this.#at;
    const now = this.#now();
    this.#at = now;
    const moved = former.session.name !== now.session.name || former.open !== now.open;
    if (moved || former.day !== now.day)
      for (const series of [...this.#held.keys()]) {
        this.#take(series);
        this.#unloaded.add(series);
      }
    if (moved) {
      const { name, previous } = now.session;
      log.info(
        { session: name },
        now.open
          ? `session ${name} began; ${this.#deps.calendar.latest(previous.lo).name} is the previous one`
          : `session ${name} ended`,
      );
      rolled();
    }
    for (const series of [...this.#unloaded]) {
      if (this.#stopped) return;
      try {
        await this.#load(series);
        this.#unloaded.delete(series);
        changed(series);
      } catch (thrown) {
        log.warn({ symbol: series.symbol }, `its session could not be loaded: ${failureOf(thrown).message}`);
      }
    }
  }

  #now(): { session: Session; day: number; open: boolean } {
    const minute = minuteOfMs(this.#deps.clock.nowMs());
    const session = this.#deps.calendar.latest(minute);
    return { session, day: dayOfMinute(minute), open: minute < session.range.hi };
  }

  /** When something changes next, ms since the epoch: a session ends or begins, or a UTC day does. */
  #next(): number {
    const minute = minuteOfMs(this.#deps.clock.nowMs());
    const { session, open } = this.#at;
    return msOfMinute(
      Math.min(
        open ? session.range.hi : Number.POSITIVE_INFINITY,
        this.#deps.calendar.next(minute).range.lo,
        dayRange(dayOfMinute(minute)).hi,
      ),
    );
  }

  /** Pins what is wanted now before it lets go of what was. */
  #take(series: SeriesStore): void {
    const { session, day } = this.#at;
    const held = { session, days: [...new Set([...daysRead(session), day])] };
    for (const each of held.days) series.pin(each);
    series.finished.pin(session.previous);
    this.#letGo(series);
    this.#held.set(series, held);
  }

  #letGo(series: SeriesStore): void {
    const held = this.#held.get(series);
    if (held === undefined) return;
    for (const day of held.days) series.release(day);
    series.finished.release(held.session.previous);
    this.#held.delete(series);
  }

  async #load(series: SeriesStore): Promise<void> {
    const { session, day } = this.#at;
    await this.#deps.loadMinutes(series, dayRange(day));
    await this.#deps.load(series, session);
  }
}
