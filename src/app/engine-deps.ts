import type { Database } from "../../db/mod.ts";
import type { Settled } from "../backfill/mod.ts";
import type { Config } from "../config.ts";
import type { SessionCalendar, Turns } from "../core/mod.ts";
import type { ProfileCache, Tape } from "../tape/mod.ts";
import type { GapEvent } from "../upkeep/mod.ts";
import type { VenueRegistry } from "../venues/mod.ts";
import type { EngineLog } from "./engine-log.ts";
import type { ExchangeClock } from "./exchange-clock.ts";

/** What a process of Tapeline does beside answering. */
export interface Duties {
  /** Follow the configured symbols live and backfill their last days. A command that only runs a job does not. */
  readonly follow: boolean;
}

export interface EngineDeps {
  readonly config: Config;
  readonly database: Database;
  readonly tape: Tape;
  /** Profiles of finished sessions; undefined where none are kept. */
  readonly profiles: ProfileCache | undefined;
  readonly calendar: SessionCalendar;
  readonly venues: VenueRegistry;
  readonly clock: ExchangeClock;
  readonly random: () => number;
  /** The line of this process's heavy work. */
  readonly turns: Turns;
  readonly log: EngineLog;
  readonly processId: number;
  /** A job moved: tell whoever listens. */
  readonly onSettled: (settled: Settled) => void;
  /** Gaps or mismatches were found or went: tell whoever listens. */
  readonly onGaps: (events: readonly GapEvent[]) => void;
}
