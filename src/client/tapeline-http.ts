import {
  type AdjustBody,
  BackfillAccepted,
  type BackfillBody,
  type CommandWord,
  GapsAnswer,
  HealthAnswer,
  JobAnswer,
  ReadyAnswer,
  RecentJobs,
  type RetryBody,
  SessionReport,
  StartupAnswer,
  WireBars,
  type WireBarsState,
  WireComparison,
  WireLevelSet,
  WireNakedPocs,
  WirePeriods,
  WireProfile,
  WireSymbols,
} from "../protocol/mod.ts";
import type { CallOptions, HttpCaller } from "./http-call.ts";

/** How the levels of a window are read; what is left out is as the server is configured. */
export interface ReadingParameters {
  readonly value_area?: "ranked" | "one_row" | "two_row" | undefined;
  /** A multiple of the series' own bin size. */
  readonly bin_size?: number | string | undefined;
}

/** A day (`2026-01-02`, inclusive as an end) or a time (`2026-01-02T03:04:05Z`, exclusive as an end). */
export interface RangeParameters {
  readonly from: string;
  readonly to: string;
}

const API = ["api", "v1"] as const;

/**
 * The HTTP interface, typed by the schemas of the wire. Every method throws `TapelineError` with the server's problem document
 * when it is refused, or the reason of `options.signal`.
 */
export class TapelineHttp {
  readonly #caller: HttpCaller;

  constructor(caller: HttpCaller) {
    this.#caller = caller;
  }

  health(options?: CallOptions): Promise<HealthAnswer> {
    return this.#caller.call({ path: ["health"], answer: HealthAnswer }, options);
  }

  ready(options?: CallOptions): Promise<ReadyAnswer> {
    return this.#caller.call({ path: ["ready"], answer: ReadyAnswer }, options);
  }

  /** The start-up backfill. */
  startup(options?: CallOptions): Promise<StartupAnswer> {
    return this.#caller.call({ path: ["backfill", "status"], answer: StartupAnswer }, options);
  }

  /** Every symbol that is followed or was backfilled. */
  symbols(options?: CallOptions): Promise<WireSymbols> {
    return this.#caller.call({ path: [...API, "symbols"], answer: WireSymbols }, options);
  }

  /** The level set of a session (default: the running one) of a symbol (default: the first that the server follows). */
  levels(
    parameters: ReadingParameters & { readonly symbol?: string; readonly session?: string } = {},
    options?: CallOptions,
  ): Promise<WireLevelSet> {
    return this.#caller.call(
      { path: ["levels"], parameters: { ...parameters }, answer: WireLevelSet },
      options,
    );
  }

  /** The levels and the volume by price of any minutes. */
  profile(
    { symbol, ...parameters }: ReadingParameters & RangeParameters & { readonly symbol: string },
    options?: CallOptions,
  ): Promise<WireProfile> {
    return this.#caller.call({ path: [...API, "profile", symbol], parameters, answer: WireProfile }, options);
  }

  /** Bars of trades, ascending; the newest `limit` before `to` when there is no `from`. */
  bars(
    {
      symbol,
      ...parameters
    }: Partial<RangeParameters> & {
      readonly symbol: string;
      readonly interval: WireBarsState["interval"];
      readonly limit?: number;
    },
    options?: CallOptions,
  ): Promise<WireBars> {
    return this.#caller.call({ path: [...API, "bars", symbol], parameters, answer: WireBars }, options);
  }

  /** The levels of every hour, 4 hours, day or week of a range. */
  profiles(
    {
      symbol,
      ...parameters
    }: ReadingParameters &
      RangeParameters & { readonly symbol: string; readonly period: "1h" | "4h" | "1d" | "1w" },
    options?: CallOptions,
  ): Promise<WirePeriods> {
    return this.#caller.call(
      { path: [...API, "profiles", symbol], parameters, answer: WirePeriods },
      options,
    );
  }

  /** Two sessions beside one another, by their dates. */
  compare(
    {
      symbol,
      ...parameters
    }: ReadingParameters & { readonly symbol: string; readonly a: string; readonly b: string },
    options?: CallOptions,
  ): Promise<WireComparison> {
    return this.#caller.call(
      { path: [...API, "compare", symbol], parameters, answer: WireComparison },
      options,
    );
  }

  /** POCs of the last sessions that no later trade has touched. */
  nakedPocs(
    { symbol, ...parameters }: { readonly symbol: string; readonly sessions?: number },
    options?: CallOptions,
  ): Promise<WireNakedPocs> {
    return this.#caller.call(
      { path: [...API, "naked-pocs", symbol], parameters, answer: WireNakedPocs },
      options,
    );
  }

  /** How much of a session is known, and how far it can be believed. */
  session(
    { symbol, ...parameters }: { readonly symbol: string; readonly session?: string },
    options?: CallOptions,
  ): Promise<SessionReport> {
    return this.#caller.call(
      { path: [...API, "session", symbol], parameters, answer: SessionReport },
      options,
    );
  }

  /** What is missing of a symbol, and what contradicts the venue's candles. */
  gaps(
    { symbol, ...parameters }: Partial<RangeParameters> & { readonly symbol: string },
    options?: CallOptions,
  ): Promise<GapsAnswer> {
    return this.#caller.call({ path: [...API, "gaps", symbol], parameters, answer: GapsAnswer }, options);
  }

  /** Asks for a backfill; the same request again answers the job that it made. */
  startBackfill(body: BackfillBody, options?: CallOptions): Promise<BackfillAccepted> {
    return this.#caller.call(
      { method: "POST", path: [...API, "backfill"], body, answer: BackfillAccepted },
      options,
    );
  }

  job(jobId: string, options?: CallOptions): Promise<JobAnswer> {
    return this.#caller.call({ path: [...API, "backfill", "status", jobId], answer: JobAnswer }, options);
  }

  /** The newest jobs, newest first. */
  recent(parameters: { readonly limit?: number } = {}, options?: CallOptions): Promise<RecentJobs> {
    return this.#caller.call(
      { path: [...API, "backfill", "recent"], parameters: { ...parameters }, answer: RecentJobs },
      options,
    );
  }

  /** Tells a job what to do and answers it as it stands then. `retry` takes `{ symbols }`, `priority` takes `{ priority, max_parallel }`. */
  control(jobId: string, command: "retry", body?: RetryBody, options?: CallOptions): Promise<JobAnswer>;
  control(jobId: string, command: "priority", body: AdjustBody, options?: CallOptions): Promise<JobAnswer>;
  control(
    jobId: string,
    command: "pause" | "resume" | "cancel",
    body?: Record<string, never>,
    options?: CallOptions,
  ): Promise<JobAnswer>;
  control(
    jobId: string,
    command: CommandWord,
    body: RetryBody | AdjustBody = {},
    options?: CallOptions,
  ): Promise<JobAnswer> {
    return this.#caller.call(
      { method: "POST", path: [...API, "backfill", jobId, command], body, answer: JobAnswer },
      options,
    );
  }
}
