import { createExchange, type Exchange, type ExchangeOptions, type Timers } from "../../src/simulator/mod.ts";

/** Timers that stand still until they are moved. */
export interface HeldTimers extends Timers {
  advance(ms: number): void;
  /** Time goes by and no timer runs, as in a suspended process; those that are due run late. */
  sleep(ms: number): void;
  readonly nowMs: () => number;
}

export function holdTimers(startMs: number): HeldTimers {
  let now = startMs;
  const waiting = new Set<{ dueMs: number; everyMs: number | undefined; work: () => void }>();
  const add = (ms: number, everyMs: number | undefined, work: () => void) => {
    const entry = { dueMs: now + ms, everyMs, work };
    waiting.add(entry);
    return () => {
      waiting.delete(entry);
    };
  };
  return {
    every: (ms, work) => add(ms, ms, work),
    after: (ms, work) => add(ms, undefined, work),
    giveWay: () => Promise.resolve(),
    nowMs: () => now,
    sleep(ms) {
      now += ms;
      for (const entry of waiting) entry.dueMs = Math.max(entry.dueMs, now);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...waiting].filter((entry) => entry.dueMs <= end).sort((a, b) => a.dueMs - b.dueMs)[0];
        if (next === undefined) break;
        now = next.dueMs;
        if (next.everyMs === undefined) waiting.delete(next);
        else next.dueMs += next.everyMs;
        next.work();
      }
      now = end;
    },
  };
}

/** An exchange on held time. */
export function holdExchange(
  startMs: number,
  options: Omit<ExchangeOptions, "clock" | "timers">,
): { exchange: Exchange; timers: HeldTimers } {
  const timers = holdTimers(startMs);
  return { exchange: createExchange({ ...options, clock: timers.nowMs, timers }), timers };
}

export function ask(exchange: Exchange, path: string, init?: RequestInit): Promise<Response> {
  return exchange.handle(new Request(`http://exchange.test${path}`, init));
}

export interface AggTradeRow {
  a: number;
  p: string;
  q: string;
  f: number;
  l: number;
  T: number;
  m: boolean;
  M: boolean;
}

export async function aggTrades(exchange: Exchange, query: string): Promise<AggTradeRow[]> {
  const answer = await ask(exchange, `/api/v3/aggTrades?${query}`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json() as Promise<AggTradeRow[]>;
}

/** A socket whose frames are kept. `answersPings` as every sane reader does. */
export function holdSocket(exchange: Exchange, path: string, answersPings = true) {
  const frames: string[] = [];
  const ends: string[] = [];
  let pings = 0;
  const handshake = exchange.handshake(new URL(`ws://exchange.test${path}`));
  if (handshake.kind === "refuse") throw new Error(`refused with ${handshake.answer.status}`);
  const handler = exchange.openSocket(handshake.plan, {
    send: (text) => frames.push(text),
    ping: () => {
      pings++;
      if (answersPings) handler.pong();
    },
    close: (code) => {
      ends.push(`close ${code}`);
      handler.closed();
    },
    terminate: () => {
      ends.push("terminate");
      handler.closed();
    },
    bufferedBytes: () => 0,
  });
  return {
    frames,
    ends,
    handler,
    pings: () => pings,
    parsed: () => frames.map((frame) => JSON.parse(frame)),
  };
}

export const XRPETH_CSV = "../shared/data/derived/XRPETH-aggTrades-2019-10-11.csv";
