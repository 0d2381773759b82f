import { httpErrorAnswer, jsonAnswer } from "./answers.ts";
import { answerControl } from "./control.ts";
import type { FaultRuleInput } from "./fault-rule.ts";
import { createFaults, type Faults } from "./faults.ts";
import { listMarkets } from "./listing.ts";
import type { Market } from "./market.ts";
import { createEmptyMarket } from "./market-recorded.ts";
import type { Recording } from "./recording.ts";
import { createRequestLog, type RequestLog } from "./request-log.ts";
import { answerRest } from "./rest.ts";
import { createStreamHub, type SocketHandler, type StreamHub, type StreamOptions } from "./stream-hub.ts";
import { planSocket, type SocketPlan } from "./stream-name.ts";
import type { SimulatedSocket } from "./stream-session.ts";
import { systemTimers, type Timers } from "./timers.ts";
import { createWeights, type WeightOptions } from "./weights.ts";

export interface ExchangeOptions {
  readonly markets: readonly Market[];
  /** Sessions that are played to whoever subscribes to one of their symbols, instead of live trades. */
  readonly recordings?: readonly Recording[];
  /** Recorded seconds in one second; 0 (default) as fast as the reader takes it. */
  readonly pace?: number;
  /** The machine's clock, ms since the epoch. */
  readonly clock: () => number;
  /** Added to the clock: the moment at which the exchange stands. Default 0. */
  readonly clockOffsetMs?: number;
  /** Default: the timers of the process. */
  readonly timers?: Timers;
  /** Seed of the faults' chances. Default 1. */
  readonly seed?: number;
  readonly faults?: readonly FaultRuleInput[];
  readonly weights?: WeightOptions;
  readonly streams?: StreamOptions;
}

export type Handshake =
  | { readonly kind: "accept"; readonly plan: SocketPlan }
  | { readonly kind: "refuse"; readonly answer: Response };

/** A simulated exchange: requests in, answers out; sockets in, frames out. Whoever owns it closes it. */
export interface Exchange {
  readonly faults: Faults;
  readonly requests: RequestLog;
  readonly streams: StreamHub;
  /** The exchange's time, whole ms. */
  nowMs(): number;
  /** Answers REST (`/api/v3/…`) and control (`/sim/…`) requests. A reset is a body that breaks before its first byte. */
  handle(request: Request): Promise<Response>;
  /** What to answer to a WebSocket handshake at `url`. */
  handshake(url: URL): Handshake;
  /** Begins the conversation on an accepted socket. */
  openSocket(plan: SocketPlan, socket: SimulatedSocket): SocketHandler;
  /** Breaks every socket and ends every wait. */
  close(): void;
}

/** Builds an exchange; no timer runs before the first socket opens. */
export function createExchange(options: ExchangeOptions): Exchange {
  const timers = options.timers ?? systemTimers;
  const recordings = options.recordings ?? [];
  const offsetMs = options.clockOffsetMs ?? 0;
  const nowMs = () => Math.floor(options.clock() + offsetMs);
  const closing = new AbortController();
  const giveWay = () => timers.giveWay();
  const listings = listMarkets([...playedMarkets(recordings), ...options.markets], giveWay);
  const faults = createFaults(options.seed ?? 1);
  for (const rule of options.faults ?? []) faults.add(rule);
  const log = createRequestLog();
  const weights = createWeights(options.weights);
  const hub = createStreamHub(
    { listings, recordings, pace: options.pace ?? 0, faults, timers, nowMs },
    options.streams,
  );

  return {
    faults,
    requests: log,
    streams: hub,
    nowMs,
    async handle(request) {
      const url = new URL(request.url);
      if (url.pathname.startsWith("/sim/"))
        return answerControl(request, url, { listings, faults, log, hub, weights, nowMs });
      if (request.method !== "GET")
        return jsonAnswer(`{"code":-1099,"msg":"Method ${request.method} is not served."}`, 405);
      return answerRest(request, url, {
        listings,
        weights,
        faults,
        log,
        timers,
        nowMs,
        closed: closing.signal,
      });
    },
    handshake(url) {
      const plan = planSocket(url);
      if (plan === undefined) return { kind: "refuse", answer: new Response("", { status: 400 }) };
      const symbol = plan.streams[0]?.symbol;
      if (faults.fire("refuse", { path: plan.path, symbol, target: "ws" }) !== undefined)
        return { kind: "refuse", answer: httpErrorAnswer(502) };
      if (!hub.mayConnect()) return { kind: "refuse", answer: new Response("", { status: 429 }) };
      return { kind: "accept", plan };
    },
    openSocket: (plan, socket) => hub.open(plan, socket),
    close() {
      closing.abort();
      hub.close();
    },
  };
}

/** Symbols that only a recording knows are listed without trades, at the steps that its trades need. */
function playedMarkets(recordings: readonly Recording[]): Market[] {
  const step = (digits: number) => (1 / 10 ** digits).toFixed(digits);
  return recordings.flatMap(({ symbols }) =>
    [...symbols].map(([symbol, digits]) => createEmptyMarket(symbol, step(digits.price), step(digits.size))),
  );
}
