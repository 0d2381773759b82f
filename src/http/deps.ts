import type { LevelSet } from "../core/mod.ts";
import type {
  BackfillOfLevels,
  BackfillRequest,
  JobFacts,
  JobStatus,
  KnownProfile,
  LevelsQuery,
  ProfileQuery,
  StartupFacts,
  VenueSymbol,
} from "../protocol/mod.ts";

type Awaitable<T> = T | Promise<T>;

/** Ends the work for an answer that nobody waits for any more: the client has gone, or the deadline has passed. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

export type LevelsOutcome =
  | { readonly kind: "found"; readonly set: LevelSet; readonly backfill: BackfillOfLevels | null }
  | UnknownSymbol
  | BadBin
  | Unavailable;

export type ProfileOutcome =
  | { readonly kind: "found"; readonly profile: KnownProfile }
  | UnknownSymbol
  | BadBin
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
  /** The venue does not know the symbol; `index` is its place in the request's `symbols`. */
  | {
      readonly kind: "refused_symbol";
      readonly index: number;
      readonly symbol: string;
      readonly detail: string;
    }
  /** More work than one job may be. */
  | { readonly kind: "too_large"; readonly detail: string }
  | Unavailable;

/** The symbol is not followed and was never backfilled. */
export interface UnknownSymbol {
  readonly kind: "unknown_symbol";
  readonly symbol: string;
}

/** The bin size asked for is no whole number of the series' own bins; `binSize` is that size as decimal text. */
export interface BadBin {
  readonly kind: "bad_bin";
  readonly binSize: string;
}

/** Something that the answer needs cannot be reached now (the database, a shutdown under way). */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly detail: string;
  readonly retryAfterSeconds: number;
}

/** Level sets and profiles. An answer is never older than what was pushed before it was asked for. */
export interface LevelReads {
  levelSet(query: LevelsQuery, options: CallOptions): Awaitable<LevelsOutcome>;
  profile(query: ProfileQuery, options: CallOptions): Awaitable<ProfileOutcome>;
}

/** Backfill jobs. */
export interface BackfillFace {
  submit(request: BackfillRequest, options: CallOptions): Awaitable<SubmitOutcome>;
  /** `id` is a UUID in lower case. */
  job(id: string, options: CallOptions): Awaitable<JobFacts | undefined>;
  /** The newest jobs, newest first. */
  recent(limit: number, options: CallOptions): Awaitable<readonly JobFacts[]>;
  /** The start-up backfill, from memory. */
  startup(): StartupFacts;
}

/** The running session of the first symbol, from memory. */
export interface SessionFacts {
  readonly symbol: string;
  readonly session: string;
  /** True once the levels of the session are there to trade on. */
  readonly tradingEnabled: boolean;
  readonly precision: string;
}

/** Where the app tells what went wrong. */
export interface HttpLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** All that the HTTP app needs from the world around it. */
export interface HttpDeps {
  readonly levels: LevelReads;
  readonly backfill: BackfillFace;
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
  /** Longest an answer may take. Default 30,000. */
  readonly deadlineMs?: number;
}
