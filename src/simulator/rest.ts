import {
  errorAnswer,
  htmlAnswer,
  httpErrorAnswer,
  jsonAnswer,
  malformedText,
  refusalAnswer,
  resetAnswer,
} from "./answers.ts";
import type { FaultSubject, Faults } from "./faults.ts";
import type { Listings } from "./listing.ts";
import type { RequestLog } from "./request-log.ts";
import { KLINES_PARAMETERS, klinesBody } from "./rest-candles.ts";
import { EXCHANGE_INFO_PARAMETERS, exchangeInfoBody, listed } from "./rest-info.ts";
import { RefusedRequestError, readQuery } from "./rest-query.ts";
import { AGG_TRADES_PARAMETERS, aggTradesBody } from "./rest-trades.ts";
import type { Timers } from "./timers.ts";
import type { Weights } from "./weights.ts";

export interface RestContext {
  readonly listings: Listings;
  readonly weights: Weights;
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly timers: Timers;
  /** The exchange's true time, whole ms. */
  readonly nowMs: () => number;
  /** Aborts when the exchange closes: unanswered requests end then. */
  readonly closed: AbortSignal;
}

/** Request weights of the spot API. */
const WEIGHTS: ReadonlyMap<string, number> = new Map([
  ["/api/v3/ping", 1],
  ["/api/v3/time", 1],
  ["/api/v3/exchangeInfo", 20],
  ["/api/v3/klines", 2],
  ["/api/v3/aggTrades", 4],
]);

/** Answers `GET /api/v3/…`, with whatever faults stand. */
export async function answerRest(request: Request, url: URL, context: RestContext): Promise<Response> {
  const { faults, weights, log } = context;
  const path = url.pathname;
  const weight = WEIGHTS.get(path);
  log.request(path);
  if (weight === undefined) return finish(htmlAnswer("", 404), log);
  const subject = { path, symbol: url.searchParams.get("symbol") ?? undefined, target: "rest" } as const;

  const latency = faults.fire("latency", subject);
  if (latency !== undefined)
    await pause(latency.ms + faults.unit() * latency.jitter_ms, context, request.signal);
  if (faults.fire("hang", subject) !== undefined) await pause(undefined, context, request.signal);
  if (faults.fire("reset", subject) !== undefined) {
    log.status(0);
    return resetAnswer();
  }
  const failing = faults.fire("http_error", subject);
  if (failing !== undefined) return finish(httpErrorAnswer(failing.status), log);

  const nowMs = context.nowMs();
  const ban = faults.fire("ban", subject);
  if (ban !== undefined) weights.ban(nowMs + ban.retry_after_s * 1_000);
  const throttle = faults.fire("throttle", subject);
  const charged = weights.charge(weight, nowMs);
  const verdict =
    charged.kind === "ok" && throttle !== undefined
      ? ({ kind: "throttled", used: charged.used, retryAfterS: throttle.retry_after_s } as const)
      : charged;
  const answer =
    verdict.kind === "ok"
      ? await answerQuery(path, url.searchParams, subject, context, nowMs)
      : refusalAnswer(verdict, weights.limitPerMinute, faults.skewMs());
  answer.headers.set("x-mbx-used-weight", String(verdict.used));
  answer.headers.set("x-mbx-used-weight-1m", String(verdict.used));
  return finish(answer, log);
}

function finish(answer: Response, log: RequestLog): Response {
  log.status(answer.status);
  return answer;
}

async function answerQuery(
  path: string,
  parameters: URLSearchParams,
  subject: FaultSubject,
  context: RestContext,
  nowMs: number,
): Promise<Response> {
  try {
    const body = await bodyOf(path, parameters, context, nowMs);
    const malformed = context.faults.fire("malformed", subject);
    if (malformed === undefined) return jsonAnswer(body);
    const text = malformedText(malformed.body, body);
    return malformed.body === "html" ? htmlAnswer(text, 200) : jsonAnswer(text);
  } catch (error) {
    if (error instanceof RefusedRequestError) return errorAnswer(error.status, error.code, error.message);
    throw error;
  }
}

async function bodyOf(
  path: string,
  parameters: URLSearchParams,
  { listings, weights, faults, log }: RestContext,
  nowMs: number,
): Promise<string> {
  switch (path) {
    case "/api/v3/time":
      readQuery(parameters, []);
      return `{"serverTime":${nowMs + faults.skewMs()}}`;
    case "/api/v3/exchangeInfo":
      return exchangeInfoBody(
        readQuery(parameters, EXCHANGE_INFO_PARAMETERS),
        listings,
        nowMs + faults.skewMs(),
        weights.limitPerMinute,
      );
    case "/api/v3/klines": {
      const query = readQuery(parameters, KLINES_PARAMETERS);
      return klinesBody(query, listed(listings, query.symbol()), nowMs, { log, faults });
    }
    case "/api/v3/aggTrades": {
      const query = readQuery(parameters, AGG_TRADES_PARAMETERS);
      return aggTradesBody(query, { listing: listed(listings, query.symbol()), nowMs, faults, log });
    }
    default:
      readQuery(parameters, []);
      return "{}";
  }
}

/** Waits `ms`, or for ever, but no longer than the client and the exchange are there. */
function pause(ms: number | undefined, { timers, closed }: RestContext, client: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = ms === undefined ? undefined : timers.after(ms, resolve);
  const stop = AbortSignal.any([client, closed]);
  if (stop.aborted) resolve();
  else stop.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => cancel?.());
}
