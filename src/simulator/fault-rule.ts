import * as v from "valibot";
import { DISTORTED_FIELDS } from "./distortion.ts";

/** Longest latency that may be asked for. */
const LATENCY_MS_MAX = 120_000;
/** Longest wait that an answer may name: three days. */
const RETRY_AFTER_S_MAX = 259_200;
/** Clocks are wrong by seconds or minutes; a day is the most that makes sense. */
const SKEW_MS_MAX = 86_400_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

/** When a rule fires. All that is given must agree; a rule without any fires on every match. */
const selection = {
  /** Start of the REST or WebSocket path; for frames, start of the stream's name. */
  path: v.optional(v.string()),
  symbol: v.optional(v.pipe(v.string(), v.toUpperCase())),
  /** Chance of each match, 0…1, from the seeded generator. */
  probability: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Every k-th match. */
  every: v.optional(positive),
  /** Matches let through first. */
  after: v.optional(count),
  /** Fires this often, then never again. */
  count: v.optional(positive),
};

const target = v.optional(v.picklist(["rest", "ws"]), "ws");
const rule = <K extends string, E extends v.ObjectEntries>(kind: K, entries: E) =>
  v.strictObject({ kind: v.literal(kind), ...selection, ...entries });

/** One fault on demand. REST faults hit requests, ws faults sockets, subscriptions or frames. */
export const faultRuleSchema = v.variant("kind", [
  /** REST: the answer comes later by `ms` plus a uniform part of `jitter_ms`. */
  rule("latency", {
    ms: v.pipe(count, v.maxValue(LATENCY_MS_MAX)),
    jitter_ms: v.optional(v.pipe(count, v.maxValue(LATENCY_MS_MAX)), 0),
  }),
  /** REST: 429. */
  rule("throttle", { retry_after_s: v.optional(v.pipe(positive, v.maxValue(RETRY_AFTER_S_MAX)), 1) }),
  /** REST: 418, and every request after it until the ban ends. */
  rule("ban", { retry_after_s: v.pipe(positive, v.maxValue(RETRY_AFTER_S_MAX)) }),
  /** REST: an error page as the load balancers in front of the exchange send it. */
  rule("http_error", { status: v.picklist([403, 451, 500, 502, 503]) }),
  /** REST: the connection breaks before the answer. */
  rule("reset", {}),
  /** REST: the request is taken and never answered. */
  rule("hang", {}),
  /** A body or frame that is no trade message. */
  rule("malformed", {
    target: v.optional(v.picklist(["rest", "ws"]), "rest"),
    body: v.optional(v.picklist(["truncated", "null", "wrong_types", "html", "empty"]), "truncated"),
  }),
  /** REST rows, or neighbouring frames, in another order. */
  rule("reorder", { target }),
  /** A frame twice, or some REST rows twice. */
  rule("duplicate", { target }),
  /** A frame not sent, or some REST rows left out of a page. */
  rule("missing", { target }),
  /** Trades that never show up: ids [from_id, to_id), REST and stream alike unless `target` names one. */
  rule("id_gap", {
    target: v.optional(v.picklist(["rest", "ws", "both"]), "both"),
    from_id: count,
    to_id: count,
  }),
  /** Trades with units too many in their size or price: ids [from_id, to_id), which stay contiguous. */
  rule("wrong_trade", {
    target: v.optional(v.picklist(["rest", "ws", "both"]), "both"),
    from_id: count,
    to_id: count,
    field: v.optional(v.picklist(["price", "size"]), "size"),
    by: v.optional(positive, 1),
  }),
  /** REST: 1-minute candles that open in the minutes [from_minute, to_minute) of the epoch have one unit too many in a field. */
  rule("wrong_candle", {
    from_minute: count,
    to_minute: count,
    field: v.optional(v.picklist(DISTORTED_FIELDS), "volume"),
  }),
  /** ws: the connection breaks before a frame. */
  rule("drop", {}),
  /** ws: the handshake is answered 502. */
  rule("refuse", {}),
  /** ws: the socket opens, and nothing is ever sent on it, not even a close. */
  rule("half_open", {}),
  /** ws: the subscription is acknowledged and stays silent. */
  rule("silent", {}),
  /** Only what `/time`, `E` and bans say is moved by `ms`; the trades and limits are not. */
  rule("clock_skew", {
    ms: v.pipe(v.number(), v.integer(), v.minValue(-SKEW_MS_MAX), v.maxValue(SKEW_MS_MAX)),
  }),
]);

export type FaultRule = v.InferOutput<typeof faultRuleSchema>;
/** A rule as it is written, defaults left out. */
export type FaultRuleInput = v.InferInput<typeof faultRuleSchema>;
export type FaultKind = FaultRule["kind"];
