import * as v from "valibot";
import {
  BackfillAccepted,
  CacheAnswer,
  CacheChecked,
  CacheCleaned,
  type CommandWord,
  JobAnswer,
  Problem,
  RecentJobs,
  ScheduleAnswer,
  ScheduleList,
  StartupAnswer,
  WireComparison,
  WireLevelSet,
  WireNakedPocs,
  WireProfileSummary,
} from "../protocol/mod.ts";
import type { ServerAccess } from "./context.ts";

/** Longest wait for an answer, ms: a little more than the server allows itself. */
const TIMEOUT_MS = 35_000;
/** Between two questions for a window whose days are still being read, ms. */
const LOADING_RETRY_MS = 1_000;

export type ApiFailureKind =
  /** The server answered with a problem. */
  | "refused"
  /** Nothing answered, or the answer did not come in time. */
  | "unreachable"
  /** Something answered that is not this API. */
  | "foreign";

/** A request to the server that did not give its answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly kind: ApiFailureKind;
  /** Status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  readonly problem: Problem | undefined;

  constructor(
    kind: ApiFailureKind,
    message: string,
    about: { readonly status?: number; readonly problem?: Problem; readonly cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.kind = kind;
    this.status = about.status;
    this.problem = about.problem;
  }
}

/** Body of a backfill request as the command line has it: the server knows which orders and timeframes there are. */
export interface SubmitBody {
  readonly symbols: readonly string[];
  readonly start_date: string;
  readonly end_date: string;
  readonly order?: string;
  readonly timeframes?: readonly string[];
  readonly force?: boolean;
  readonly priority?: number;
  readonly deadline_seconds?: number;
}

/** The server's HTTP interface, typed. Every call throws {@link ApiError}, or the signal's reason once it is aborted. */
export class Api {
  readonly url: string;
  /** Sent with every call; undefined: none. */
  readonly token: string | undefined;
  readonly #signal: AbortSignal;
  readonly #onLoading: (detail: string) => void;

  /** `signal` ends every call; `onLoading` is told how far the server is while a call waits for a long window. */
  constructor(
    server: Pick<ServerAccess, "url" | "token">,
    signal: AbortSignal,
    { onLoading = () => {} }: { readonly onLoading?: (detail: string) => void } = {},
  ) {
    this.url = server.url.replace(/\/+$/, "");
    this.token = server.token;
    this.#signal = signal;
    this.#onLoading = onLoading;
  }

  submit(body: SubmitBody): Promise<BackfillAccepted> {
    return this.#call("/api/v1/backfill", BackfillAccepted, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** With `wait` the server holds its answer back: until the job is newer than `since` or has ended, or the seconds are over. */
  job(id: string, wait?: { readonly seconds: number; readonly since: number }): Promise<JobAnswer> {
    const parameters = wait === undefined ? "" : `?wait=${wait.seconds}&since=${wait.since}`;
    return this.#call(`/api/v1/backfill/status/${encodeURIComponent(id)}${parameters}`, JobAnswer);
  }

  /** Tells a job what to do; answers it as it stands then. */
  control(id: string, command: CommandWord, body: Readonly<Record<string, unknown>>): Promise<JobAnswer> {
    return this.#call(`/api/v1/backfill/${encodeURIComponent(id)}/${command}`, JobAnswer, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  recent(limit: number): Promise<RecentJobs> {
    return this.#call(`/api/v1/backfill/recent?limit=${limit}`, RecentJobs);
  }

  startup(): Promise<StartupAnswer> {
    return this.#call("/backfill/status", StartupAnswer);
  }

  levels(
    symbol: string,
    query: { readonly session?: string | undefined; readonly valueArea?: string | undefined },
  ): Promise<WireLevelSet> {
    const parameters = parametersOf({ session: query.session, value_area: query.valueArea });
    return this.#call(`/api/v1/levels/${encodeURIComponent(symbol)}${parameters}`, WireLevelSet);
  }

  profile(
    symbol: string,
    query: { readonly from: string; readonly to: string; readonly valueArea?: string | undefined },
  ): Promise<WireProfileSummary> {
    const { from, to, valueArea } = query;
    const parameters = parametersOf({ from, to, value_area: valueArea, bins: "false" });
    return this.#loaded(`/api/v1/profile/${encodeURIComponent(symbol)}${parameters}`, WireProfileSummary);
  }

  nakedPocs(symbol: string, sessions: number): Promise<WireNakedPocs> {
    return this.#loaded(
      `/api/v1/naked-pocs/${encodeURIComponent(symbol)}?sessions=${sessions}`,
      WireNakedPocs,
    );
  }

  compare(
    symbol: string,
    query: { readonly a: string; readonly b: string; readonly valueArea?: string | undefined },
  ): Promise<WireComparison> {
    const parameters = parametersOf({ a: query.a, b: query.b, value_area: query.valueArea });
    return this.#loaded(`/api/v1/compare/${encodeURIComponent(symbol)}${parameters}`, WireComparison);
  }

  cache(): Promise<CacheAnswer> {
    return this.#call("/api/v1/cache", CacheAnswer);
  }

  /** `after`: the `next` of the former answer. */
  verifyCache(after: string | undefined): Promise<CacheChecked> {
    return this.#call(`/api/v1/cache/verify${parametersOf({ after })}`, CacheChecked, { method: "POST" });
  }

  cleanCache(): Promise<CacheCleaned> {
    return this.#call("/api/v1/cache/clean", CacheCleaned, { method: "POST" });
  }

  schedules(): Promise<ScheduleList> {
    return this.#call("/api/v1/schedules", ScheduleList);
  }

  addSchedule(body: Readonly<Record<string, unknown>>): Promise<ScheduleAnswer> {
    return this.#call("/api/v1/schedules", ScheduleAnswer, jsonOf("POST", body));
  }

  changeSchedule(id: string, change: { readonly enabled: boolean }): Promise<ScheduleAnswer> {
    return this.#call(`/api/v1/schedules/${encodeURIComponent(id)}`, ScheduleAnswer, jsonOf("PATCH", change));
  }

  async removeSchedule(id: string): Promise<void> {
    await this.#call(`/api/v1/schedules/${encodeURIComponent(id)}`, v.undefined(), { method: "DELETE" });
  }

  /** Asks again as long as the server says that it is reading the days of the window: each answer goes on from the last. */
  async #loaded<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
    for (;;) {
      try {
        return await this.#call(path, schema);
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || thrown.problem?.type !== "/problems/loading") throw thrown;
        this.#onLoading(thrown.problem.detail);
        await pauseMs(LOADING_RETRY_MS, this.#signal);
      }
    }
  }

  async #call<T>(path: string, schema: v.GenericSchema<unknown, T>, init: RequestInit = {}): Promise<T> {
    const url = `${this.url}${path}`;
    const what = `${init.method ?? "GET"} ${url}`;
    const { status, body } = await this.#fetchJson(what, url, init);
    if (status >= 400) throw refusedBy(what, status, body);
    const parsed = v.safeParse(schema, body);
    if (parsed.success) return parsed.output;
    const issue = parsed.issues[0];
    throw new ApiError(
      "foreign",
      `${what} answered ${status}, but not as expected: ${v.getDotPath(issue) ?? "the body"}: ${issue.message}`,
      { status },
    );
  }

  async #fetchJson(what: string, url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const headers = new Headers(init.headers);
      if (this.token !== undefined) headers.set("authorization", `Bearer ${this.token}`);
      const response = await fetch(url, { ...init, headers, signal });
      const text = await response.text();
      return { status: response.status, body: parseJson(text) };
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new ApiError("unreachable", `${what} got no answer: ${reason}`, { cause: thrown });
    }
  }
}

/** Throws the signal's reason once it is aborted. */
async function pauseMs(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
  signal.throwIfAborted();
}

function jsonOf(method: string, body: unknown): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function refusedBy(what: string, status: number, body: unknown): ApiError {
  const parsed = v.safeParse(Problem, body);
  if (!parsed.success)
    return new ApiError(
      "foreign",
      `${what} answered ${status} without a problem document: is another program at this address?`,
      { status },
    );
  const { title, detail, errors = [] } = parsed.output;
  const faults = errors.length > 1 ? errors.map((fault) => `\n  ${fault.message}`).join("") : "";
  const help = status === 401 ? " TAPELINE_TOKEN holds the token that commands send." : "";
  return new ApiError("refused", `${title}: ${detail}${help}${faults}`, { status, problem: parsed.output });
}

function parametersOf(named: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(named)) if (value !== undefined) parameters.set(name, value);
  return parameters.size === 0 ? "" : `?${parameters}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
