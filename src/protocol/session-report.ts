import * as v from "valibot";
import { barQuality, formatMinute, formatTime, formatUnits, type MinuteRange } from "../core/mod.ts";
import { toWireNumber, WireNumber } from "./number.ts";

const time = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `receiving`: trades arrive without a break; `connecting`: not so now; `not_followed`: this server has no stream of it. */
export const LIVE_STATES = ["receiving", "connecting", "not_followed"] as const;
export type LiveState = (typeof LIVE_STATES)[number];

/** Answer of `GET /api/v1/session/{symbol}`. */
export const SessionReport = v.object({
  symbol: v.string(),
  session: v.string(),
  from: time,
  to: time,
  /** 100 × covered minutes that do not contradict the venue's candles / expected minutes; null before the first is expected. */
  bar_quality: v.nullable(v.number()),
  expected_minutes: count,
  covered_minutes: count,
  mismatching_minutes: count,
  /** Covered minutes whose candle is not here to compare them with. */
  unchecked_minutes: count,
  /** Runs of expected minutes that are not covered, whatever the reason. */
  gaps: count,
  /** Trades of the venue behind the prints of the tape. */
  trades: count,
  /** Prints of the tape: aggregates, for Binance. */
  aggregates: count,
  /** Prints of the running stream that are no market trades, and those that came twice; null without a stream. */
  dropped: v.nullable(count),
  duplicates: v.nullable(count),
  last_trade: v.nullable(v.object({ price: WireNumber, time, id: v.union([v.number(), v.string()]) })),
  live: v.object({
    state: v.picklist(LIVE_STATES),
    /** The first minute that arrives whole. */
    receiving_from: v.nullable(time),
    /** Breaks since the process began to follow it. */
    breaks: v.nullable(count),
  }),
  revision: v.number(),
  timestamp: time,
});
export type SessionReport = v.InferOutput<typeof SessionReport>;

export interface LiveFacts {
  readonly state: LiveState;
  readonly receivingFrom: number | undefined;
  readonly breaks: number;
  readonly duplicates: number;
  readonly dropped: number;
}

/** How much of a session is known, and how far it can be believed. */
export interface SessionReportFacts {
  readonly symbol: string;
  readonly session: string;
  readonly range: MinuteRange;
  readonly expectedMinutes: number;
  readonly coveredMinutes: number;
  readonly mismatchingMinutes: number;
  readonly uncheckedMinutes: number;
  readonly gaps: number;
  readonly trades: number;
  readonly aggregates: number;
  /** Price in units of 10^-scale. */
  readonly lastTrade:
    | { readonly price: number; readonly scale: number; readonly timeUs: number; readonly id: number }
    | undefined;
  readonly live: LiveFacts | undefined;
  readonly revision: number;
  readonly asOfMs: number;
}

export function sessionReportToWire(facts: SessionReportFacts): SessionReport {
  const { lastTrade, live } = facts;
  return {
    symbol: facts.symbol,
    session: facts.session,
    from: formatMinute(facts.range.lo),
    to: formatMinute(facts.range.hi),
    bar_quality: barQuality(facts),
    expected_minutes: facts.expectedMinutes,
    covered_minutes: facts.coveredMinutes,
    mismatching_minutes: facts.mismatchingMinutes,
    unchecked_minutes: facts.uncheckedMinutes,
    gaps: facts.gaps,
    trades: facts.trades,
    aggregates: facts.aggregates,
    dropped: live?.dropped ?? null,
    duplicates: live?.duplicates ?? null,
    last_trade:
      lastTrade === undefined
        ? null
        : {
            price: toWireNumber(formatUnits(lastTrade.price, lastTrade.scale)),
            time: formatTime(Math.floor(lastTrade.timeUs / 1_000)),
            id: lastTrade.id,
          },
    live: {
      state: live?.state ?? "not_followed",
      receiving_from: live?.receivingFrom === undefined ? null : formatMinute(live.receivingFrom),
      breaks: live?.breaks ?? null,
    },
    revision: facts.revision,
    timestamp: formatTime(facts.asOfMs),
  };
}
