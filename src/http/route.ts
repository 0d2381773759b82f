import type { Context } from "hono";
import type { RouteContract } from "../contract/mod.ts";
import { fieldFault, type Grant, type Parsed, problem } from "../protocol/mod.ts";
import { DEADLINE_MS, withDeadline } from "./deadline.ts";
import type {
  BadBin,
  CallOptions,
  HttpDeps,
  Loading,
  NoSession,
  TooLarge,
  Unavailable,
  UnknownSymbol,
  WaitOutcome,
} from "./deps.ts";
import { badAddress, failWith, ProblemError } from "./problem-response.ts";

export interface AppEnv {
  /** A grant that was verified inside this process, for requests that come from inside it: `app.fetch(request, { grant })`. */
  Bindings: { readonly grant?: Grant };
  Variables: {
    requestId: string;
    /** What the sender may do. */
    grant: Grant;
  };
}

export type AppContext = Context<AppEnv>;

/** One method of one address, and what it is for. */
export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly about: string;
  /** What it takes and answers, for `/openapi.json`. */
  readonly contract: RouteContract;
  /** What it is about, where its path does not say so; a token that is restricted to channels must cover it: the first of
   * `SYMBOLS`, the symbol that is asked for or else the first, or what the body names (the route asks with `demandSymbols`). */
  readonly subject?: "first_symbol" | "asked_symbol" | "body";
  readonly handle: (c: AppContext) => Response | Promise<Response>;
}

/** Days are read only while somebody asks for them. */
const LOADING_RETRY_SECONDS = 1;

/** Runs a dependency under the deadline of its request; `waitMs` that the request asked for come on top of it. */
export function timed<T>(
  c: AppContext,
  deps: HttpDeps,
  work: (options: CallOptions) => T | Promise<T>,
  waitMs = 0,
): Promise<T> {
  const deadlineMs = waitMs + (deps.deadlineMs ?? DEADLINE_MS);
  return withDeadline(work, { client: c.req.raw.signal, deadlineMs });
}

/** Holds a request back as it asked for; a server that cannot answers so. */
export async function held(
  c: AppContext,
  deps: HttpDeps,
  waitMs: number,
  wait: (options: CallOptions) => WaitOutcome | Promise<WaitOutcome>,
): Promise<void> {
  const outcome = await timed(c, deps, wait, waitMs);
  if (outcome.kind === "unavailable") throw unavailable(outcome);
}

/** The value of a parsed address; its faults end the request. */
export function valid<T>(parsed: Parsed<T>): T {
  if (parsed.kind === "refused") throw badAddress(parsed.errors);
  return parsed.value;
}

/** The problem of an outcome that is no answer. */
export function refusal(
  outcome: UnknownSymbol | BadBin | NoSession | Loading | TooLarge | Unavailable,
  asked: { readonly binSize?: string | undefined },
): ProblemError {
  switch (outcome.kind) {
    case "unknown_symbol":
      return failWith(
        "symbol-not-found",
        `${outcome.symbol} is neither among SYMBOLS nor was it ever backfilled; POST /api/v1/backfill fetches it.`,
      );
    case "bad_bin":
      return badAddress([
        fieldFault("query.bin_size", `a multiple of this series' bin size ${outcome.binSize}`, asked.binSize),
      ]);
    case "no_session":
      return badAddress([
        fieldFault(
          `query.${outcome.parameter ?? "session"}`,
          `the date of a session of this server's calendar, such as ${outcome.nearest.join(" or ")}`,
          outcome.name,
        ),
      ]);
    case "loading":
      return new ProblemError(
        problem(
          "loading",
          `${outcome.daysLoaded} of the ${outcome.daysTotal} days of ${outcome.symbol} are in memory; asked again, the rest is read.`,
        ),
        { "retry-after": String(LOADING_RETRY_SECONDS) },
      );
    case "too_large":
      return failWith("window-too-large", `This window cannot be folded: ${outcome.reason}.`);
    case "unavailable":
      return unavailable(outcome);
  }
}

/** What a dependency answered, unless it could not. */
export function available<T>(answer: T | Unavailable): T {
  if (isUnavailable(answer)) throw unavailable(answer);
  return answer;
}

export function unavailable({ detail, retryAfterSeconds }: Unavailable): ProblemError {
  return new ProblemError(problem("unavailable", detail), { "retry-after": String(retryAfterSeconds) });
}

function isUnavailable(answer: unknown): answer is Unavailable {
  return typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "unavailable";
}
