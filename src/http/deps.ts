import type { LevelSet, MinuteRange } from "../core/mod.ts";
import type {
  BackfillOfLevels,
  BackfillRequest,
  JobCommand,
  JobFacts,
  JobStatus,
  JobSummaryFacts,
  JobWaitQuery,
  KnownProfile,
  LevelsQuery,
  ProfileQuery,
  StartupFacts,
  VenueSymbol,
  WaitQuery,
} from "../protocol/mod.ts";
import type { Asset } from "./asset.ts";
import type { SchedulesFace, WebhooksFace } from "./automation-deps.ts";
import type { BarReads, SymbolReads } from "./bar-deps.ts";
import type { Tokens } from "./bearer.ts";
import type { CacheFace } from "./cache-deps.ts";
import type { CallOptions, Unavailable } from "./calls.ts";
import type { BadBin, Loading, NoSession, TooLarge, UnknownSymbol } from "./refusals.ts";
import type { UpkeepReads } from "./upkeep-deps.ts";
import type { WindowReads } from "./window-deps.ts";

export type { BadBin, CallOptions, Loading, NoSession, TooLarge, Unavailable, UnknownSymbol };

type Awaitable<T> = T | Promise<T>;

export type LevelsOutcome =
  | { readonly kind: "found"; readonly set: LevelSet; readonly backfill: BackfillOfLevels | null }
  | NoSession
  | UnknownSymbol
  | BadBin
  | Unavailable;

export type ProfileOutcome =
  | { readonly kind: "found"; readonly profile: KnownProfile }
  | UnknownSymbol
  | BadBin
  | Loading
  | TooLarge
  | Unavailable;

export type SubmitOutcome =
  /** `status` is `pending`, or that of the job which the same request made earlier. */
  | { readonly kind: "accepted"; readonly jobId: string; readonly status: JobStatus }
  /** Venues that this server does not speak to. */
  | {
      readonly kind: "unknown_venue";
      readonly symbols: readonly VenueSymbol[];
      readonly known: readonly string[];
    }
  /** More work than one job may be. */
  | { readonly kind: "too_large"; readonly detail: string }
  | Unavailable;

/** Level sets and profiles. An answer is never older than what was pushed before it was asked for. */
export interface LevelReads {
  levelSet(query: LevelsQuery, options: CallOptions): Awaitable<LevelsOutcome>;
  profile(query: ProfileQuery, options: CallOptions): Awaitable<ProfileOutcome>;
}

export interface ReadOptions extends CallOptions {
  /** Read after it was asked for. Default false. */
  readonly fresh?: boolean | undefined;
}

/** Backfill jobs. */
export interface BackfillFace {
  submit(request: BackfillRequest, options: CallOptions): Awaitable<SubmitOutcome>;
  /** `id` is a UUID in lower case. Its details may be a second old; its transitions are not. */
  job(id: string, options: ReadOptions): Awaitable<JobFacts | undefined>;
  /** The newest jobs, newest first, just as young. */
  recent(limit: number, options: CallOptions): Awaitable<readonly JobSummaryFacts[]>;
  /** The start-up backfill, from memory. */
  startup(): StartupFacts;
}

export type ControlOutcome =
  | { readonly kind: "told"; readonly job: JobFacts }
  /** `why` follows "the job is STATE: ". */
  | { readonly kind: "refused"; readonly state: JobStatus; readonly why: string }
  | { readonly kind: "unknown" }
  | Unavailable;

/** Tells jobs what to do. */
export interface BackfillControl {
  /** `id` is a UUID in lower case. */
  tell(id: string, command: JobCommand, options: CallOptions): Awaitable<ControlOutcome>;
}

/** `look`: it is time to look and to answer what is found. */
export type WaitOutcome = { readonly kind: "look" } | Unavailable;

/** Holds answers back until there is something to tell, so that nobody has to ask again and again. */
export interface BackfillWaits {
  /** Until the job has ended or, with `since`, is newer than that version; until `waitMs` have passed at the latest. */
  job(id: string, wait: JobWaitQuery, options: CallOptions): Awaitable<WaitOutcome>;
  /** Until the start-up backfill has ended, or `waitMs` have passed. */
  startup(wait: WaitQuery, options: CallOptions): Awaitable<WaitOutcome>;
}

/** The running session of the first symbol, from memory. */
export interface SessionFacts {
  readonly symbol: string;
  readonly session: string;
  /** False between two sessions: `session` is then the last one that began. */
  readonly sessionOpen: boolean;
  /** The minutes of `session`. */
  readonly sessionRange: MinuteRange;
  /** True once every level of the previous day is exact and the session has trades. */
  readonly tradingEnabled: boolean;
  /** How much is known of the minutes of the previous day and the session together. */
  readonly precision: string;
}

/** Where the app tells what went wrong. */
export interface HttpLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** All that the HTTP app needs from the world around it. */
export interface HttpDeps {
  readonly levels: LevelReads;
  readonly windows: WindowReads;
  readonly bars: BarReads;
  readonly symbols: SymbolReads;
  readonly upkeep: UpkeepReads;
  readonly backfill: BackfillFace;
  readonly control: BackfillControl;
  readonly cache: CacheFace;
  readonly schedules: SchedulesFace;
  readonly webhooks: WebhooksFace;
  readonly waits: BackfillWaits;
  session(): SessionFacts;
  readonly nowMs: () => number;
  /** A fresh id for a request that brought none. */
  readonly requestId: () => string;
  readonly log: HttpLog;
  /** Venue of a bare symbol. */
  readonly defaultVenue: string;
  /** Name and version that `GET /` tells. */
  readonly version: string;
  /** Origins whose pages may read answers; same-origin pages always may. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Files that are served as they are. Default none. */
  readonly assets?: readonly Asset[];
  /** Verifies the tokens of requests; absent: nobody is asked for one. */
  readonly tokens?: Tokens | undefined;
  /** Longest an answer may take. Default 30,000. */
  readonly deadlineMs?: number;
}
