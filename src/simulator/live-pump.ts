import { MS_PER_MINUTE } from "../core/mod.ts";
import { wrongRow } from "./distortion.ts";
import type { Faults } from "./faults.ts";
import type { Listing } from "./listing.ts";
import { mix } from "./random.ts";
import type { StreamSession } from "./stream-session.ts";
import { aggTradeEvent, klineEvent, rawTradeEvents, timeMsOf } from "./wire-text.ts";

/** Most time between a trade and its frame leaving the matching engine: E − T is 0…this. */
export const EVENT_LATENCY_MS_MAX = 8;
/** How often a running candle is sent. */
const KLINE_MS = 2_000;

/** Sends the live trades of one symbol to its readers, each once, in id order, when its time has come. */
export interface LivePump {
  /** Sends what has become due until `nowMs` to `readers`; the first call after a pause only takes its position. */
  tick(readers: readonly StreamSession[], nowMs: number): void;
  /** Nobody listens: the next tick begins anew. */
  rest(): void;
}

export function createLivePump(listing: Listing, faults: Faults): LivePump {
  const { market, view, candles } = listing;
  const { symbol } = market.spec;
  const prefix = symbol.toLowerCase();
  const names = { agg: `${prefix}@aggTrade`, raw: `${prefix}@trade`, kline: `${prefix}@kline_1m` };
  let position: number | undefined;
  let klineSentMs = 0;

  const sendTrades = (readers: readonly StreamSession[], from: number, to: number) => {
    const agg = readers.filter((reader) => reader.streams.has(names.agg));
    const raw = readers.filter((reader) => reader.streams.has(names.raw));
    if (agg.length + raw.length === 0) return;
    const skewMs = faults.skewMs();
    const gaps = faults.has("id_gap");
    const wrong = faults.has("wrong_trade");
    for (const { batch: traded, from: first, to: end } of view.parts(from, to)) {
      for (let at = first; at < end; at++) {
        const id = traded.id[at]!;
        if (gaps && faults.hides(id, { symbol, target: "ws" })) continue;
        const how = wrong ? faults.falsifies(id, { symbol, target: "ws" }) : undefined;
        const [batch, row] = how ? [wrongRow(traded, at, how), 0] : [traded, at];
        const eventMs = timeMsOf(batch, row) + (mix(id, 7) % (EVENT_LATENCY_MS_MAX + 1)) + skewMs;
        if (agg.length > 0) {
          const payload = aggTradeEvent(symbol, batch, row, eventMs);
          for (const reader of agg) reader.deliver(names.agg, payload);
        }
        if (raw.length > 0) {
          for (const payload of rawTradeEvents(market.spec, batch, row, eventMs))
            for (const reader of raw) reader.deliver(names.raw, payload);
        }
      }
    }
  };

  const sendKline = (readers: readonly StreamSession[], nowMs: number) => {
    const wanting = readers.filter((reader) => reader.streams.has(names.kline));
    if (wanting.length === 0) return;
    const minute = Math.floor(nowMs / MS_PER_MINUTE);
    const turned = minute > Math.floor(klineSentMs / MS_PER_MINUTE) && klineSentMs > 0;
    if (!turned && nowMs - klineSentMs < KLINE_MS) return;
    const eventMs = nowMs + faults.skewMs();
    const send = (of: number, closed: boolean) => {
      const candle = candles.minute(of, nowMs);
      if (candle === undefined) return;
      const payload = klineEvent(market.spec, candle, closed, eventMs);
      for (const reader of wanting) reader.deliver(names.kline, payload);
    };
    if (turned) send(minute - 1, true);
    send(minute, false);
    klineSentMs = nowMs;
  };

  return {
    tick(readers, nowMs) {
      const end = view.positionAtMs(nowMs - EVENT_LATENCY_MS_MAX + 1);
      if (position !== undefined && end > position) sendTrades(readers, position, end);
      // Never backwards: a clock that is set back sends nothing twice.
      position = Math.max(position ?? end, end);
      sendKline(readers, nowMs);
    },
    rest() {
      position = undefined;
      klineSentMs = 0;
    },
  };
}
