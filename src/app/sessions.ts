import type { JobStore, SegmentReader } from "../backfill/mod.ts";
import type { Config } from "../config.ts";
import {
  type Clock,
  intersectRanges,
  type MinuteRange,
  minuteOfMs,
  type SessionCalendar,
  type Turns,
} from "../core/mod.ts";
import type { DayLoader, SeriesStore } from "../store/mod.ts";
import type { ProfileCache } from "../tape/mod.ts";
import type { EngineLog } from "./engine-log.ts";
import { ProfileKeeper } from "./profile-keeper.ts";
import { SessionLoader } from "./session-loader.ts";
import { sessionRanges } from "./session-ranges.ts";
import { SessionRoll } from "./session-roll.ts";

/** Sessions back to which a server without a start-up backfill repairs what it has followed. */
const REPAIRED_SESSIONS_MAX = 30;

export interface SessionsDeps {
  readonly calendar: SessionCalendar;
  readonly jobs: Pick<JobStore, "segments">;
  readonly reader: Pick<SegmentReader, "read">;
  readonly loader: DayLoader;
  /** Undefined: profiles are not kept. */
  readonly profiles: ProfileCache | undefined;
  readonly backfill: Pick<Config["backfill"], "enabled" | "days" | "previousDay">;
  readonly clock: Clock;
  readonly turns: Turns;
  /** The series that are followed live. */
  readonly followed: () => readonly SeriesStore[];
  /** What is told of a series has changed. */
  readonly changed: (series: SeriesStore) => void;
  readonly log: EngineLog;
}

/** Sessions at work: what of them is in memory, when one follows the other, and their profiles on the disk. */
export class Sessions {
  readonly loader: SessionLoader;
  readonly roll: SessionRoll;
  readonly #calendar: SessionCalendar;
  readonly #backfill: SessionsDeps["backfill"];
  readonly #startedMinute: number;
  readonly #keeper: ProfileKeeper | undefined;

  constructor(deps: SessionsDeps) {
    const { calendar, clock, log, profiles } = deps;
    this.#calendar = calendar;
    this.#backfill = deps.backfill;
    this.#startedMinute = minuteOfMs(clock.nowMs());
    const keeper = profiles === undefined ? undefined : new ProfileKeeper({ ...deps, profiles });
    this.#keeper = keeper;
    this.loader = new SessionLoader({
      ...deps,
      now: () => clock.now(),
      tradesRead: (series, session) => keeper?.want(series, session),
    });
    this.roll = new SessionRoll({
      calendar,
      clock,
      log,
      load: (series, session) => this.loader.load(series, session),
      loadMinutes: (series, range) => deps.loader.load(series, range),
      changed: deps.changed,
      rolled: () => keeper?.nudge(),
    });
  }

  start(): void {
    this.roll.start();
    this.#keeper?.start();
  }

  async stop(): Promise<void> {
    await this.roll.stop();
    await this.#keeper?.stop();
  }

  /** A job ended: finished sessions may be whole by now. */
  jobEnded(): void {
    this.#keeper?.nudge();
  }

  /** What the start-up backfill is to bring up to a minute: the running session and those before it, newest first. */
  backfilled(until: number): readonly MinuteRange[] {
    const { days, previousDay } = this.#backfill;
    return sessionRanges(this.#calendar, until, previousDay ? days : 1);
  }

  /** The minutes that gaps of the live stream are looked for in: without a start-up backfill, those since this process began. */
  repaired(until: number): readonly MinuteRange[] {
    if (this.#backfill.enabled) return this.backfilled(until);
    const since = { lo: this.#startedMinute, hi: until };
    const sessions = sessionRanges(this.#calendar, until, REPAIRED_SESSIONS_MAX);
    return sessions.flatMap((range) => intersectRanges(range, since) ?? []);
  }
}
