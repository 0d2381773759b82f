import * as v from "valibot";
import { type CheckedField, formatMinute, formatTime, type MinuteRange, rangeLength } from "../core/mod.ts";
import { toWireNumber, WireNumber } from "./number.ts";

/** Names of the compared fields on the wire. */
const FIELD_NAMES = {
  open: "open",
  high: "high",
  low: "low",
  close: "close",
  volume: "volume",
  quoteVolume: "quote_volume",
  buyVolume: "buy_volume",
  rawCount: "count",
} as const satisfies Record<CheckedField, string>;

const Field = v.picklist(Object.values(FIELD_NAMES));
const time = v.string();
const minutes = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Why minutes are missing; see docs/quality.md. */
export const GAP_CAUSES = [
  "not_received",
  "failed",
  "late",
  "called_off",
  "pending",
  "not_requested",
] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

/** `open`: nobody is at it; `pending`: a job has it planned; `filled`: all of it is covered. */
export const GAP_STATES = ["open", "pending", "filled"] as const;
export type GapState = (typeof GAP_STATES)[number];

/** A change on the channel `gaps:{symbol}`. `ours` and `theirs`: the trades' value and the candle's. */
export const WireGapChange = v.object({
  symbol: v.string(),
  change: v.picklist(["found", "filled", "mismatch", "resolved"]),
  from: time,
  to: time,
  minutes,
  reason: v.optional(v.picklist(["not_received", "failed", "late"])),
  field: v.optional(Field),
  ours: v.optional(WireNumber),
  theirs: v.optional(WireNumber),
  at: time,
});
export type WireGapChange = v.InferOutput<typeof WireGapChange>;

/** What happened to minutes of a series; values as decimal text. */
export type GapChangeFacts =
  | {
      readonly change: "found" | "filled";
      readonly lo: number;
      readonly hi: number;
      readonly reason: "not_received" | "failed" | "late";
    }
  | {
      readonly change: "mismatch" | "resolved";
      readonly lo: number;
      readonly hi: number;
      readonly field: CheckedField;
      readonly ours: string;
      readonly theirs: string;
    };

export function gapChangeToWire(symbol: string, facts: GapChangeFacts, atMs: number): WireGapChange {
  const { change, lo, hi } = facts;
  return {
    symbol,
    change,
    ...spanToWire({ lo, hi }),
    ...("reason" in facts ? { reason: facts.reason } : valuesToWire(facts)),
    at: formatTime(atMs),
  };
}

const WireGap = v.object({
  from: time,
  to: time,
  minutes,
  reason: v.picklist(GAP_CAUSES),
  state: v.picklist(GAP_STATES),
  found_at: v.nullable(time),
  filled_at: v.nullable(time),
});
const WireMismatch = v.object({
  from: time,
  to: time,
  minutes,
  field: Field,
  ours: WireNumber,
  theirs: WireNumber,
  found_at: time,
  /** Null until it was fetched again. */
  refetched_at: v.nullable(time),
});

/** Answer of `GET /api/v1/gaps/{symbol}`. */
export const GapsAnswer = v.object({
  symbol: v.string(),
  from: time,
  to: time,
  gaps: v.array(WireGap),
  mismatches: v.array(WireMismatch),
  /** More than one answer holds: ask for a shorter range. */
  truncated: v.boolean(),
  revision: v.number(),
  timestamp: time,
});
export type GapsAnswer = v.InferOutput<typeof GapsAnswer>;

export interface GapFacts {
  readonly range: MinuteRange;
  readonly reason: GapCause;
  readonly state: GapState;
  readonly foundAtMs: number | undefined;
  readonly filledAtMs: number | undefined;
}

export interface MismatchFacts {
  readonly minute: number;
  readonly field: CheckedField;
  readonly ours: string;
  readonly theirs: string;
  readonly foundAtMs: number;
  readonly refetchedAtMs: number | undefined;
}

/** What is missing and what contradicts the venue in a range of minutes. */
export interface GapsFacts {
  readonly symbol: string;
  readonly range: MinuteRange;
  readonly gaps: readonly GapFacts[];
  readonly mismatches: readonly MismatchFacts[];
  readonly truncated: boolean;
  readonly revision: number;
  readonly asOfMs: number;
}

export function gapsToWire(facts: GapsFacts): GapsAnswer {
  return {
    symbol: facts.symbol,
    from: formatMinute(facts.range.lo),
    to: formatMinute(facts.range.hi),
    gaps: facts.gaps.map(({ range, reason, state, foundAtMs, filledAtMs }) => ({
      ...spanToWire(range),
      reason,
      state,
      found_at: timeOrNull(foundAtMs),
      filled_at: timeOrNull(filledAtMs),
    })),
    mismatches: facts.mismatches.map((mismatch) => ({
      ...spanToWire({ lo: mismatch.minute, hi: mismatch.minute + 1 }),
      ...valuesToWire(mismatch),
      found_at: formatTime(mismatch.foundAtMs),
      refetched_at: timeOrNull(mismatch.refetchedAtMs),
    })),
    truncated: facts.truncated,
    revision: facts.revision,
    timestamp: formatTime(facts.asOfMs),
  };
}

function spanToWire(range: MinuteRange) {
  return { from: formatMinute(range.lo), to: formatMinute(range.hi), minutes: rangeLength(range) };
}

function valuesToWire({ field, ours, theirs }: Pick<MismatchFacts, "field" | "ours" | "theirs">) {
  return { field: FIELD_NAMES[field], ours: toWireNumber(ours), theirs: toWireNumber(theirs) };
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : formatTime(ms);
}
